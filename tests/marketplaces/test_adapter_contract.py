"""The same body for every adapter against its simulator: what the protocol promises, each platform keeps."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest
from django.conf import settings

from marketplaces.adapters._platform import Platform
from marketplaces.contracts import (
    Capability,
    Constraints,
    Draft,
    EventQuery,
    Grant,
    Link,
    ListingRef,
    MarketplaceAdapter,
    NoticeKind,
    PaymentLine,
    PriceBasis,
    RemoteListingState,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import OF_SEATS, STEPS, DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket
from marketplaces.errors import (
    AlreadyGone,
    AlreadySold,
    BadSignature,
    GrantExpired,
    NotSupported,
    PermanentError,
    PriceRefused,
    TemporaryError,
    UnknownOutcome,
)
from marketplaces.registry import adapter_list
from marketplaces.simulator.dialects import rules_of
from tests.marketplaces.conftest import SECRET, START, World, requested

pytestmark = pytest.mark.parametrize("adapter", adapter_list(), ids=lambda adapter: adapter.traits.key)
PROOF_OF: dict[HandOver, dict[str, Any]] = {
    HandOver.MOBILE_TRANSFER: {"confirmation": "CONF-1"},
    HandOver.TRANSFER_URL: {"transfer_urls": ("https://transfer.example/1", "https://transfer.example/2")},
    HandOver.TRACKING: {"confirmation": "1Z999"},
    HandOver.RESERVATION_CODE: {"confirmation": "R-77"},
    HandOver.DROP_OFF: {"confirmation": "REC-1"},
}
# What the simulator calls tickets that are handed over in such a way.
KIND_OF = {
    HandOver.MOBILE_TRANSFER: "mobile_transfer", HandOver.TRANSFER_URL: "mobile_transfer", HandOver.PDF: "pdf",
    HandOver.BARCODE: "barcode", HandOver.QR_CODE: "qr_code", HandOver.TRACKING: "paper",
    HandOver.RESERVATION_CODE: "reservation_code", HandOver.DROP_OFF: "drop_off",
}  # fmt: skip
PDF = b"%PDF-1.4 a ticket\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n a code"


def tickets_of(way: HandOver, seats: Iterable[int]) -> tuple[SeatTicket, ...]:
    """A ticket a seat, as this way carries them."""
    if way is HandOver.BARCODE:
        return tuple(SeatTicket(str(seat), barcode=f"88001234{seat:04}") for seat in seats)
    content, kind = (PDF, "application/pdf") if way is HandOver.PDF else (PNG, "image/png")
    return tuple(SeatTicket(str(seat), content=content, media_type=kind) for seat in seats)


def proof_by(way: HandOver, seats: Iterable[int]) -> Fulfilment:
    """A whole proof of this way."""
    if way in OF_SEATS:
        return Fulfilment(way, tickets=tickets_of(way, seats))
    return Fulfilment(way, **PROOF_OF[way])


def usual_proof(adapter: MarketplaceAdapter, draft: Draft) -> Fulfilment:
    """Of two seats, by the way that the platform's holders use most."""
    return proof_by(adapter.traits.hand_overs[0], draft.seats[:2])


# What may be lacking, and the call that then is the shared base's refusal.
CALLS = {
    Capability.SEARCH_EVENTS: "search_events", Capability.CONSTRAINTS: "constraints", Capability.PREVIEW: "preview",
    Capability.KEEP_ALIVE: "keep_alive", Capability.PAYMENTS: "payments", Capability.WEBHOOK: "parse_webhook",
    Capability.NEXT_PAYMENT: "next_payment", Capability.EVENT_STANDING: "event_standings",
    Capability.PRIMARY_LEFT: "primary_left",
    Capability.REGISTER_WEBHOOK: "register_webhook", Capability.MARKET_VIEW: "market_view",
}  # fmt: skip


def test_an_adapter_has_the_calls_that_it_declares_and_no_others(adapter: MarketplaceAdapter) -> None:
    written = {one for one, name in CALLS.items() if getattr(type(adapter), name) is not getattr(Platform, name)}
    assert written == adapter.traits.capabilities & set(CALLS)


