"""StubHub's seller API v2 behind our protocol."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from marketplaces.adapters import _wire
from marketplaces.adapters._platform import Platform
from marketplaces.adapters.stubhub import client, mapping, oauth, webhook
from marketplaces.adapters.stubhub.payments import next_payment_of, payment_of
from marketplaces.contracts import (
    AppCredentials,
    Capability,
    Constraints,
    Draft,
    EventAsked,
    EventQuery,
    EventStanding,
    Grant,
    KnownFee,
    Link,
    ListingRef,
    MarketPoint,
    Notice,
    Preview,
    PriceBasis,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
    Traits,
)
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket
from marketplaces.errors import (
    AlreadySold,
    MarketplaceError,
    MustWait,
    PermanentError,
    TemporaryError,
    UnknownOutcome,
)

# `recentupdates` covers "a certain period of time"; a longer gap is read from the full list.
_RECENT = timedelta(hours=12)
# A season's sales have a listing each: no request is worth what is through.
_THROUGH = frozenset({RemoteSaleState.COMPLETE, RemoteSaleState.CANCELLED})
_NOT_ON_SALE = frozenset({"Cancelled", "Deleted", "Draft"})


def _listing_path(ref: ListingRef) -> str:
    if ref.external_id:
        return f"/v2/externalsellerlistings/{quote(ref.external_id, safe='')}"
    return f"/v2/sellerlistings/{quote(ref.listing_id, safe='')}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# When what is known of its fees was read.
_CHECKED = date(2026, 11, 22)


class StubHub(Platform):
    """The protocol's methods; the account's grant and address come with each call."""

    live_base_url = client.LIVE_BASE_URL
    traits = Traits(
        key="stubhub",
        name="StubHub",
        site="https://www.stubhub.com/",
        auth="oauth2",
        contract="official",
        currencies=tuple(mapping.COUNTRIES),
        capabilities=frozenset(Capability) - {Capability.KEEP_ALIVE, Capability.PRIMARY_LEFT},
        market_view="event_figures",
        default_per_second=5.0,
        requests=client.REQUESTS.names,
        sends={"resize": 2, "confirm": 2, "fulfil": 2},
        fees=(KnownFee(Decimal("10.000"), date(2023, 1, 1), "10.0 % below list in a recorded sale, 2023", _CHECKED),),
        hand_overs=tuple(HandOver),
        deliveries=tuple(DeliveryType),
        supplies=(HandOver.BARCODE, HandOver.PDF, HandOver.QR_CODE),
        scopes=oauth.SCOPES,
        refresh_token_single_use=True,
    )

    def authorize_url(
        self, *, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str
    ) -> str:
        """The consent page. Raises PermanentError where our client id is not set."""
        return oauth.authorize_url(
            base_url=base_url, app=app, state=state, redirect_uri=redirect_uri, code_challenge=code_challenge
        )

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Trade the code; the account's name is read where the platform lets us."""
        grant = oauth.trade_code(link, code=code, redirect_uri=redirect_uri, code_verifier=code_verifier)
        try:
            user = client.get(replace(link, grant=grant), "/v2/user")
        except MarketplaceError:
            # The grant is good and its code spent: a missing name must not lose it.
            return grant
        return replace(grant, account_id=_wire.text_at(user, "email"))

    def refresh(self, link: Link) -> Grant:
        """The next grant; its refresh token replaces the spent one."""
        return oauth.trade_refresh(link)

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Events on the query's local day, those most like the query first."""
        asked = {"q": query.text, "dateLocal": query.local_date}
        items = client.page(link, "/catalog/events/search", asked).items
        on_sale = [item for item in items if _wire.text_at(item, "status") not in _NOT_ON_SALE]
        events = [event for item in on_sale if (event := mapping.event_of(item)) is not None]
        return _wire.likest_first(events, query)

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """Each event's status and date in the catalog. One that was merged answers as the event that is left."""
        for one in asked:
            body = client.get(link, f"/catalog/events/{quote(one.event_id, safe='')}")
            if body is not None:
                yield mapping.standing_of(one.event_id, body)

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """What listings for the event must keep to; nothing is created for an unknown event."""
        if draft.event_id:
            path = f"/v2/events/{quote(draft.event_id, safe='')}/listingconstraints"
            body = client.call(link, "GET", path, write=False)
        else:
            body = client.call(link, "PUT", "/v2/listingconstraints", body=mapping.event_body(draft), write=False)
        told = mapping.constraints_of(body, draft.currency)
        link.note_bounds(draft.event_id, told)
        return told

    def preview(self, link: Link, draft: Draft) -> Preview:
        """Proceeds per ticket as StubHub computes them. Raises PriceRefused where the event takes no such price."""
        path = f"/v2/events/{quote(draft.event_id, safe='')}/sellerlistingpreview"
        with _wire.price_asked("ticket_price"):
            body = self._post_listing(link, draft, path if draft.event_id else "/v2/sellerlistingpreview", preview=True)
        proceeds = mapping.amount_at(body, "ticket_proceeds")
        if proceeds is None:
            raise PermanentError("StubHub's preview names no proceeds")
        return Preview(mapping.amount_at(body, "ticket_price") or draft.price, proceeds, None, draft.currency)

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. A second create with the same external id replaces the first listing under a new id.

        Raises PriceRefused where the event takes no such price.
        """
        self._check_currency(draft.currency)
        path = f"/v2/events/{quote(draft.event_id, safe='')}/sellerlistings"
        with _wire.price_asked("ticket_price"):
            body = self._post_listing(link, draft, path if draft.event_id else "/v2/sellerlistings", preview=False)
        return _applied(body)

    def _post_listing(self, link: Link, draft: Draft, path: str, *, preview: bool) -> Any:
        body = mapping.listing_body(draft, ticket_type=mapping.TICKET_TYPES[draft.delivery][0], preview=preview)
        try:
            return client.call(link, "POST", path, body=body, write=not preview)
        except _wire.Refused as error:
            if not any(field.endswith("ticket_type") for field in error.fields):
                raise
        # Nothing was created: the event takes other ticket types, which its constraints name.
        allowed = self.constraints(link, draft).ticket_types
        fitting = next((name for name in mapping.TICKET_TYPES[draft.delivery] if name in allowed), "")
        if not fitting:
            told = ", ".join(allowed) or "none"
            raise PermanentError(f"StubHub takes no such tickets for this event ({told}): say how yours are delivered")
        return client.call(link, "POST", path, body={**body, "ticket_type": fitting}, write=not preview)

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the list price. Raises AlreadyGone, AlreadySold where nothing is left of it, or PriceRefused."""
        self._check_currency(currency)
        body = {"ticket_price": mapping.money(price, currency)}
        with _wire.price_asked("ticket_price"):
            return self._patch(link, ref, body)

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats. Section and row are read first, since seating must be sent whole.

        Raises AlreadyGone, or AlreadySold where nothing is left of it.
        """
        current = mapping.listing_of(client.call(link, "GET", _listing_path(ref), write=False, gone=True))
        seating = mapping.seating(current.section, current.row, seats)
        return self._patch(link, ref, {"number_of_tickets": len(seats), "seating": seating})

    def supply(self, link: Link, ref: ListingRef, tickets: tuple[SeatTicket, ...]) -> RemoteListing:
        """Send the barcodes, or the files, of a listing. Raises AlreadyGone, or AlreadySold where nothing is left.

        Files are uploaded one by one, and the listing is then told which e-tickets are its own: cut off before that,
        they count for nothing and are uploaded again.
        """
        if all(ticket.barcode for ticket in tickets):
            return self._patch(link, ref, {"barcodes": mapping.barcodes(tickets, "")})
        there = f"/v2/sellerlistings/{quote(ref.listing_id, safe='')}"
        return self._patch(link, ref, {"eticket_ids": self._uploaded(link, there, tickets, gone=True)})

    def _patch(self, link: Link, ref: ListingRef, body: Mapping[str, Any]) -> RemoteListing:
        try:
            return _applied(client.call(link, "PATCH", _listing_path(ref), body=body, gone=True))
        except _wire.Refused as error:
            self._sold_or(link, ref, error)
            raise

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take down. Raises AlreadyGone, or AlreadySold where StubHub refuses because nothing is left."""
        try:
            client.call(link, "DELETE", _listing_path(ref), gone=True)
        except _wire.Refused as error:
            self._sold_or(link, ref, error)
            raise

    def _sold_or(self, link: Link, ref: ListingRef, refusal: _wire.Refused) -> None:
        """Raises AlreadySold where nothing is left: StubHub has one refusal for much, so the listing is read back."""
        if refusal.code in {"invalid_delete", "invalid_seller_listing_action"}:
            left = self.fetch(link, ref)
            if left is None or left.quantity == 0:
                raise AlreadySold(str(refusal), status=refusal.status) from refusal

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now."""
        body = client.get(link, _listing_path(ref))
        return None if body is None else mapping.listing_of(body)

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account."""
        query = {"page": "1", "page_size": str(client.PAGE_SIZE), "sort": "created_at"}
        path, number = "/v2/sellerlistings", _wire.number_at("id")
        yield from _wire.readable(link, client.pages(link, path, query), mapping.listing_of, number)

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Sales changed since then. For one of long ago that is through no listing is asked: its gross is not known."""
        query, path, past = {"updated_since": _stamp(since)}, "/v2/sales/recentupdates", False
        if since < datetime.now(UTC) - _RECENT:
            path, past = "/v2/sales", True
            query |= {"page": "1", "page_size": str(client.PAGE_SIZE), "sort": "resource_version"}
        listings: dict[str, Any] = {}
        for sale in _wire.readable(link, client.pages(link, path, query), mapping.sale_of, _wire.number_at("id")):
            yield self._with_gross(link, sale, listings, ask=not (past and sale.state in _THROUGH))

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One sale as it is there now."""
        body = client.get(link, f"/v2/sales/{quote(sale_id, safe='')}")
        return None if body is None else self._with_gross(link, mapping.sale_of(body), {})

    def _with_gross(self, link: Link, sale: RemoteSale, listings: dict[str, Any], *, ask: bool = True) -> RemoteSale:
        """StubHub tells proceeds only; the listing's own price and proceeds give the gross.

        `ask`: for the listing; else it goes by those that were read already.
        """
        if ask and sale.external_id and sale.external_id not in listings:
            try:
                listings[sale.external_id] = client.get(
                    link, f"/v2/externalsellerlistings/{quote(sale.external_id, safe='')}"
                )
            except MustWait:
                # It is told a moment later, and whole.
                raise
            except MarketplaceError:
                # The sale matters more than its fee: it must not wait for a listing that cannot be read.
                listings[sale.external_id] = None
        gross = mapping.gross_of(sale, listings.get(sale.external_id))
        if gross is None:
            return replace(sale, gross_known=False)
        return replace(sale, gross=gross, fees=gross - sale.proceeds)

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm a sale."""
        return self._patch_sale(link, sale_id, {"confirmed": True})

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse a sale. Raises AlreadyGone."""
        client.call(link, "DELETE", f"/v2/sales/{quote(sale_id, safe='')}", gone=True)

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over. Raises PermanentError where what the way asks for is missing."""
        self._check_proof(proof)
        if proof.method in {HandOver.PDF, HandOver.QR_CODE}:
            kind = {} if proof.method == HandOver.PDF else {"eticket_type": "MobileQRCode"}
            made = self._uploaded(link, f"/v2/sales/{quote(sale_id, safe='')}", proof.tickets)
            return self._patch_sale(link, sale_id, {"eticket_ids": made, **kind})
        if proof.method == HandOver.TRACKING and proof.step is DeliveryStep.LABELS:
            body = mapping.proof_body(proof)
            client.call(link, "PATCH", f"{_shipments(sale_id)}/{self._shipment(link, sale_id)}", body=body)
            return self._sale_read_back(link, sale_id)
        return self._patch_sale(link, sale_id, mapping.proof_body(proof))

    @staticmethod
    def _uploaded(link: Link, there: str, tickets: tuple[SeatTicket, ...], *, gone: bool = False) -> list[int]:
        """The ids of the e-tickets of these files of a sale, or a listing, in the order of the seats."""
        found: list[int] = []
        for ticket in tickets:
            name = f"seat-{ticket.seat}.{ticket.media_type.rpartition('/')[2]}"
            answer = client.call(
                link, "POST", f"{there}/eticketuploads", gone=gone,
                files=[("file", (name, ticket.content, ticket.media_type))],
            )  # fmt: skip
            made = [item for upload in _wire.items_at(answer, "_embedded", "items") for item in _etickets(upload)]
            if not made:
                raise TemporaryError(f"StubHub made no e-ticket of the file for seat {ticket.seat}")
            found += made[:1]
        return found

    def _shipment(self, link: Link, sale_id: str) -> str:
        """The sale's parcel; it is made where there is none yet."""
        there = client.get(link, _shipments(sale_id))
        known = [_wire.text_at(item, "id") for item in _wire.items_at(there, "_embedded", "items")]
        return next(filter(None, known), "") or _wire.text_at(client.call(link, "PUT", _shipments(sale_id)), "id")

    def shipping_label(self, link: Link, sale_id: str) -> bytes:
        """The label of the sale's parcel, a PDF. Raises PermanentError where there is none."""
        path = f"{_shipments(sale_id)}/{self._shipment(link, sale_id)}/label"
        return client.document(link, path)

    def _patch_sale(self, link: Link, sale_id: str, body: Mapping[str, Any]) -> RemoteSale:
        answer = client.call(link, "PATCH", f"/v2/sales/{quote(sale_id, safe='')}", body=body)
        try:
            return self._with_gross(link, mapping.sale_of(answer), {})
        except PermanentError as error:
            raise UnknownOutcome(f"the sale's answer cannot be read: {error}") from error

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Payouts since then, each read whole for its lines."""
        for item in client.pages(link, "/v2/payments", {}):
            made_at = _wire.moment_of(_wire.dig(item, "created_at"))
            if made_at is None or made_at >= since:
                number = _wire.text_at(item, "id")
                read = partial(client.get, link, f"/v2/payments/{quote(number, safe='')}")
                whole = _wire.read_alone(link, number, read)
                if whole is None:
                    continue
                if _wire.text_at(whole, "id") != number:
                    link.unread.note(f"{number}: StubHub's answer is no payment")
                    continue
                yield from _wire.readable(link, [whole], payment_of, _wire.number_at("id"))

    def next_payment(self, link: Link) -> RemotePayment | None:
        """The next payment; it has no id, and its sales may change."""
        body = client.get(link, "/v2/payments/next")
        return None if body is None else next_payment_of(body)

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """Subscribe to every topic; `secret` comes back as each delivery's Authorization header.

        What was subscribed for the same path before, also at another host, is taken back: each sale would be told once
        for every one of them.
        """
        body = {"name": "SeatSync", "url": url, "authorization_header": secret, "topics": list(webhook.TOPICS)}
        answer = client.call(link, "POST", "/v2/webhooks", body=body)
        subscription = _wire.text_at(answer, "id")
        if not subscription:
            raise UnknownOutcome("the subscription's answer names no id")
        # It stands: that others do too costs a notice more.
        with suppress(MarketplaceError):
            self._unsubscribe_others(link, url, subscription)
        return subscription

    def unregister_webhook(self, link: Link, webhook_id: str) -> None:
        """Take one subscription back. Raises AlreadyGone.

        By its id and not by its address: what an account that is connected again subscribes meanwhile has the same one.
        """
        client.call(link, "DELETE", f"/v2/webhooks/{quote(webhook_id, safe='')}", gone=True)

    def _unsubscribe_others(self, link: Link, url: str, subscription: str) -> None:
        path = urlsplit(url).path
        for item in list(client.pages(link, "/v2/webhooks", {})):
            one = _wire.text_at(item, "id")
            if one != subscription and urlsplit(_wire.text_at(item, "url")).path == path:
                client.call(link, "DELETE", f"/v2/webhooks/{quote(one, safe='')}")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the header we registered is echoed."""
        webhook.verify(headers, secret)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """The delivery's one item."""
        return webhook.parse(headers, body)

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """The event's lowest price: the seller API shows no strangers' listings."""
        event = client.get(link, f"/catalog/events/{quote(event_id, safe='')}")
        lowest = mapping.amount_at(event, "min_ticket_price")
        if lowest is not None:
            currency = _wire.text_at(event, "min_ticket_price", "currency_code") or "USD"
            yield MarketPoint("", "", "", None, lowest, currency, PriceBasis.LIST)


def _shipments(sale_id: str) -> str:
    return f"/v2/sales/{quote(sale_id, safe='')}/shipments"


def _etickets(upload: Any) -> list[int]:
    told = (_wire.int_of(_wire.dig(item, "id")) for item in _wire.items_at(upload, "_embedded", "etickets"))
    return [number for number in told if number is not None]


def _applied(body: Any) -> RemoteListing:
    """A write's listing; one that cannot be read leaves the outcome unknown, so that the caller reads back."""
    try:
        return mapping.listing_of(body)
    except PermanentError as error:
        raise UnknownOutcome(f"the listing's answer cannot be read: {error}") from error
