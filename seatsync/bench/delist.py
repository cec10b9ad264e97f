"""`bench delist`: from the notice of a sale to the last delist, on real processes and a simulator that takes 50 ms."""

import os
import statistics
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from django.conf import settings

from listings.models import CommandKind, Listing, MarketplaceCommand, Sale
from listings.services.refs import listing_ref
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
from seatsync.bench.load import Backlog, PageLoad, paced
from seatsync.bench.report import Report, percentile
from seatsync.bench.sellers import PATIENCE_S, Seller, offer, sellers_make, wait_active
from seatsync.core.clock import now
from seatsync.demo.paper import SimulatorDoor

ANSWER_MS = 50
# Delists for the baseline.
BARE = 20
# Buyers at once: one that waits for the simulator's answer keeps no other one waiting.
BUYERS = 8
# With the load beside it, what a holder keeps on offer beyond what is sold, in seats: prices that go on waiting.
KEPT = 5
# The load runs so long before the first sale.
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True)
class Load:
    """What `bench delist` does: sales, a second, by how many holders, and what goes on beside them."""

    count: int = 200
    # An account is granted five requests a second by default, and a delist spends two (it is read back).
    rate: float = 20.0
    holders: int = 20
    backlog: bool = True
    # Season and game pages a second; 0: none.
    pages: float = 2.0


def delist(load: Load) -> Report:
    """p99 in ms from notice to last delist over `load.count` sales; the product must be running (bin/start).

    The baseline is the marketplace's own part of it: delists sent straight to the simulator, one at a time, while it
    takes as long to answer as it does for the product. Raises LookupError where the product, the demo or enough free
    seats are missing, or where a sale's delists did not finish.
    """
    if load.count < 1 or load.rate <= 0 or load.pages < 0:
        raise LookupError("Sales and their rate must be more than nothing, pages no less.")
    if not SimulatorDoor.running():
        raise LookupError("The product is not running here. Use `bin/start`, then this command with its SIMULATOR_URL.")
    sellers = sellers_make(load.holders, SimulatorDoor(), bench="delist")
    sold, spare = _publish(sellers, load)
    simulator = httpx.Client(base_url=f"{settings.SIMULATOR_URL}/_sim", timeout=30)
    simulator.post("/settings", json={"answer_s": ANSWER_MS / 1000})
    try:
        baseline = _bare_delists(spare)
        detail = _measure(sellers, sold, simulator, load)
    finally:
        simulator.post("/settings", json={"answer_s": 0.0})
    base = {"name": "one bare delist at the simulator", "figure": baseline}
    return Report("delist", detail["p99_ms"], "ms", base, detail)


def _publish(sellers: list[Seller], load: Load) -> tuple[list[Listing], list[Listing]]:
    """Offer single seats; the first platform's listings to be sold, holder by holder in turns, and BARE spare ones."""
    wanted, kept = load.count + BARE, KEPT if load.backlog else 0
    shares = [wanted // len(sellers) + (number < wanted % len(sellers)) for number in range(len(sellers))]
    offers = [offer(seller, share + kept) for seller, share in zip(sellers, shares, strict=True)]
    wait_active([listing for seats in offers for seat in seats for listing in seat])
    turns = [seats[turn][0] for turn in range(max(shares)) for seats, n in zip(offers, shares, strict=True) if turn < n]
    return turns[: load.count], turns[load.count :]


def _bare_delists(spare: list[Listing]) -> float:
    """Median ms of one delist through the adapter alone: no queue, no limit, no database."""
    times = []
    for listing in spare:
        listing.refresh_from_db()
        adapter, link = adapter_get(listing.platform), link_for(listing.account)
        started = time.perf_counter()
        adapter.delist(link, listing_ref(listing))
        times.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(times), 1)


def _measure(sellers: list[Seller], sold: list[Listing], simulator: httpx.Client, load: Load) -> dict[str, Any]:
    backlog, started = Backlog(sellers) if load.backlog else None, now()
    looking = PageLoad(sellers[0], load.pages) if load.pages else None
    with ExitStack() as beside:
        if backlog is not None:
            backlog.fill()
            beside.enter_context(backlog)
        if looking is not None:
            beside.enter_context(looking)
        if backlog is not None or looking is not None:
            time.sleep(SETTLE_S)
        _sell(simulator, sold, load.rate)
        sales = _finished(sellers, started, len(sold))
        at_work = os.getloadavg()
    times = [float(sale.notice_to_last_delist_ms or 0) for sale in sales]
    return {
        "sales": len(times), "p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99), "simulator_answers_in_ms": ANSWER_MS, "holders": len(sellers),
        "sales_a_second": {
            "wanted": load.rate, "noticed": _a_second([sale.noticed_at for sale in sales]),
            "taken_down": _a_second([sale.last_delist_at for sale in sales if sale.last_delist_at]),
        },
        "of_it_until_its_delist_was_written_ms": _until_written(sales),
        "backlog": backlog.figures() if backlog else None, "pages": looking.figures() if looking else None,
        "load_average": [round(value, 1) for value in at_work],
    }  # fmt: skip


def _sell(simulator: httpx.Client, listings: list[Listing], rate: float) -> None:
    """Buy them at this rate, by the clock. Raises LookupError where one could not be bought."""

    def buy(listing: Listing) -> None:
        answer = simulator.post("/sell", json={"platform": listing.platform, "external_id": listing.external_id})
        if not answer.is_success:
            raise LookupError(f"The simulator did not sell: {answer.text}")

    bought: list[Future[None]] = []
    with ThreadPoolExecutor(BUYERS) as buyers:
        paced(
            len(listings), rate, lambda number: bought.append(buyers.submit(buy, listings[number])), threading.Event()
        )
    for one in bought:
        one.result()


def _finished(sellers: list[Seller], started: datetime, count: int) -> list[Sale]:
    """Raises LookupError where a sale's delists have not finished in time: a figure without them would flatter."""
    accounts = [account.pk for seller in sellers for account in seller.accounts]
    ours = Sale.objects.filter(account__in=accounts, noticed_at__gte=started)
    deadline = time.monotonic() + PATIENCE_S
    while (done := ours.exclude(notice_to_last_delist_ms=None).count()) < count:
        if time.monotonic() > deadline:
            raise LookupError(f"{done} of {count} sales were taken down everywhere within {PATIENCE_S:.0f} s.")
        time.sleep(0.5)
    return list(ours)


def _until_written(sales: list[Sale]) -> dict[str, float]:
    """From notice until its delist commands were written, in ms."""
    written = MarketplaceCommand.objects.filter(sale__in=sales, kind=CommandKind.DELIST).values_list(
        "created_at", "sale__noticed_at"
    )
    saga = [(at - noticed).total_seconds() * 1000 for at, noticed in written]
    return {"p50": round(percentile(saga, 0.5)), "p99": round(percentile(saga, 0.99))} if saga else {}


def _a_second(moments: list[datetime]) -> float:
    """How many a second there were between the first and the last of them."""
    took = (max(moments) - min(moments)).total_seconds()
    return round((len(moments) - 1) / took, 2) if took else float(len(moments))