def test_i25_an_amount_of_another_currency_is_never_sent_as_if_it_were_dollars(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    before = len(world.requests)
    # What is not told the currency refuses; the others send it with the price.
    with contextlib.suppress(PermanentError):
        adapter.create(link, replace(draft, external_id="c" * 32, currency="CAD"))
    with contextlib.suppress(PermanentError):
        adapter.reprice(link, ref, Decimal("80.00"), "CAD")
    writes = [request for request in world.requests[before:] if request.method != "GET"]
    assert [request for request in writes if b"CAD" not in request.read()] == []


def test_i25_it_declares_its_currencies_and_refuses_others_before_anything_is_sent(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    assert "USD" in adapter.traits.currencies
    assert all(len(code) == 3 and code.isupper() for code in adapter.traits.currencies)
    adapter.create(link, draft)
    before = len(world.requests)
    with pytest.raises(PermanentError, match=f"{adapter.traits.name} sells in USD.*, not XTS"):
        adapter.create(link, replace(draft, external_id="c" * 32, currency="XTS"))
    with pytest.raises(PermanentError, match="not XTS"):
        adapter.reprice(link, ref, Decimal("80.00"), "XTS")
    assert world.requests[before:] == []


def test_its_page_of_the_docs_names_its_currencies(adapter: MarketplaceAdapter) -> None:
    page = (settings.BASE_DIR / "docs" / "marketplaces" / f"{adapter.traits.key}.md").read_text()
    assert f"Currencies: {', '.join(adapter.traits.currencies)}" in page


@pytest.fixture
def link(adapter: MarketplaceAdapter, world: World) -> Link:
    return world.link(adapter.traits.key, webhook_url="https://seatsync.test/hooks")


def needs(adapter: MarketplaceAdapter, capability: Capability, call: Callable[[], object]) -> bool:
    """Whether the platform has it; where not, the call says NotSupported."""
    if capability in adapter.traits.capabilities:
        return True
    with pytest.raises(NotSupported):
        call()
    return False


# What its buyer paid for the tickets is told of no sale there.
TELL_PROCEEDS_ALONE = {"gametime", "vividseats"}


def amounts(adapter: MarketplaceAdapter) -> tuple[Decimal, Decimal]:
    """Gross and fees of two tickets at 84.10, as far as the platform tells them: else the proceeds are the gross."""
    gross = Decimal("168.20")
    fees = gross * Decimal(str(rules_of(adapter.traits.key).fee_percent)) / 100
    return (gross - fees, Decimal(0)) if adapter.traits.key in TELL_PROCEEDS_ALONE else (gross, fees)


def event_of(adapter: MarketplaceAdapter) -> str:
    """How the platform names the event of the draft to us: those without a search know it by words alone."""
    return "501" if Capability.SEARCH_EVENTS in adapter.traits.capabilities else ""


def test_create_then_fetch_shows_the_same_listing(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    made = adapter.create(link, draft)
    assert (made.external_id, made.quantity, made.price) == (draft.external_id, 4, Decimal("84.10"))
    assert (made.section, made.row, made.seat_from, made.seat_to) == ("120A", "12", "1", "4")
    assert made.state is RemoteListingState.ACTIVE
    assert made.event_id == event_of(adapter)
    assert adapter.fetch(link, ref) == made
    assert [item.listing_id for item in adapter.list_all(link)] == [made.listing_id]


def test_create_again_leaves_one_listing(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    adapter.create(link, draft)
    adapter.create(link, draft)
    assert len(list(adapter.list_all(link))) == 1


def test_create_for_an_event_in_words(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    assert adapter.create(link, requested(draft)).event_id == event_of(adapter)
    (listing,) = world.state(adapter.traits.key)["listings"]
    assert listing["event_id"] == 501


def test_i23_create_whose_answer_is_lost_is_found_by_external_id(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    world.fault(kind="timeout_after", writes=True, count=1)
    with pytest.raises(UnknownOutcome):
        adapter.create(link, draft)
    assert adapter.fetch(link, ref) is not None


def test_i23_create_that_never_arrived_is_not_found(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    world.fault(kind="timeout_before", writes=True, count=1)
    with pytest.raises(UnknownOutcome):
        adapter.create(link, draft)
    assert adapter.fetch(link, ref) is None


def test_seats_apart_are_refused_before_anything_is_sent(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    before = len(world.requests)
    with pytest.raises(PermanentError):
        adapter.create(link, replace(draft, seats=(1, 2, 4)))
    assert len(world.requests) == before


def test_reprice_sets_the_exact_price(adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef) -> None:
    adapter.create(link, draft)
    assert adapter.reprice(link, ref, Decimal("79.99"), "USD").price == Decimal("79.99")
    found = adapter.fetch(link, ref)
    assert found is not None
    assert found.price == Decimal("79.99")


def test_resize_offers_only_those_seats(adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef) -> None:
    adapter.create(link, draft)
    changed = adapter.resize(link, ref, (3, 4))
    assert (changed.quantity, changed.seat_from, changed.seat_to) == (2, "3", "4")
    assert (changed.section, changed.row) == ("120A", "12")


def test_a_sign_of_life_changes_nothing(adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef) -> None:
    made = adapter.create(link, draft)
    if needs(adapter, Capability.KEEP_ALIVE, partial(adapter.keep_alive, link)):
        adapter.keep_alive(link)
    assert adapter.fetch(link, ref) == made


def test_change_of_a_missing_listing_says_gone(adapter: MarketplaceAdapter, link: Link, ref: ListingRef) -> None:
    with pytest.raises(AlreadyGone):
        adapter.reprice(link, ref, Decimal("10.00"), "USD")
    with pytest.raises(AlreadyGone):
        adapter.resize(link, ref, (1, 2))


@pytest.mark.parametrize("kind", DeliveryType)
def test_a_listing_tells_what_its_tickets_are_or_nothing(
    adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef, kind: DeliveryType
) -> None:
    if kind not in adapter.traits.deliveries:
        return
    tickets = tickets_of(HandOver.BARCODE, draft.seats) if kind is DeliveryType.BARCODE else ()
    adapter.create(link, replace(draft, delivery=kind, tickets=tickets))
    adapter.reprice(link, ref, Decimal("90.00"), "USD")
    found = adapter.fetch(link, ref)
    assert found is not None
    # One word there may stand for two kinds, and who takes one kind alone needs none.
    untold = {("stubhub", DeliveryType.BARCODE), ("gametime", DeliveryType.BARCODE)}
    needless = adapter.traits.deliveries == (kind,)
    assert found.delivery is (None if needless or (adapter.traits.key, kind) in untold else kind)


def test_delist_takes_it_down_and_once_more_is_success(
    adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    adapter.delist(link, ref)
    found = adapter.fetch(link, ref)
    assert found is None or found.state is RemoteListingState.GONE
    with contextlib.suppress(AlreadyGone):
        adapter.delist(link, ref)


def test_delist_of_a_sold_listing_leaves_the_sale(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    sold = world.sell(adapter.traits.key, 4)
    with contextlib.suppress(AlreadyGone):
        adapter.delist(link, ref)
    sale = adapter.fetch_sale(link, sold["sale_id"])
    assert sale is not None
    assert sale.state is RemoteSaleState.AWAITING_CONFIRM


def test_a_change_of_a_sold_listing_says_that_nothing_is_left(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    world.sell(adapter.traits.key, 4)
    with pytest.raises((AlreadyGone, AlreadySold)):
        adapter.resize(link, ref, (1, 2))
    with pytest.raises((AlreadyGone, AlreadySold)):
        adapter.reprice(link, ref, Decimal("90.00"), "USD")


def test_a_sale_tells_by_when_it_is_wanted_or_a_published_rule_fixes_it(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    adapter.create(link, draft)
    sale = adapter.fetch_sale(link, world.sell(adapter.traits.key, 2)["sale_id"])
    assert sale is not None
    (there,) = world.state(adapter.traits.key)["sales"]
    told = {"stubhub", "vividseats", "ticketmaster"}
    assert (sale.ship_by is not None) == (adapter.traits.key in told)
    assert sale.ship_by is None or sale.ship_by.timestamp() == there["hand_over_by"]
    # Nobody is left without: what tells no deadline declares the rule that stands for it.
    assert adapter.traits.key in told or adapter.traits.hand_over_by is not None


def test_i25_sale_tells_amounts_exactly(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    adapter.create(link, draft)
    since = datetime.fromtimestamp(world.moment, UTC) - timedelta(minutes=1)
    sold = world.sell(adapter.traits.key, 2)
    sale = adapter.fetch_sale(link, sold["sale_id"])
    assert sale is not None
    assert list(adapter.sales_since(link, since)) == [sale]
    gross, fees = amounts(adapter)
    assert (sale.gross, sale.fees, sale.proceeds) == (gross, fees, gross - fees)
    assert sale.gross_known == (adapter.traits.key not in TELL_PROCEEDS_ALONE)
    assert (sale.external_id, sale.quantity, sale.section, sale.row) == (draft.external_id, 2, "120A", "12")
    assert sale.seats == (() if adapter.traits.seller_allocates else ("1", "2"))


def test_sale_follows_its_own_way_to_the_payout(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    assert adapter.confirm(link, sale_id).state is RemoteSaleState.AWAITING_FULFILMENT
    assert adapter.fulfil(link, sale_id, usual_proof(adapter, draft)).state is RemoteSaleState.IN_DELIVERY
    world.control("advance", {"sale_id": sale_id, "to": "complete"})
    world.control("pay", {"platform": adapter.traits.key})
    (paid,) = adapter.payments(link, datetime.fromtimestamp(world.moment, UTC) - timedelta(days=1))
    gross, fees = amounts(adapter)
    assert paid.net == gross - fees
    assert paid.lines == (PaymentLine(sale_id, gross, fees, Decimal(0), paid.net),)


def test_what_is_coming_is_told_until_it_is_paid(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    if not needs(adapter, Capability.NEXT_PAYMENT, partial(adapter.next_payment, link)):
        return
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    assert adapter.next_payment(link) is None
    adapter.fulfil(link, sale_id, usual_proof(adapter, draft))
    gross, fees = amounts(adapter)
    coming = adapter.next_payment(link)
    assert coming is not None
    assert (coming.reference, coming.paid_at, coming.net) == ("", None, gross - fees)
    assert coming.lines == (PaymentLine(sale_id, gross, fees, Decimal(0), coming.net),)
    world.control("pay", {"platform": adapter.traits.key})
    assert adapter.next_payment(link) is None


def test_reject_ends_the_sale(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 1)["sale_id"]
    adapter.reject(link, sale_id)
    sale = adapter.fetch_sale(link, sale_id)
    # Some have no word for it: the sale is told no more.
    assert sale is None or sale.state is RemoteSaleState.CANCELLED
    assert world.state(adapter.traits.key)["sales"][0]["rejected"] is True


def test_unknown_sale(adapter: MarketplaceAdapter, link: Link) -> None:
    assert adapter.fetch_sale(link, "999999") is None
    with pytest.raises(AlreadyGone):
        adapter.reject(link, "999999")
    with pytest.raises(PermanentError):
        adapter.confirm(link, "999999")


def waiting(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, way: HandOver) -> RemoteSale:
    """A confirmed sale of two seats that waits for its tickets, in this way where the platform takes it."""
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    adapter.confirm(link, sale_id)
    if way in adapter.traits.hand_overs:
        world.control("wants", {"sale_id": sale_id, "delivery": KIND_OF[way]})
    waits = adapter.fetch_sale(link, sale_id)
    assert waits is not None
    return waits


@pytest.mark.parametrize("way", HandOver)
def test_fulfil_takes_the_declared_proofs_and_no_others(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, way: HandOver
) -> None:
    waits = waiting(adapter, world, link, draft, way)
    sale_id = waits.sale_id
    proof = replace(proof_by(way, draft.seats[:2]), step=waits.step)
    if way not in adapter.traits.hand_overs:
        with pytest.raises(PermanentError):
            adapter.fulfil(link, sale_id, proof)
        return
    # What it says that it waits for is this way, among others perhaps.
    assert way in STEPS[waits.step].ways
    assert waits.step is not DeliveryStep.UNTOLD or adapter.traits.key == "vividseats"
    given = adapter.fulfil(link, sale_id, proof)
    assert given.state is RemoteSaleState.IN_DELIVERY
    world.control("advance", {"sale_id": sale_id, "to": "complete"})


@pytest.mark.parametrize("way", sorted(OF_SEATS))
def test_tickets_of_other_seats_are_refused(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, way: HandOver
) -> None:
    if way not in adapter.traits.hand_overs:
        with pytest.raises(PermanentError):
            adapter.fulfil(link, "1", proof_by(way, draft.seats[:2]))
        return
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    adapter.confirm(link, sale_id)
    world.control("wants", {"sale_id": sale_id, "delivery": KIND_OF[way]})
    wrong = (draft.seats[0], 98)
    with pytest.raises(PermanentError):
        adapter.fulfil(link, sale_id, proof_by(way, wrong))
    waits = adapter.fetch_sale(link, sale_id)
    assert waits is not None
    assert waits.state is RemoteSaleState.AWAITING_FULFILMENT


def test_what_did_not_reach_the_buyer_is_asked_for_again(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    adapter.confirm(link, sale_id)
    ways = [way for way in adapter.traits.hand_overs if way in {HandOver.TRANSFER_URL, HandOver.MOBILE_TRANSFER}]
    proof = proof_by(ways[0], draft.seats[:2])
    adapter.fulfil(link, sale_id, proof)
    world.control("wants", {"sale_id": sale_id, "again": "the buyer's address was wrong"})
    told = adapter.fetch_sale(link, sale_id)
    assert told is not None
    assert told.state is RemoteSaleState.AWAITING_FULFILMENT
    # Gametime has no word for it, StubHub the same word as before and a description.
    said = STEPS[told.step].again or "address" in told.step_note
    assert said or adapter.traits.key == "gametime"
    assert adapter.fulfil(link, sale_id, replace(proof, step=told.step)).state is RemoteSaleState.IN_DELIVERY


def test_a_sale_says_to_whom_its_tickets_go(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    adapter.create(link, draft)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    sale = adapter.fetch_sale(link, sale_id)
    assert sale is not None
    assert sale.buyer is not None
    assert "@" in sale.buyer.email
    assert "@" not in repr(sale)


@pytest.mark.parametrize("kind", DeliveryType)
def test_listings_are_of_the_declared_kinds_of_tickets(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, kind: DeliveryType
) -> None:
    offered = replace(draft, delivery=kind, disclosures=("Aisle seat", "Obstructed view"))
    if kind not in adapter.traits.deliveries:
        with pytest.raises(PermanentError):
            adapter.create(link, offered)
        return
    adapter.create(link, offered)
    assert b"Obstructed view" in b"".join(request.read() for request in world.requests)
    sale_id = world.sell(adapter.traits.key, 2)["sale_id"]
    sold = world.state(adapter.traits.key)["sales"][0]
    # Vivid and Gametime ask for barcodes by the order, whatever the listing said.
    asked = {"barcode": "pdf"} if adapter.traits.key in {"vividseats", "gametime"} else {}
    assert (str(sold["id"]), sold["delivery"]) == (sale_id, asked.get(kind, kind))


def test_who_can_be_told_of_a_hand_over_declares_how(adapter: MarketplaceAdapter) -> None:
    traits = adapter.traits
    assert bool(traits.hand_overs) == (Capability.FULFIL in traits.capabilities)


@pytest.mark.parametrize("way", HandOver)
def test_fulfil_without_proof_is_refused_before_anything_is_sent(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, way: HandOver
) -> None:
    waits = waiting(adapter, world, link, draft, way)
    sale_id = waits.sale_id
    before = len(world.requests)
    with pytest.raises(PermanentError):
        adapter.fulfil(link, sale_id, Fulfilment(way, step=waits.step))
    assert [request for request in world.requests[before:] if request.method != "GET"] == []
    after = adapter.fetch_sale(link, sale_id)
    assert after is not None
    assert after.state is RemoteSaleState.AWAITING_FULFILMENT


def test_search_puts_the_likeliest_first(adapter: MarketplaceAdapter, world: World, link: Link) -> None:
    other = {
        "event_id": 502,
        "name": "New York Yankees Fan Day",
        "venue": "Yankee Stadium",
        "starts_at": "2026-04-10T15:00Z",
    }
    world.control("events", {"events": [other]})
    query = EventQuery("Boston Red Sox at New York Yankees", "Yankee Stadium", START, "2026-04-10")
    if not needs(adapter, Capability.SEARCH_EVENTS, partial(adapter.search_events, link, query)):
        return
    found = adapter.search_events(link, query)
    assert [event.event_id for event in found] == ["501", "502"]
    assert found[0].starts_at == START


def test_another_text_is_another_request_exactly_where_events_are_searched_by_text(
    adapter: MarketplaceAdapter, world: World, link: Link
) -> None:
    query = EventQuery("Boston Red Sox at New York Yankees", "Yankee Stadium", START, "2026-04-10")
    if not needs(adapter, Capability.SEARCH_EVENTS, partial(adapter.search_events, link, query)):
        return
    before = len(world.requests)
    for text in (query.text, "New York Yankees", query.venue):
        world.moment += 60
        adapter.search_events(link, replace(query, text=text))
    asked = {str(request.url) for request in world.requests[before:]}
    assert len(asked) == (3 if adapter.traits.searches_by_text else 1)


class Noted:
    """Keeps what a line is told of the bounds of events."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Constraints]] = []

    def __call__(self, event_id: str, told: Constraints) -> None:
        self.told.append((event_id, told))


def test_constraints_and_preview(adapter: MarketplaceAdapter, link: Link, draft: Draft) -> None:
    for one in (draft, requested(draft)):
        if needs(adapter, Capability.CONSTRAINTS, partial(adapter.constraints, link, one)):
            noted = Noted()
            bounds = adapter.constraints(replace(link, note_bounds=noted), one)
            assert noted.told == [(one.event_id, bounds)]
            assert (bounds.min_price, bounds.max_price) == (Decimal("5.00"), Decimal("900.00"))
            assert bounds.ticket_types
            assert set(bounds.splits) == {"any", "none", "pairs", "avoid_one", "avoid_one_and_three"}
        if needs(adapter, Capability.PREVIEW, partial(adapter.preview, link, one)):
            kept = 100 - Decimal(str(rules_of(adapter.traits.key).fee_percent))
            assert adapter.preview(link, one).proceeds == (one.price * kept / 100).quantize(Decimal("0.01"))
            for price in ("4.99", "900.01"):
                with pytest.raises(PriceRefused):
                    adapter.preview(link, replace(one, price=Decimal(price)))
    assert list(adapter.list_all(link)) == []


@pytest.mark.parametrize("price", ["4.99", "900.01"])
def test_a_price_that_the_event_does_not_take_is_refused_as_such(
    adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef, price: str
) -> None:
    if Capability.CONSTRAINTS not in adapter.traits.capabilities:
        return
    with pytest.raises(PriceRefused):
        adapter.create(link, replace(draft, price=Decimal(price)))
    adapter.create(link, draft)
    with pytest.raises(PriceRefused):
        adapter.reprice(link, ref, Decimal(price), draft.currency)
    there = adapter.fetch(link, ref)
    assert there is not None
    assert there.price == draft.price


def test_market_view_without_our_own_list_price_as_basis(adapter: MarketplaceAdapter, world: World, link: Link) -> None:
    offers = [{"id": "x1", "section": "120A", "row": "3", "quantity": 2, "price": "91.25"},
              {"id": "x2", "section": "203", "row": "8", "quantity": 4, "price": "38.00"}]  # fmt: skip
    world.control("market", {"event_id": 501, "listings": offers})
    if not needs(adapter, Capability.MARKET_VIEW, lambda: list(adapter.market_view(link, "501"))):
        return
    points = list(adapter.market_view(link, "501"))
    assert min(point.price for point in points) == Decimal("38.00")
    assert {point.basis for point in points} == {PriceBasis.LIST}
    if adapter.traits.market_view == "section_listings":
        assert {(point.remote_listing_id, point.section) for point in points} == {("x1", "120A"), ("x2", "203")}


@pytest.mark.parametrize("wait", [7.0, None])
def test_429_is_temporary_and_carries_the_wait(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, wait: float | None
) -> None:
    world.fault(kind="status", status=429, retry_after_s=wait, count=1)
    with pytest.raises(TemporaryError) as caught:
        adapter.create(link, draft)
    assert not isinstance(caught.value, UnknownOutcome)
    assert caught.value.retry_after_s == wait
    assert adapter.create(link, draft).quantity == 4


def test_own_rate_limit_of_the_platform(adapter: MarketplaceAdapter, world: World) -> None:
    limited = world.link(adapter.traits.key, rate_per_s=1, burst=2)
    for _ in range(2):
        list(adapter.list_all(limited))
    with pytest.raises(TemporaryError) as caught:
        list(adapter.list_all(limited))
    assert caught.value.retry_after_s == 1.0
    world.moment += 1
    list(adapter.list_all(limited))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_i23_5xx_leaves_a_write_unknown_and_a_read_temporary(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef, status: int
) -> None:
    world.fault(kind="status_after", status=status, writes=True, count=1)
    with pytest.raises(UnknownOutcome):
        adapter.create(link, draft)
    world.fault(kind="status", status=status, count=1)
    with pytest.raises(TemporaryError) as caught:
        adapter.fetch(link, ref)
    assert not isinstance(caught.value, UnknownOutcome)
    assert adapter.fetch(link, ref) is not None


def test_a_refused_connection_is_temporary(adapter: MarketplaceAdapter, link: Link, draft: Draft) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(TemporaryError) as caught:
        adapter.create(replace(link, http=httpx.Client(transport=httpx.MockTransport(refuse))), draft)
    assert not isinstance(caught.value, UnknownOutcome)


def test_i23_a_cut_connection_leaves_a_write_unknown(adapter: MarketplaceAdapter, link: Link, ref: ListingRef) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("cut", request=request)

    with pytest.raises(UnknownOutcome):
        adapter.delist(replace(link, http=httpx.Client(transport=httpx.MockTransport(cut))), ref)


@pytest.mark.parametrize("content", [b"<html>not json</html>", b"{}", b"[]", b'"x"', b"null"])
def test_i23_an_answer_that_cannot_be_read_leaves_a_write_unknown(
    adapter: MarketplaceAdapter, link: Link, draft: Draft, content: bytes
) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(200, content=content)

    with pytest.raises(TemporaryError) as caught:
        adapter.create(replace(link, http=httpx.Client(transport=httpx.MockTransport(answer))), draft)
    # Who reads first, and cannot, has written nothing.
    assert isinstance(caught.value, UnknownOutcome) == (set(sent) != {"GET"})


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_refusal_is_permanent(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, status: int
) -> None:
    world.fault(kind="status", status=status, count=1)
    with pytest.raises(PermanentError) as caught:
        adapter.create(link, draft)
    assert caught.value.status == status


def test_a_wrong_token_is_an_expired_grant(
    adapter: MarketplaceAdapter, link: Link, draft: Draft, ref: ListingRef
) -> None:
    wrong = replace(link, grant=Grant("wrong"))
    with pytest.raises(GrantExpired):
        adapter.create(wrong, draft)
    with pytest.raises(GrantExpired):
        adapter.fetch(wrong, ref)


def test_a_webhook_that_is_registered_anew_takes_the_place_of_the_one_before(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    """An account that is connected again, or an installation that moved to another address, is told once."""
    if Capability.REGISTER_WEBHOOK not in adapter.traits.capabilities:
        return
    for host in ("before", "seatsync"):
        adapter.register_webhook(link, url=f"https://{host}.test/hooks/1/", secret=SECRET)
    adapter.register_webhook(link, url="https://seatsync.test/hooks/another/", secret=SECRET)
    adapter.register_webhook(link, url="https://seatsync.test/hooks/1/", secret=SECRET)
    adapter.create(link, draft)
    world.sell(adapter.traits.key, 2)
    world.simulator.tick()
    told = sorted(url for url, _, _ in world.delivered)
    assert told.count("https://seatsync.test/hooks/1/") == 1
    assert not [url for url in told if url.startswith("https://before.test")]


def test_a_webhook_that_is_taken_back_is_told_nothing_and_a_newer_one_goes_on(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    """An account that is given up, and one that is connected again just then."""
    if not needs(adapter, Capability.REGISTER_WEBHOOK, partial(adapter.unregister_webhook, link, "1")):
        return
    url = "https://seatsync.test/hooks/1/"
    before, held = (adapter.register_webhook(link, url=url, secret=SECRET) for _ in range(2))
    with pytest.raises(AlreadyGone):
        adapter.unregister_webhook(link, before)
    adapter.create(link, draft)
    world.sell(adapter.traits.key, 1)
    world.simulator.tick()
    assert [told for told, _, _ in world.delivered] == [url]
    adapter.unregister_webhook(link, held)
    world.sell(adapter.traits.key, 1)
    world.simulator.tick()
    assert [told for told, _, _ in world.delivered] == [url]
    with pytest.raises(AlreadyGone):
        adapter.unregister_webhook(link, held)


def test_webhook_of_a_sale_proves_itself_and_names_it(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft
) -> None:
    if not needs(adapter, Capability.WEBHOOK, partial(adapter.parse_webhook, {}, b"{}")):
        with pytest.raises(BadSignature):
            adapter.verify_webhook({"authorization": f"Bearer {SECRET}"}, b"{}", SECRET)
        return
    if Capability.REGISTER_WEBHOOK in adapter.traits.capabilities:
        assert adapter.register_webhook(link, url="https://seatsync.test/hooks", secret=SECRET)
    adapter.create(link, draft)
    sold = world.sell(adapter.traits.key, 2)
    world.simulator.tick()
    ((url, headers, body),) = world.delivered
    lowered = {name.lower(): value for name, value in headers.items()}
    adapter.verify_webhook(lowered, body.encode(), SECRET)
    for wrong in ("", "other", f"{SECRET}x"):
        with pytest.raises(BadSignature):
            adapter.verify_webhook({**lowered, adapter.traits.webhook_proof_header: wrong}, body.encode(), SECRET)
        with pytest.raises(BadSignature):
            adapter.verify_webhook(lowered, body.encode(), wrong)
    with pytest.raises(BadSignature):
        adapter.verify_webhook({}, body.encode(), "")
    (notice,) = adapter.parse_webhook(lowered, body.encode())
    assert url == "https://seatsync.test/hooks"
    assert (notice.kind, notice.resource_id) == (NoticeKind.SALE, sold["sale_id"])
    assert notice.external_id == draft.external_id


def test_list_all_pages_to_the_end(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    for number in range(130):
        # Vivid Seats takes fifty of these a second.
        world.moment += 0.02
        adapter.create(link, replace(draft, external_id=f"{number:032d}"))
    assert len({item.external_id for item in adapter.list_all(link)}) == 130


def test_two_sellers_do_not_see_each_other(
    adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft, ref: ListingRef
) -> None:
    adapter.create(link, draft)
    other = world.link(adapter.traits.key)
    assert adapter.fetch(other, ref) is None
    assert list(adapter.list_all(other)) == []


def test_many_threads_sell_each_seat_once(adapter: MarketplaceAdapter, world: World, link: Link, draft: Draft) -> None:
    adapter.create(link, draft)
    answers: list[int] = []

    def buy() -> None:
        body = {"platform": adapter.traits.key, "external_id": draft.external_id, "quantity": 1}
        answers.append(world.http.post("http://simulator.test/_sim/sell", json=body).status_code)

    threads = [threading.Thread(target=buy) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 4 + [409] * 8
    sold = [seat for sale in world.state(adapter.traits.key)["sales"] for seat in sale["seats"]]
    assert sorted(sold) == [1, 2, 3, 4]
