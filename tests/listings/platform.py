"""A scripted platform behind our own adapter seam, for the cases that need an error at one exact moment.

The dialects themselves are tested against the simulator; here only the outbox and the saga are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketplaces.contracts import (
    AccountChange,
    Capability,
    Constraints,
    Draft,
    EventAsked,
    EventQuery,
    EventStanding,
    Grant,
    Link,
    ListingRef,
    MarketPoint,
    Notice,
    NoticeKind,
    Preview,
    PrimaryLeft,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
    Traits,
)
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket  # fmt: skip
from marketplaces.errors import AlreadyGone, AlreadySold, BadSignature, MustWait, NotSupported
from seatsync.core.clock import now
from seatsync.core.money import round_money

CAPABILITIES = frozenset(Capability) - {
    Capability.SEARCH_EVENTS, Capability.REGISTER_WEBHOOK, Capability.KEEP_ALIVE, Capability.EVENT_STANDING,
    Capability.PRIMARY_LEFT, Capability.REQUEST_EVENT,
}  # fmt: skip
READS = frozenset({
    "constraints", "search_events", "event_standings", "primary_left", "preview", "fetch", "list_all", "sales_since",
    "fetch_sale", "payments",
})  # fmt: skip


@dataclass
class ScriptedPlatform:
    """Keeps what a platform keeps. `script` holds errors to raise at the next calls: {"delist": [error, ...]}.

    `applied` errors are raised after the call took effect (the answer was lost), the others before.
    """

    key: str
    seller_allocates: bool = False
    hand_overs: tuple[HandOver, ...] = tuple(HandOver)
    deliveries: tuple[DeliveryType, ...] = (DeliveryType.MOBILE_TRANSFER,)
    listings: dict[str, RemoteListing] = field(default_factory=dict)
    seats: dict[str, list[int]] = field(default_factory=dict)
    sales: dict[str, RemoteSale] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    script: dict[str, list[Exception]] = field(default_factory=dict)
    script_applied: dict[str, list[Exception]] = field(default_factory=dict)
    paid: list[RemotePayment] = field(default_factory=list)
    coming: RemotePayment | None = None
    sections: tuple[str, ...] = ()
    # None: the platform has no search.
    events: list[RemoteEvent] | None = None
    searches_by_text: bool = True
    tells_views: bool = False
    # How its events stand, by their id; None: it tells nothing of that.
    standings: dict[str, EventStanding] | None = None
    # What the club has left, by event id; empty: it tells nothing of that.
    left: dict[str, PrimaryLeft] = field(default_factory=dict)
    # What it takes of a price, in percent; None: it takes nothing, and tells nothing of that with a listing.
    takes: Decimal | None = None
    lacks: frozenset[Capability] = frozenset()
    # It adds events that it is asked for, in its own time.
    adds_events: bool = False
    # What it takes of a listing beside its sections, and of which events that was asked.
    bounds: Constraints = field(default_factory=Constraints)
    bounds_asked: list[str] = field(default_factory=list)
    live_base_url: str = "https://platform.example"
    currencies: tuple[str, ...] = ("USD",)
    site: str = ""

    @property
    def traits(self) -> Traits:
        capabilities = CAPABILITIES if self.events is None else CAPABILITIES | {Capability.SEARCH_EVENTS}
        if self.standings is not None:
            capabilities |= {Capability.EVENT_STANDING}
        if self.left:
            capabilities |= {Capability.PRIMARY_LEFT}
        if self.adds_events:
            capabilities |= {Capability.REQUEST_EVENT}
        capabilities -= self.lacks
        return Traits(
            key=self.key, name=self.key.title(), auth="token", contract="official", capabilities=capabilities,
            default_per_second=10_000, default_burst=10_000, seller_allocates=self.seller_allocates,
            hand_overs=self.hand_overs, deliveries=self.deliveries, site=self.site,
            searches_by_text=self.searches_by_text, tells_views=self.tells_views,
            currencies=self.currencies,
        )  # fmt: skip

    def _enter(self, link: Link, call: str, what: str) -> None:
        self._pass(link, call)
        self.calls.append((call, what))
        if self.script.get(call):
            raise self.script[call].pop(0)

    def _pass(self, link: Link, call: str) -> None:
        """One request takes its token, as a real adapter's does (_wire.send)."""
        wait_s = link.gate.wait_s(call, write=call not in READS)
        if wait_s > 0:
            raise MustWait("as many requests were sent as may be", retry_after_s=wait_s)

    def _leave(self, call: str) -> None:
        if self.script_applied.get(call):
            raise self.script_applied[call].pop(0)

    def shown(self) -> list[str]:
        """External ids that buyers can see."""
        return [key for key, listing in self.listings.items() if listing.state is RemoteListingState.ACTIVE]

    def sell(
        self, external_id: str, seats: tuple[int, ...], *, state: RemoteSaleState = RemoteSaleState.AWAITING_FULFILMENT,
        sale_id: str = "", tell_seats: bool = True,
    ) -> RemoteSale:  # fmt: skip
        """A buyer takes these seats of a listing."""
        listing = self.listings[external_id]
        left = [seat for seat in self.seats[external_id] if seat not in seats]
        self.seats[external_id] = left
        self.listings[external_id] = replace(
            listing, quantity=len(left), state=listing.state if left else RemoteListingState.GONE
        )
        gross = listing.price * len(seats)
        fees = (gross * Decimal("0.10")).quantize(Decimal("0.01"))
        sale = RemoteSale(
            sale_id=sale_id or f"{self.key}-{len(self.sales) + 1}", external_id=external_id,
            listing_id=listing.listing_id, event_id="", quantity=len(seats), section=listing.section, row=listing.row,
            seats=tuple(map(str, seats)) if tell_seats else (), gross=gross, fees=fees, proceeds=gross - fees,
            currency="USD", state=state, remote_status=state.value, sold_at=now(),
        )  # fmt: skip
        self.sales[sale.sale_id] = sale
        return sale

    def move(self, sale_id: str, state: RemoteSaleState) -> RemoteSale:
        """The sale goes on at the platform."""
        self.sales[sale_id] = replace(self.sales[sale_id], state=state, remote_status=state.value)
        return self.sales[sale_id]

    def relist(self, sale_id: str) -> None:
        """The platform offers what a cancelled sale had, by itself."""
        sale = self.move(sale_id, RemoteSaleState.CANCELLED)
        back = sorted({*self.seats[sale.external_id], *map(int, sale.seats)})
        self.seats[sale.external_id] = back
        listing = self.listings[sale.external_id]
        self.listings[sale.external_id] = replace(listing, quantity=len(back), state=RemoteListingState.ACTIVE)

    # The protocol.
    def authorize_url(self, **_: Any) -> str:
        raise NotSupported("token platform")

    def connect(self, link: Link, *, code: str, redirect_uri: str, code_verifier: str) -> Grant:
        return replace(link.grant, account_id="seller-1")

    def refresh(self, link: Link) -> Grant:
        return link.grant

    def search_events(self, link: Link, query: EventQuery) -> list[RemoteEvent]:
        if self.events is None:
            raise NotSupported("no search")
        self._enter(link, "search_events", query.text)
        return list(self.events)

    def event_standings(self, link: Link, asked: Sequence[EventAsked]) -> Iterator[EventStanding]:
        self._enter(link, "event_standings", ",".join(one.event_id for one in asked))
        told = [(self.standings or {}).get(one.event_id) for one in asked]
        return iter([one for one in told if one is not None])

    def primary_left(self, link: Link, event_ids: Sequence[str]) -> Mapping[str, PrimaryLeft]:
        self._enter(link, "primary_left", ",".join(event_ids))
        return {one: self.left[one] for one in event_ids if one in self.left}

    def constraints(self, link: Link, draft: Draft) -> Constraints:
        self._pass(link, "constraints")
        self.bounds_asked.append(draft.event_id)
        if self.script.get("constraints"):
            raise self.script["constraints"].pop(0)
        told = replace(self.bounds, sections=self.sections)
        link.note_bounds(draft.event_id, told)
        return told

    def preview(self, link: Link, draft: Draft) -> Preview:
        self._enter(link, "preview", draft.external_id)
        return Preview(draft.price, self._left(draft.price) or draft.price, None, draft.currency)

    def _left(self, price: Decimal) -> Decimal | None:
        return None if self.takes is None else price - round_money(price * self.takes / 100)

    def create(self, link: Link, draft: Draft) -> RemoteListing:
        self._enter(link, "create", draft.external_id)
        listing = RemoteListing(
            listing_id=f"{self.key}-L{len(self.calls)}", external_id=draft.external_id, event_id=draft.event_id,
            section=draft.section, row=draft.row, seat_from=str(draft.seats[0]), seat_to=str(draft.seats[-1]),
            quantity=draft.quantity, price=draft.price, currency=draft.currency, state=RemoteListingState.ACTIVE,
            proceeds=self._left(draft.price),
        )  # fmt: skip
        self.listings[draft.external_id] = listing
        self.seats[draft.external_id] = list(draft.seats)
        self._leave("create")
        return listing

    def reprice(self, link: Link, ref: ListingRef, price: Decimal, currency: str) -> RemoteListing:
        self._enter(link, "reprice", ref.external_id)
        self.listings[ref.external_id] = replace(self._active(ref), price=price, proceeds=self._left(price))
        self._leave("reprice")
        return self.listings[ref.external_id]

    def change_together(self, link: Link, changes: Sequence[AccountChange]) -> list[RemoteListing | Exception]:
        raise NotSupported("each listing is changed by itself")

    def resize(self, link: Link, ref: ListingRef, seats: tuple[int, ...]) -> RemoteListing:
        self._enter(link, "resize", ref.external_id)
        # Taken at its word: what a buyer took here a moment ago comes back where we did not know of it.
        self.listings[ref.external_id] = replace(self._active(ref), quantity=len(seats))
        self.seats[ref.external_id] = list(seats)
        self._leave("resize")
        return self.listings[ref.external_id]

    def supply(self, link: Link, ref: ListingRef, tickets: Sequence[SeatTicket]) -> RemoteListing:
        self._enter(link, "supply", ref.external_id)
        return self._active(ref)

    def delist(self, link: Link, ref: ListingRef) -> None:
        self._enter(link, "delist", ref.external_id)
        listing = self._active(ref)
        self.listings[ref.external_id] = replace(listing, state=RemoteListingState.GONE)
        self._leave("delist")

    def _active(self, ref: ListingRef) -> RemoteListing:
        listing = self.listings.get(ref.external_id)
        if listing is None or listing.state is RemoteListingState.GONE:
            sold = any(sale.external_id == ref.external_id for sale in self.sales.values())
            raise AlreadySold("sold") if sold and not self.seats.get(ref.external_id) else AlreadyGone("gone")
        return listing

    def keep_alive(self, link: Link) -> None:
        raise NotSupported("it needs no sign of life")

    def fetch(self, link: Link, ref: ListingRef) -> RemoteListing | None:
        self._enter(link, "fetch", ref.external_id)
        return self.listings.get(ref.external_id)

    def list_all(self, link: Link) -> Iterator[RemoteListing]:
        self._enter(link, "list_all", "")
        return iter(list(self.listings.values()))

    def sales_since(self, link: Link, since: datetime) -> Iterator[RemoteSale]:
        self._enter(link, "sales_since", "")
        return iter(list(self.sales.values()))

    def fetch_sale(self, link: Link, sale_id: str) -> RemoteSale | None:
        self._enter(link, "fetch_sale", sale_id)
        return self.sales.get(sale_id)

    def confirm(self, link: Link, sale_id: str) -> RemoteSale:
        self._enter(link, "confirm", sale_id)
        sale = self.move(sale_id, RemoteSaleState.AWAITING_FULFILMENT)
        self._leave("confirm")
        return sale

    def reject(self, link: Link, sale_id: str) -> None:
        self._enter(link, "reject", sale_id)
        self.move(sale_id, RemoteSaleState.CANCELLED)
        self._leave("reject")

    def fulfil(self, link: Link, sale_id: str, proof: Fulfilment) -> RemoteSale:
        self._enter(link, "fulfil", proof.confirmation or ",".join(proof.transfer_urls))
        # It waits for nothing of the seller's any more.
        self.sales[sale_id] = replace(self.sales[sale_id], step=DeliveryStep.UNTOLD)
        sale = self.move(sale_id, RemoteSaleState.IN_DELIVERY)
        self._leave("fulfil")
        return sale

    def payments(self, link: Link, since: datetime) -> Iterator[RemotePayment]:
        self._enter(link, "payments", "")
        return iter([one for one in self.paid if one.paid_at is None or one.paid_at >= since])

    def next_payment(self, link: Link) -> RemotePayment | None:
        return self.coming

    def register_webhook(self, link: Link, *, url: str, secret: str) -> str:
        raise NotSupported("by support")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        if headers.get("authorization") != secret:
            raise BadSignature("wrong secret")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[Notice]:
        kind, sale_id, external_id = body.decode().split("|")
        return [
            Notice(
                NoticeKind(kind), topic=kind, action="created", resource_id=sale_id, external_id=external_id, body=body
            )
        ]

    def market_view(self, link: Link, event_id: str) -> Iterator[MarketPoint]:
        return iter(())
