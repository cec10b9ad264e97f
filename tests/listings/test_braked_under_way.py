"""I-19: a brake that is set while a command's first reads are under way holds its write back; taking down goes on."""

from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand, PushHalt
from listings.services.delist import listings_delist
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import work

pytestmark = pytest.mark.django_db
PLATFORMS = ["stubhub", "seatgeek", "ticketmaster", "vividseats", "gametime"]
WRITES = frozenset({"PUT", "POST", "PATCH"})


class Meanwhile(SimulatorTransport):
    """Something happens here right after the first read of a command; what is written from then on is noted."""

    def __init__(self, simulator: Simulator, happens: Callable[[], object], reads: int = 1) -> None:
        super().__init__(simulator)
        self.happens, self.reads, self.written = happens, reads, list[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "/_sim/" in request.url.path:
            return super().handle_request(request)
        if self.reads <= 0 and request.method in WRITES:
            self.written.append(f"{request.method} {request.url.path}")
        response = super().handle_request(request)
        if request.method == "GET":
            self.reads -= 1
            if self.reads == 0:
                self.happens()
        return response


def brake(state: str = "HALTED") -> PushHalt:
    return push_halt_set(actor=Actor.system(), reason="their prices are wrong", state=state)


def published(holding: Holding, account: MarketplaceAccount, seats: list[Seat]) -> Listing:
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[account.pk], price=Decimal("84.00"),
        floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    return listing


def priced(holding: Holding, listing: Listing, price: str) -> None:
    listing_reprice(actor=holding.actor, listing_id=listing.pk, price=Decimal(price), version=None)


def on_sale(simulator: Simulator) -> dict[str, int]:
    """What a ticket of each listing that is on sale costs there, in cents."""
    listings = simulator.ledger.listings.values()
    return {one.external_id: one.price_cents for one in listings if one.state == "active"}


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, reads: int, happens: Callable[[], object] = brake
) -> Meanwhile:
    line = Meanwhile(simulator, happens, reads)
    monkeypatch.setattr(links, "transport_override", line)
    return line


def go_on(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """The brake is lifted, and what waited is sent."""
    monkeypatch.setattr(links, "transport_override", SimulatorTransport(simulator))
    push_halt_lift(actor=Actor.system(), halt_id=PushHalt.objects.get().pk)
    work()


@pytest.mark.parametrize("reads", [1, 2])
def test_a_listing_does_not_go_up_by_a_file_that_was_begun_before_the_halt(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    listing = published(holding, connected(holding, "gametime"), holding.seats)
    line = meanwhile(monkeypatch, simulator, reads)
    work()
    command = MarketplaceCommand.objects.get(kind=CommandKind.CREATE)
    assert (line.written, on_sale(simulator)) == ([], {})
    assert (command.state, command.attempts, command.outcome_unknown) == (CommandState.PENDING, 0, False)
    assert command.last_error.startswith("waiting: trading")
    go_on(monkeypatch, simulator)
    assert on_sale(simulator) == {listing.external_id: 8400}


@pytest.mark.parametrize(("platform", "reads"), [("gametime", 1), ("gametime", 2), ("vividseats", 1)])
def test_a_price_is_not_sent_where_the_halt_comes_between_its_reads_and_its_write(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, platform: str, reads: int
) -> None:
    listing = published(holding, connected(holding, platform), holding.seats)
    work()
    priced(holding, listing, "80.00")
    line = meanwhile(monkeypatch, simulator, reads)
    work()
    assert (line.written, on_sale(simulator)) == ([], {listing.external_id: 8400})
    assert MarketplaceCommand.objects.get(kind=CommandKind.REPRICE).last_error.startswith("waiting: trading")
    go_on(monkeypatch, simulator)
    assert on_sale(simulator) == {listing.external_id: 8000}


def test_a_file_goes_without_what_the_brake_holds_back(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(holding, "gametime")
    first = published(holding, account, holding.seats[:2])
    work()
    priced(holding, first, "80.00")
    second = published(holding, account, holding.seats[2:])
    line = meanwhile(monkeypatch, simulator, 2, lambda: brake("RAISE_ONLY"))
    work()
    assert len(line.written) == 1
    assert on_sale(simulator) == {first.external_id: 8400, second.external_id: 8400}
    go_on(monkeypatch, simulator)
    assert on_sale(simulator) == {first.external_id: 8000, second.external_id: 8400}


def test_what_is_taken_down_during_the_halt_takes_nothing_up_with_it(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(holding, "gametime")
    first = published(holding, account, holding.seats[:2])
    work()
    second = published(holding, account, holding.seats[2:])
    line = meanwhile(monkeypatch, simulator, 2)
    work()
    listings_delist(actor=holding.actor, listing_ids=[first.pk])
    work()
    first.refresh_from_db()
    assert (first.status, on_sale(simulator)) == (ListingStatus.CANCELLED, {})
    assert line.written == ["PUT /gametime/drop"]
    go_on(monkeypatch, simulator)
    assert on_sale(simulator) == {second.external_id: 8400}


class NoAnswer(SimulatorTransport):
    """The file server takes no file, and does not say so clearly."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and request.url.path.endswith("/drop"):
            return httpx.Response(503, content=b"")
        return super().handle_request(request)


@pytest.mark.parametrize(("what", "state"), [
    ("create", "HALTED"), ("create", "NO_NEW_LISTINGS"), ("reprice", "HALTED"), ("reprice", "RAISE_ONLY"),
])  # fmt: skip
def test_a_file_that_takes_something_down_carries_nothing_that_an_earlier_one_did_not_bring_there(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, what: str, state: str
) -> None:
    account = connected(holding, "gametime")
    first, second = published(holding, account, holding.seats[:2]), None
    if what == "reprice":
        second = published(holding, account, holding.seats[2:])
    work()
    monkeypatch.setattr(links, "transport_override", NoAnswer(simulator))
    if second is None:
        second = published(holding, account, holding.seats[2:])
    else:
        priced(holding, second, "80.00")
    work()
    monkeypatch.setattr(links, "transport_override", SimulatorTransport(simulator))
    brake(state)
    listings_delist(actor=holding.actor, listing_ids=[first.pk])
    work()
    assert on_sale(simulator) == ({second.external_id: 8400} if what == "reprice" else {})
    MarketplaceCommand.objects.update(not_before=now())
    go_on(monkeypatch, simulator)
    assert on_sale(simulator) == {second.external_id: 8000 if what == "reprice" else 8400}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_seats_come_down_where_the_halt_is_set_while_that_is_under_way(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    listing = published(holding, connected(holding, platform), holding.seats)
    work()
    listings_delist(actor=holding.actor, listing_ids=[listing.pk])
    brake()
    meanwhile(monkeypatch, simulator, 1)
    work()
    assert on_sale(simulator) == {}


@pytest.mark.parametrize(("platform", "asked"), [(one, int(one in {"vividseats", "gametime"})) for one in PLATFORMS])
def test_what_is_asked_once_more_is_one_query_and_none_where_nothing_was_read_before(
    simulator: Simulator, holding: Holding, platform: str, asked: int
) -> None:
    listing = published(holding, connected(holding, platform), holding.seats)
    work()
    priced(holding, listing, "80.00")
    with CaptureQueriesContext(connection) as queries:
        work()
    again = [query for query in queries if "updated_at > " in query["sql"] and "push_halts" in query["sql"]]
    rule = [query for query in queries if query["sql"].lstrip().startswith("SELECT * FROM push_halts")]
    assert (len(again), len(rule)) == (asked, 1)
    assert on_sale(simulator) == {listing.external_id: 8000}
