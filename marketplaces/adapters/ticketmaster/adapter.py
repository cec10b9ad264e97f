"""Ticketmaster behind our protocol: consent and event search are published, the selling port is our own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from marketplaces.adapters import _wire
from marketplaces.adapters._platform import Platform
from marketplaces.adapters.ticketmaster import client, mapping
from marketplaces.contracts import (
    AppCredentials,
    Capability,
    Constraints,
    Draft,
    EventAsked,
    EventQuery,
    EventStanding,
    Grant,
    Link,
    ListingRef,
    Notice,
    Preview,
    PrimaryLeft,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    Traits,
)
from marketplaces.delivery import Fulfilment, HandOver
from marketplaces.errors import AlreadyGone

_LACKS = frozenset({
    Capability.SUPPLY,
    Capability.REQUEST_EVENT,
    Capability.MARKET_VIEW, Capability.PROVISIONAL_SALE, Capability.KEEP_ALIVE, Capability.NEXT_PAYMENT,
    Capability.SHIPPING_LABEL,
})  # fmt: skip
# Discovery's largest page; deeper than a thousand events it does not go.
_FOUND_AT_ONCE = "200"
_A_DAY = timedelta(days=1)


class Ticketmaster(Platform):
    """The protocol's methods; the account's grant and address come with each call."""

    # No interface for holders is published: a live account needs the address of a partner's gateway.
    live_base_url = ""
    traits = Traits(
        key="ticketmaster",
        name="Ticketmaster",
        site="https://www.ticketmaster.com/",
        auth="oauth2",
        contract="unverified",
        capabilities=frozenset(Capability) - _LACKS,
        default_per_second=2.0,
        default_burst=5,
        requests=client.REQUESTS,
        paces=client.PACES,
        day_quotas=client.DAY_QUOTAS,
        paces_source="Discovery API: five a second by its guide, two by its FAQ, and 5,000 a day",
        own_key=frozenset(client.OWN_KEY),
        searches_by_own_key=True,
        tells_views=True,
        searches_by_text=False,
        hand_overs=(HandOver.MOBILE_TRANSFER,),
        webhook_proof_header=mapping.SIGNATURE_HEADER,
    )

    def authorize_url(
        self, *, base_url: str, app: AppCredentials, state: str, redirect_uri: str, code_challenge: str
    ) -> str:
        """The consent page; it knows no PKCE. Raises PermanentError where our client id is not set."""
        return client.authorize_url(base_url=base_url, app=app, state=state, redirect_uri=redirect_uri)

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Trade the code. Raises GrantExpired where it is spent."""
        return client.trade(link, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})

    def refresh(self, link: Link) -> Grant:
        """A new access token; the refresh token lives on."""
        return client.trade(link, {"grant_type": "refresh_token", "refresh_token": link.grant.refresh_token})

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Discovery's events on the query's local day, those most like the query first.

        It is asked for moments, by its published parameters; the local day comes with each event.
        """
        params = {
            "keyword": query.venue.partition(",")[0].strip(), "size": _FOUND_AT_ONCE,
            "startDateTime": _stamp(query.starts_at - _A_DAY), "endDateTime": _stamp(query.starts_at + _A_DAY),
        }  # fmt: skip
        found = _wire.items_at(client.discover(link, params), "_embedded", "events")
        of_day = (item for item in found if mapping.local_day(item) in {"", query.local_date})
        events = [event for item in of_day if (event := mapping.event_of(item)) is not None]
        return _wire.likest_first(events, query)

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """Each event's status code and date in Discovery."""
        for one in asked:
            body = client.discover_event(link, one.event_id)
            if body is not None:
                yield mapping.standing_of(one.event_id, body)

    def primary_left(self, link: Link, event_ids: Sequence[str]) -> dict[str, PrimaryLeft]:
        """Inventory Status, with our own key. Raises PermanentError where that is not authorised for it."""
        found = _wire.items_at(client.availability(link, event_ids))
        return {
            _wire.text_at(item, "eventId"): mapping.primary_left_of(_wire.text_at(item, "status")) for item in found
        }

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        """What the port demands for the event."""
        body = mapping.event_body(draft)
        told = mapping.constraints_of(client.call(link, "POST", "/constraints", body=body, write=False))
        link.note_bounds(draft.event_id, told)
        return told

    def preview(self, link: Link, draft: Draft) -> Preview:
        """What the price would bring; nothing is created. Raises PriceRefused where the event takes no such price."""
        body = mapping.listing_body(draft)
        with _wire.price_asked("price"):
            return mapping.preview_of(client.call(link, "POST", "/listings/preview", body=body, write=False))

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish under our key; once more replaces. Raises PriceRefused where the event takes no such price."""
        self._check_currency(draft.currency)
        body = mapping.listing_body(draft)
        with _wire.price_asked("price"):
            answer = client.call(link, "PUT", _listing(draft.external_id), body=body)
        return self._written(mapping.listing_of, answer)

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the list price per ticket. Raises AlreadyGone, AlreadySold or PriceRefused."""
        self._check_currency(currency)
        with _wire.price_asked("price"):
            return self._change(link, ref, {"price": mapping.amount_body(price, currency)})

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats. Raises AlreadyGone or AlreadySold."""
        _wire.adjacent(seats)
        return self._change(link, ref, {"seats": sorted(seats)})

    def _change(self, link: Link, ref: ListingRef, change: Mapping[str, Any]) -> RemoteListing:
        answer = client.call(link, "PATCH", _listing(ref.external_id), body=change, gone=True)
        return self._written(mapping.listing_of, answer)

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take down. Raises AlreadyGone or AlreadySold."""
        client.call(link, "DELETE", _listing(ref.external_id), gone=True)

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now."""
        found = client.get(link, _listing(ref.external_id))
        return None if found is None else mapping.listing_of(found)

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account."""
        found = client.pages(link, "/listings", "listings", {})
        yield from _wire.readable(link, found, mapping.listing_of, _wire.number_at("id"))

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Orders changed at or after `since`, oldest first."""
        found = client.pages(link, "/orders", "orders", {"updated_since": _stamp(since)})
        yield from _wire.readable(link, found, mapping.sale_of, _wire.number_at("id"))

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One order as it is there now."""
        found = client.get(link, _order(sale_id))
        return None if found is None else mapping.sale_of(found)

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm an order."""
        return self._act(link, sale_id, "confirm", {})

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse an order. Raises AlreadyGone."""
        client.call(link, "POST", f"{_order(sale_id)}/reject", body={}, gone=True)

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over by a transfer's confirmation number. Raises PermanentError without one."""
        self._check_proof(proof)
        return self._act(link, sale_id, "transfer", {"confirmation": proof.confirmation})

    def _act(self, link: Link, sale_id: str, what: str, body: Mapping[str, Any]) -> RemoteSale:
        return self._written(mapping.sale_of, client.call(link, "POST", f"{_order(sale_id)}/{what}", body=body))

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Payouts since then."""
        params = {"since": f"{since.astimezone(UTC):%Y-%m-%d}"}
        found = client.pages(link, "/payouts", "payouts", params)
        yield from _wire.readable(link, found, mapping.payment_of, _wire.number_at("reference"))

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        """The one subscription of an account: registering again replaces it."""
        answer = client.call(link, "PUT", "/webhook", body={"url": url, "secret": secret})
        return _wire.text_at(answer, "id")

    def unregister_webhook(self, link: Link, webhook_id: str) -> None:
        """Take the subscription back, if it is still this one. Raises AlreadyGone."""
        client.call(link, "DELETE", f"/webhook/{quote(webhook_id, safe='')}", gone=True)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the body is signed with the account's secret."""
        mapping.verify(headers, body, secret)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        """The item of a delivery."""
        return mapping.notices_of(body)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _listing(key: str) -> str:
    if not key:
        raise AlreadyGone("a listing without our key is not known there")
    return f"/listings/{quote(key, safe='')}"


def _order(sale_id: str) -> str:
    return f"/orders/{quote(sale_id, safe='')}"
