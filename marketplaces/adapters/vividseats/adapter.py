"""Vivid Seats' Broker Portal behind our protocol."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from marketplaces.adapters import _wire, _xml
from marketplaces.adapters._platform import TokenPlatform
from marketplaces.adapters.vividseats import client, mapping
from marketplaces.contracts import (
    Capability,
    Draft,
    EventAsked,
    EventQuery,
    EventStanding,
    EventState,
    Grant,
    Link,
    ListingRef,
    RemoteEvent,
    RemoteListing,
    RemotePayment,
    RemoteSale,
    Traits,
)
from marketplaces.deadlines import CutOff, CutOffBasis, HandOverKind, HandOverRule, KnownHandOver, KnownListUntil
from marketplaces.delivery import DeliveryType, Fulfilment, HandOver
from marketplaces.errors import (
    AlreadyGone,
    MustWait,
    PermanentError,
    TemporaryError,
    UnknownOutcome,
)  # fmt: skip

_LACKS = frozenset({
    Capability.PRIMARY_LEFT,
    Capability.REQUEST_EVENT,
    Capability.SUPPLY,
    Capability.NEXT_PAYMENT,
    Capability.KEEP_ALIVE,
    Capability.CONSTRAINTS, Capability.PREVIEW, Capability.REGISTER_WEBHOOK, Capability.WEBHOOK,
    Capability.MARKET_VIEW, Capability.PROVISIONAL_SALE,
})  # fmt: skip
# What waits for the seller; completed orders have a list of their own, by the day. A new order waits to be confirmed,
# which may be asked for every ten seconds: it must not wait for the list that may be asked for once a minute.
_NEW, _SELDOM = "UNCONFIRMED", "PENDING_SHIPMENT"
# Seconds between two polls, by their clock; what may be asked for sooner than that a poll waits for.
_POLL_S = 11
# Who asks for what came to be longer ago than this is told everything, however long he must wait for it.
_LATELY = timedelta(hours=1)
# As many as one answer may have, by the Broker Portal API (reconstructed): each list may be asked for seldom, and a
# season's orders wait for their tickets until its games.
_ORDERS_AT_ONCE, _COMPLETED_AT_ONCE = 10_000, 5_000
# A game that is moved is rarely moved further: one search of a venue tells them all.
_MOVED_BACK, _MOVED_ON = timedelta(days=60), timedelta(days=240)
# Both ends of a span of days are asked for; whether the last one counts is not said.
_AHEAD = timedelta(days=366)
_CHECKED = date(2026, 11, 22)
_LIST_UNTIL = "support.vividseats.com 11000033567: list until"


def _comes_later(error: TemporaryError) -> bool:
    """Whether a list may not be asked for before the next poll, by its own limit or as Vivid Seats says."""
    held = isinstance(error, MustWait) or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return held and (error.retry_after_s or 0.0) > _POLL_S


def _days(since: datetime) -> dict[str, str]:
    return {"startDate": since.date().isoformat(), "endDate": (since + _AHEAD).date().isoformat()}


class VividSeats(TokenPlatform):
    """The protocol's methods; the account's token and address come with each call."""

    live_base_url = client.LIVE_BASE_URL
    traits = Traits(
        key="vividseats",
        name="Vivid Seats",
        site="https://www.vividseats.com/",
        auth="token",
        contract="reconstructed",
        capabilities=frozenset(Capability) - _LACKS,
        # Ten reads of listings a second are published, fifty writes.
        default_per_second=10.0,
        requests=client.REQUESTS,
        paces=client.PACES,
        pace_bursts=client.BURSTS,
        # An update replaces the whole listing, and an order is named by a token of its own: each is read first.
        sole_requests={
            "create": "/listings/v2/create",
            "delist": "/listings/v2/delete",
            "fetch": "/listings/v2/get",
            "list_all": "/listings/v2/get",
        },
        sends={"reprice": 3, "resize": 3, "confirm": 3, "fulfil": 3, "reject": 2},
        limit_source="Broker Portal API (reconstructed): ten reads of listings a second",
        paces_source="Broker Portal API (reconstructed), and a little slower",
        poll_sales_every_s=_POLL_S,
        searches_by_text=False,
        # A venue's events are asked for once every five seconds, whichever they are.
        events_at_once=1000,
        hand_overs=(
            HandOver.TRANSFER_URL,
            HandOver.MOBILE_TRANSFER,
            HandOver.BARCODE,
            HandOver.PDF,
            HandOver.TRACKING,
        ),
        deliveries=tuple(mapping.STOCK_TYPES),
        list_until=(
            KnownListUntil(
                (DeliveryType.PAPER,),
                CutOff(shipping_days=5),
                CutOffBasis.STOPS,
                f"{_LIST_UNTIL} (hard stock)",
                _CHECKED,
            ),
            KnownListUntil(
                (DeliveryType.PDF,),
                CutOff(Decimal(48)),
                CutOffBasis.STOPS,
                f"{_LIST_UNTIL} (PDF, not uploaded)",
                _CHECKED,
            ),
            KnownListUntil(
                (DeliveryType.PDF,),
                CutOff(Decimal(6)),
                CutOffBasis.STOPS,
                f"{_LIST_UNTIL} (PDF, uploaded)",
                _CHECKED,
                uploaded=True,
            ),
        ),
        # An order tells its expected ship date; where one does not, this rule fixes it.
        hand_over_by=KnownHandOver(
            HandOverRule(HandOverKind.IN_HAND),
            "brokersupport.vividseats.com Large Seller Handbook: upload or ship by the in-hand date",
            _CHECKED,
        ),
        tells_changes_for=timedelta(0),
    )

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        """Test the token. Raises GrantExpired where it is not good."""
        self._listings(link)
        return link.grant

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        """Events at the venue on the query's local day, those most like the query first."""
        params = {
            "venueKeyword": query.venue.partition(",")[0].strip(), "fromDate": f"{query.local_date}T00:00:00",
            "toDate": f"{query.local_date}T23:59:59",
        }  # fmt: skip
        found = client.json_call(link, "GET", "/events/search", params=params, write=False)
        events = [event for item in _wire.items_at(found) if (event := mapping.event_of(item)) is not None]
        return _wire.likest_first(events, query)

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        """Dates alone, out of one search for each venue: no state is told, and no event can be asked for by its id."""
        for venue in sorted({one.venue for one in asked}):
            there = {one.event_id: one for one in asked if one.venue == venue}
            days = sorted(date.fromisoformat(one.local_date) for one in there.values())
            params = {
                "venueKeyword": venue.partition(",")[0].strip(),
                "fromDate": f"{days[0] - _MOVED_BACK}T00:00:00", "toDate": f"{days[-1] + _MOVED_ON}T23:59:59",
            }  # fmt: skip
            for item in _wire.items_at(client.json_call(link, "GET", "/events/search", params=params, write=False)):
                event = mapping.event_of(item)
                if event is not None and event.event_id in there:
                    yield EventStanding(event.event_id, EventState.UNTOLD, starts_at=event.starts_at)

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        """Publish. What a second listing with our key does there is not documented: read it back before a retry."""
        self._check_currency(draft.currency)
        ref = ListingRef(draft.external_id, "", draft.event_id, draft.quantity, draft.split)
        try:
            answer = client.json_call(link, "POST", "/listings/v2/create", body=mapping.listing_body(draft))
        except PermanentError as error:
            if "already" in str(error).lower() and (standing := self._read_back(link, ref)) is not None:
                return standing
            raise
        return self._written(mapping.listing_of, _wire.dig(answer, "listing"))

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        """Set the list price per ticket (USD). Raises AlreadyGone."""
        self._check_currency(currency)
        return self._update(link, ref, {"price": _wire.cents(price)})

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        """Offer only these seats. Raises AlreadyGone."""
        return self._update(link, ref, mapping.seats_body(seats, ref.split))

    def _update(self, link: Link, ref: ListingRef, change: Mapping[str, Any]) -> RemoteListing:
        """An update replaces the whole listing by Vivid Seats' own id, hence it is read first."""
        standing = self._standing(link, ref)
        if standing is None:
            raise AlreadyGone("Vivid Seats shows no such listing")
        body = mapping.changed_body(standing, change)
        answer = client.json_call(link, "PUT", "/listings/v2/update", body=body, gone=True)
        if _wire.dig(answer, "success") is not True:
            raise UnknownOutcome("Vivid Seats did not say whether the listing was changed")
        changed = self._read_back(link, ref)
        if changed is None:
            raise AlreadyGone("the listing was gone right after the change")
        return changed

    def delist(self, link: Link, ref: ListingRef) -> None:
        """Take down. Raises AlreadyGone for what is not there, sold or not."""
        params = {"internalTicketId": ref.external_id} if ref.external_id else {"listingId": ref.listing_id}
        answer = client.json_call(link, "DELETE", "/listings/v2/delete", params=params, gone=True)
        if _wire.dig(answer, "success") is not True:
            raise UnknownOutcome("Vivid Seats did not say whether the listing is down")

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        """The listing as it is there now."""
        standing = self._standing(link, ref)
        return None if standing is None else mapping.listing_of(standing)

    def _standing(self, link: Link, ref: ListingRef) -> Any:
        found = self._listings(link, ref.external_id)
        # One that was made by hand may have no key of its seller's.
        key, name = ("ticketId", ref.external_id) if ref.external_id else ("id", ref.listing_id)
        return next((item for item in found if _wire.text_at(item, key) == name), None)

    @staticmethod
    def _listings(link: Link, ticket_id: str = "") -> list[Any]:
        """The account's listings, or the one with our key. Raises TemporaryError for no list."""
        params = {"internalTicketId": ticket_id} if ticket_id else {}
        try:
            answer = client.json_call(link, "GET", "/listings/v2/get", params=params, write=False, gone=bool(ticket_id))
        except AlreadyGone:
            return []
        return _wire.listed(answer, "listings", "listings")

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        """Every listing of the account."""
        yield from _wire.readable(link, self._listings(link), mapping.listing_of, _wire.number_at("id"))

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        """Orders that wait for the seller, whenever they were placed, and those completed since then.

        Those that wait for their tickets are left to a later poll where they may not be asked for yet.
        """
        # What is new comes first: it counts, whatever must wait after it.
        yield from self._in_status(link, _NEW)
        orders: dict[str, RemoteSale] = {}
        try:
            orders = {sale.sale_id: sale for sale in self._in_status(link, _SELDOM)}
        except TemporaryError as error:
            if since < datetime.now(UTC) - _LATELY or not _comes_later(error):
                raise
        orders |= {sale.sale_id: sale for sale in self._completed(link, since)}
        yield from sorted(orders.values(), key=lambda sale: sale.sold_at)

    @staticmethod
    def _in_status(link: Link, status: str) -> Iterator[RemoteSale]:
        """Every order in a status; where one answer does not hold them, the next begins after its last."""
        params = {"status": status, "pageSize": str(_ORDERS_AT_ONCE)}
        for _ in range(_wire.MOST_PAGES):
            found = client.orders_read(link, "/v1/getOrders", params)
            yield from _wire.readable(link, found, mapping.sale_of, mapping.order_number)
            last = mapping.order_number(found[-1]) if found else ""
            if len(found) < _ORDERS_AT_ONCE or last in {"", params.get("bookmark")}:
                return
            params = {**params, "bookmark": last}

    @staticmethod
    def _completed(link: Link, since: datetime) -> Iterator[RemoteSale]:
        for page in range(_wire.MOST_PAGES):
            params = {**_days(since), "limit": str(_COMPLETED_AT_ONCE), "offset": str(page * _COMPLETED_AT_ONCE)}
            found = client.orders_read(link, "/v1/getCompletedOrders", params)
            yield from _wire.readable(link, found, mapping.sale_of, mapping.order_number)
            if len(found) < _COMPLETED_AT_ONCE:
                return

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        """One order as it is there now; None where it is not told (any more): no status says "cancelled"."""
        order = self._order(link, sale_id)
        return None if order is None else mapping.sale_of(order)

    @staticmethod
    def _order(link: Link, sale_id: str) -> Element | None:
        try:
            found = client.order_read(link, "/v1/getOrder", {"orderId": sale_id})
        except AlreadyGone:
            return None
        order = found if found.tag == "order" else found.find("order")
        if order is None:
            raise TemporaryError("Vivid Seats' answer is no order")
        return order

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        """Confirm an order."""
        return self._act(link, "/v1/confirmOrder", sale_id, {})

    def reject(self, link: Link, sale_id: str) -> None:
        """Refuse an order. Raises AlreadyGone."""
        client.order_write(link, "/v1/rejectOrder", self._named(link, sale_id))

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        """Hand over. Raises PermanentError where what the way asks for is missing.

        Files that are sent twice, since an answer was lost, replace themselves.
        """
        self._check_proof(proof)
        *first, last = mapping.proofs(proof)
        if first:
            named = self._named(link, sale_id)
            for path, fields in first:
                client.order_write(link, path, {**named, **fields})
        return self._act(link, last[0], sale_id, last[1])

    def shipping_label(self, link: Link, sale_id: str) -> bytes:
        """The parcel's label (airbill), a PDF. Raises PermanentError where there is none."""
        answer = client.order_read(link, "/v1/getAirbill", {"orderId": sale_id})
        text = _xml.text_at(answer, "airbillBase64String")
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:
            raise PermanentError("Vivid Seats' answer is no label") from error

    def _named(self, link: Link, sale_id: str) -> dict[str, str]:
        """An order is named by its id and a token that only it tells."""
        order = self._order(link, sale_id)
        if order is None:
            raise AlreadyGone(f"Vivid Seats knows no order {sale_id}")
        return {"orderId": sale_id, "orderToken": _xml.text_at(order, "orderToken")}

    def _act(self, link: Link, path: str, sale_id: str, fields: Mapping[str, str]) -> RemoteSale:
        try:
            client.order_write(link, path, {**self._named(link, sale_id), **fields})
        except AlreadyGone as error:
            raise PermanentError(str(error), status=error.status) from error
        return self._sale_read_back(link, sale_id)

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        """Payments since then, each read whole for its ledger."""
        for header in _wire.listed(client.json_read(link, "/v1/payments", _days(since)), "payments"):
            number = _wire.text_at(header, "id")
            read = partial(client.json_read, link, f"/v1/payments/{quote(number, safe='')}", {})
            whole = _wire.read_alone(link, number, read)
            if whole is None:
                continue
            made = partial(mapping.payment_of, whole=whole)
            yield from _wire.readable(link, [header], made, _wire.number_at("id"))
