"""What goes on beside a measurement, and what is made of what was measured."""

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest

from listings.models import CommandKind, MarketplaceCommand
from marketplaces.errors import MustWait
from seatsync.bench import load, overhead
from seatsync.bench.load import Backlog, Beside, PageLoad, paced
from seatsync.bench.overhead import Meter, Steps, TimedTransport
from seatsync.bench.publish import Used, used_part
from seatsync.bench.sellers import PRICE, Seller
from seatsync.core.clock import now
from tests.market import Market


def seller(market: Market) -> Seller:
    holding = market.holding
    return Seller(holding.user, holding.actor, holding.ticket, list(market.accounts.values()))


def prices(state: str) -> int:
    return MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, state=state).count()


@pytest.mark.django_db
def test_every_open_listing_has_a_price_waiting_again_once_one_was_sent(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "BATCH", 2)
    for seat in market.holding.seats:
        market.publish([seat], price=str(PRICE))
    market.work()
    listings, backlog = 2 * len(market.holding.seats), Backlog([seller(market)])
    assert backlog.fill() == listings
    assert prices("pending") == listings
    # None is withdrawn for another one while it waits.
    assert backlog.fill() == 0
    market.work()
    assert prices("done") == listings
    assert backlog.fill() == listings
    assert backlog.figures() == {
        "waiting_least": listings, "waiting_median": listings, "waiting_most": listings,
        "open_listings_least": listings, "open_listings_median": listings, "open_listings_most": listings, "looks": 3,
    }  # fmt: skip


class Clock:
    """Stands in the place of a module's `time`: it goes on where it is told to, and with every wait."""

    def __init__(self) -> None:
        self.at = 0.0
        self.monotonic = self.perf_counter = self.process_time = lambda: self.at


class Patient(threading.Event):
    """An event whose waits only move a clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.at += timeout or 0.0
        return self.is_set()


def test_turns_begin_by_the_clock_and_late_ones_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begun = Clock(), list[float]()
    monkeypatch.setattr(load, "time", clock)

    def act(number: int) -> None:
        begun.append(clock.at)
        clock.at += 2.5 if number == 1 else 0.0

    paced(6, 1.0, act, Patient(clock))
    assert begun == [0.0, 1.0, 3.5, 3.5, 4.0, 5.0]


def test_turns_end_where_they_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begun = Clock(), list[int]()
    monkeypatch.setattr(load, "time", clock)
    stopped = Patient(clock)

    def act(number: int) -> None:
        begun.append(number)
        if number == 2:
            stopped.set()

    paced(None, 1.0, act, stopped)
    assert begun == [0, 1, 2]


class Broken(Beside):
    def work(self) -> None:
        raise ValueError("no simulator")


@pytest.mark.django_db(transaction=True)
def test_a_load_that_stopped_by_itself_spoils_the_figure() -> None:
    with pytest.raises(LookupError, match="no simulator"), Broken():
        pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["answers 500", "does not answer"])
def test_a_page_that_fails_spoils_the_figure_and_nobody_looks_on(
    market: Market, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    looks: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        looks.append(request.url.path)
        if how == "does not answer":
            raise httpx.ConnectError("refused")
        return httpx.Response(500)

    client = httpx.Client
    monkeypatch.setattr(
        "seatsync.bench.load.httpx.Client", lambda **given: client(**given, transport=httpx.MockTransport(answer))
    )
    pages = PageLoad(seller(market), 1000.0)
    with pytest.raises(LookupError, match=r"500|refused"), pages:
        pages.stopped.wait(30)
    assert 1 <= len(looks) <= load.LOOKERS


def test_what_was_done_stands_beside_what_the_buckets_allowed_until_one_account_had_nothing_left() -> None:
    start = now()
    one, other = (
        [start + timedelta(seconds=second) for second in seconds] for seconds in ([1, 1, 2, 3, 4, 5], [1, 2, 3, 4])
    )
    # Four seconds: (3 - 1) + 4 * 1 tokens, and (4 - 2) + 4 * 0.5.
    limits = [(1.0, 3, 1), (0.5, 4, 2)]
    assert used_part(start, [one, other], limits, [1, 1]) == Used(done=9, seconds=4.0, allowed=10.0)
    # Where a create sends two requests as many tokens allow half as many.
    assert used_part(start, [one, other], limits, [2, 1]) == Used(done=9, seconds=4.0, allowed=7.0)


def test_an_account_that_did_nothing_gives_no_figure() -> None:
    with pytest.raises(LookupError, match="no create"):
        used_part(now(), [[now()], []], [(1.0, 3, 1), (1.0, 3, 1)], [1, 1])


@pytest.mark.django_db
def test_what_the_marketplace_takes_is_not_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(overhead, "time", clock)

    def answer(_: httpx.Request) -> httpx.Response:
        clock.at += 0.05
        return httpx.Response(200)

    line = TimedTransport(httpx.MockTransport(answer))
    meter, steps = Meter(line), Steps()

    def work() -> Any:
        clock.at += 0.002
        MarketplaceCommand.objects.count()
        return httpx.Client(transport=line).get("http://simulator.example/").status_code

    assert meter.step(steps, "execute", work) == 200
    assert {name: round(own, 6) for name, own in steps.own.items()} == {"execute": 2.0}
    assert (round(steps.remote, 6), steps.queries) == (50.0, {"execute": 1})


@pytest.mark.django_db
def test_of_a_notice_the_pass_that_goes_through_is_measured(market: Market) -> None:
    """One that waits for its account's limit writes less than one that takes the seats off sale everywhere."""
    alpha, beta = market.published(market.holding.seats[:2])
    sold = market.alpha.sell(alpha.external_id, (1,))
    market.announce(sold.sale_id, sold.external_id)
    script = market.alpha.script["fetch_sale"] = [MustWait("its limit", retry_after_s=0.1)]
    meter, steps = Meter(TimedTransport(httpx.MockTransport(lambda _: httpx.Response(200)))), Steps()
    overhead._understand(meter, steps, alpha)
    assert script == []
    assert MarketplaceCommand.objects.filter(listing=beta, kind=CommandKind.RESIZE).exists()
    assert steps.queries["understand"] > 30
