"""SeatGeek's Seller Direct API behind our protocol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote

from marketplaces.adapters import _wire
from marketplaces.adapters._platform import TokenPlatform
from marketplaces.adapters.seatgeek import client, mapping, webhook
from marketplaces.contracts import (
    Buyer,
    Capability,
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
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
    Traits,
)
from marketplaces.deadlines import (
    CutOff,
    CutOffBasis,
    HandOverKind,
    HandOverRule,
    HandOverStep,
    KnownHandOver,
    KnownListUntil,
)  # fmt: skip
from marketplaces.delivery import Fulfilment, HandOver, SeatTicket
from marketplaces.errors import AlreadyGone, MarketplaceError, PermanentError, UnknownOutcome

_LACKS = frozenset({
    Capability.PRIMARY_LEFT,
    Capability.REQUEST_EVENT,
    Capability.SHIPPING_LABEL,
    Capability.KEEP_ALIVE,
    Capability.CONSTRAINTS, Capability.PREVIEW, Capability.REGISTER_WEBHOOK, Capability.PROVISIONAL_SALE,
})  # fmt: skip
_TO_BE_HANDED_OVER = frozenset({RemoteSaleState.AWAITING_CONFIRM, RemoteSaleState.AWAITING_FULFILMENT})
# Orders can be asked for by the day they were placed only, yet change until their game, which may be half a year later:
# those of the last weeks are read with each poll, and older ones by their ids.
_ORDERS_CHANGE_FOR = timedelta(days=60)


def _listing_path(external_id: str) -> str:
    return f"/listings/single/{quote(external_id, safe='')}"


# When what is known of its fees and deadlines was read.
_CHECKED = date(2026, 11, 22)
# An order tells no deadline; this rule is published for all sellers.
_DELIVERY_RULE = "support.seatgeek.com 50923330975891 and seatgeek.ca/terms/seller (1 Oct 2025): when to deliver"
_HAND_OVER = HandOverRule(
    HandOverKind.STEPS,
    (
        HandOverStep(Decimal(61), before_h=Decimal(36)), HandOverStep(Decimal(26), within_h=Decimal(24)),
        HandOverStep(Decimal(0), before_h=Decimal(2)),
    ),
)  # fmt: skip


class SeatGeek(TokenPlatform):
    """The protocol's methods; the account's token and address come with each call."""

    live_base_url = client.LIVE_BASE_URL
    traits = Traits(
        key="seatgeek",
        name="SeatGeek",
        site="https://seatgeek.com/",
        auth="token",
        contract="reconstructed",
        capabilities=frozenset(Capability) - _LACKS,
        market_view="section_listings",
        default_per_second=5.0,
        requests=client.REQUESTS.names,
        own_key=frozenset(client.PLATFORM_REQUESTS),
        searches_by_own_key=True,
        paces=client.PACES,
        pace_bursts=client.BURSTS,
        # A write answers with nothing, and is read back.
        sends={"create": 2, "reprice": 2, "resize": 2, "supply": 2},
        fees=(
            KnownFee(
                Decimal("5.000"), date(2026, 3, 1), "5 % of subtotal on 8,506 of 8,507 orders of one broker", _CHECKED
            ),
        ),
        hand_overs=(HandOver.TRANSFER_URL, HandOver.BARCODE, HandOver.PDF),
        deliveries=tuple(mapping.STOCK_TYPES),
        # What is sold later than the last of them is late at once.
        list_until=(
            KnownListUntil(
                tuple(mapping.STOCK_TYPES), CutOff(Decimal(2)), CutOffBasis.DELIVERY, _DELIVERY_RULE, _CHECKED
            ),
        ),
        hand_over_by=KnownHandOver(_HAND_OVER, _DELIVERY_RULE, _CHECKED),
        seller_allocates=True,
        tells_changes_for=_ORDERS_CHANGE_FOR,
        webhook_secret_is_token=True,
    )

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Test the token. Raises GrantExpired where it is not good."""
        client.answers(link, "listings")
        return link.grant

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Events on the query's local day over the Platform API, those most like the query first."""
        params = {
            "q": query.text, "datetime_local.gte": f"{query.local_date}T00:00:00",
            "datetime_local.lte": f"{query.local_date}T23:59:59", "per_page": "25",
        }  # fmt: skip
        found = _wire.items_at(client.platform_get(link, "/events", params), "events")
        events = [event for item in found if (event := mapping.event_of(item)) is not None]
        return _wire.likest_first(events, query)

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """Each event's status and date in the Platform API."""
        for one in asked:
            body = client.platform_find(link, f"/events/{quote(one.event_id, safe='')}")
            if body is not None:
                yield mapping.standing_of(one.event_id, body)

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. A PUT on our own key: repeating it changes nothing."""
        self._check_currency(draft.currency)
        client.call(link, "PUT", _listing_path(draft.external_id), body=mapping.listing_body(draft))
        ref = ListingRef(draft.external_id, "", draft.event_id, draft.quantity, draft.split)
        made = self._read_back(link, ref)
        if made is None:
            raise UnknownOutcome("SeatGeek said ok and shows no listing")
        return made

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the broadcast price (USD). Raises AlreadyGone."""
        self._check_currency(currency)
        return self._patch(link, ref, {"cost": _wire.cents(price)})

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats. Raises AlreadyGone; TemporaryError where it grows within minutes of an order."""
        return self._patch(link, ref, mapping.seats_body(seats, ref.split))

    def _patch(self, link: Link, ref: ListingRef, body: Mapping[str, Any]) -> RemoteListing:
        with _wire.gone_proven(lambda: client.answers(link, "listings")):
            client.call(link, "PATCH", _listing_path(ref.external_id), body=body, gone=True)
        changed = self._read_back(link, ref)
        if changed is None:
            raise AlreadyGone("the listing was gone right after the change")
        return changed

    def supply(self, link: Link, ref: ListingRef, tickets: tuple[SeatTicket, ...]) -> RemoteListing:
        """Send the barcodes of a listing. Raises AlreadyGone."""
        return self._patch(link, ref, mapping.tokens(tickets))

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take down. SeatGeek answers ok for a listing that is gone or sold too."""
        with _wire.always_there("/listings/bulk-delete"):
            answer = client.call(link, "POST", "/listings/bulk-delete", body={"seller_listing_ids": [ref.external_id]})
        ok = _wire.dig(answer, "ok")
        if ok is False:
            raise PermanentError("SeatGeek did not take the listing down")
        if ok is not True:
            raise UnknownOutcome("SeatGeek did not say whether the listing is down")

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now."""
        body = client.get(link, _listing_path(ref.external_id))
        return None if body is None else mapping.listing_of(_wire.dig(body, "listing") or body)

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account."""
        found = client.cursor_pages(link, "/listings", "listings")
        yield from _wire.readable(link, found, mapping.listing_of, mapping.listing_number)

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Orders changed since then, oldest change first; none placed longer than `traits.tells_changes_for` before."""
        placed_since = (since - _ORDERS_CHANGE_FOR).astimezone(UTC).date().isoformat()
        orders = list(client.numbered_pages(link, "/orders", "orders", {"start_date": placed_since}))
        dated = [(mapping.updated_at(order) or since, order) for order in orders]
        changed = [order for moment, order in sorted(dated, key=lambda pair: pair[0]) if moment >= since]
        yield from _wire.readable(link, changed, mapping.sale_of, mapping.order_number)

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One order as it is there now."""
        body = client.get(link, "/order", {"order_id": sale_id})
        if body is None:
            client.answers(link, "orders")
            return None
        sale = mapping.sale_of(body)
        return replace(sale, buyer=self._buyer(link, sale_id)) if sale.state in _TO_BE_HANDED_OVER else sale

    @staticmethod
    def _buyer(link: Link, sale_id: str) -> Buyer | None:
        """To whom the tickets go: a call of its own, which the sale does not wait for."""
        try:
            return mapping.buyer_of(client.get(link, "/orders/customer", {"order_id": sale_id}))
        except MarketplaceError:
            return None

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm an order."""
        return self._patch_order(link, {"order_id": sale_id, "status": "confirmed"})

    def reject(self, link: Link, sale_id: str) -> None:
        """Deny an order. Raises AlreadyGone."""
        with _wire.gone_proven(lambda: client.answers(link, "orders")):
            client.call(link, "PATCH", "/order", form={"order_id": sale_id, "status": "denied"}, gone=True)

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over: the tickets themselves go first, then the order is said to be. Raises PermanentError.

        Tickets that are sent twice, since an answer was lost, replace themselves.
        """
        self._check_proof(proof)
        seats = [ticket.seat for ticket in proof.tickets]
        form = mapping.proof_form(sale_id, proof, seats)
        if proof.tickets:
            client.call(
                link, "PUT", "/v3/order", form={"order_id": sale_id, "seats": ",".join(seats)},
                files=mapping.ticket_parts(proof),
            )  # fmt: skip
        return self._patch_order(link, form)

    def _patch_order(self, link: Link, form: Mapping[str, str]) -> RemoteSale:
        return self._written(mapping.sale_of, client.call(link, "PATCH", "/order", form=form))

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Weekly invoices since then, each read whole for its lines."""
        body = client.collection(link, "/remittances")
        # By which name they come is not published.
        name = next((one for one in ("remittances", "invoices") if _wire.dig(body, one) is not None), "")
        found = _wire.listed(body, "/remittances", *([name] if name else []))
        for item in found:
            made_at = mapping.invoice_date(item)
            if made_at is not None and made_at < since:
                continue
            number = mapping.invoice_number(item)
            read = partial(client.get, link, f"/remittances/{quote(number, safe='')}")
            whole = _wire.read_alone(link, number, read) if number else item
            if whole is None:
                continue
            if mapping.invoice_number(whole) != number:
                link.unread.note(f"{number}: SeatGeek's answer is no invoice")
                continue
            yield from _wire.readable(link, [whole], mapping.invoice_of, mapping.invoice_number)

    def next_payment(self, link: Link) -> RemotePayment | None:
        """The current remittance."""
        body = client.get(link, "/remittances/current")
        return None if body is None else mapping.current_of(body)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the bearer is `secret`."""
        webhook.verify(headers, secret)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """One notice an item of the batch."""
        return webhook.parse(body)

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        """The event's listings from broker data. Raises NotSupported where the token has no access to it."""
        body = client.broker_get(link, "/listings", {"event_id": event_id})
        for item in _wire.items_at(body, "listings") or _wire.items_at(body):
            point = mapping.market_point_of(item)
            if point is not None:
                yield point
