"""`bench publish`: listings put up a second under a backlog of them, beside what the accounts' rate limits allow."""

import os
from dataclasses import dataclass
from datetime import datetime
from math import ceil

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from listings.models import CommandKind, CommandState, MarketplaceCommand
from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import limit_for
from seatsync.bench.delist import ANSWER_MS
from seatsync.bench.report import Report
from seatsync.bench.sellers import offer, sellers_make, wait_active
from seatsync.core.clock import now
from seatsync.demo.paper import SimulatorDoor


@dataclass(frozen=True, slots=True)
class PublishLoad:
    """By how many holders (two accounts each), and for about how many seconds the backlog lasts."""

    holders: int = 2
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Steady:
    """The creates that were done while every account had some waiting and none lived on its burst any more."""

    done: int
    seconds: float


def publish(load: PublishLoad) -> Report:
    """Creates done a second on all accounts together; the baseline is the sum of their token buckets' refill.

    The product must be running (bin/start); its simulator takes 50 ms to answer meanwhile. Raises LookupError where
    the product, the demo or enough free seats are missing, or where the backlog was too small to measure.
    """
    if not SimulatorDoor.running():
        raise LookupError("The product is not running here. Use `bin/start`, then this command with its SIMULATOR_URL.")
    sellers = sellers_make(load.holders, SimulatorDoor(), bench="publish")
    accounts = [account for seller in sellers for account in seller.accounts]
    limits = {account: limit_for(account.platform) for account in accounts}
    simulator = httpx.Client(base_url=f"{settings.SIMULATOR_URL}/_sim", timeout=30)
    simulator.post("/settings", json={"answer_s": ANSWER_MS / 1000})
    started = now()
    try:
        listings = []
        # In one transaction, so that the whole backlog is there before the first of it is sent.
        with transaction.atomic():
            for seller in sellers:
                most = max(limits[account][1] + limits[account][0] * load.seconds for account in seller.accounts)
                listings += [listing for seat in offer(seller, ceil(most)) for listing in seat]
        wait_active(listings)
        at_work = os.getloadavg()
    finally:
        simulator.post("/settings", json={"answer_s": 0.0})
    ends = {account: _ends(account, started) for account in accounts}
    steady = steady_part(list(ends.values()), [limits[account][1] for account in accounts])
    limit = sum(per_second for per_second, _, _ in limits.values())
    detail = {
        "creates": len(listings), "creates_counted": steady.done, "seconds_counted": round(steady.seconds, 1),
        "accounts": len(accounts), "holders": load.holders, "simulator_answers_in_ms": ANSWER_MS,
        "tries": sum(_creates(account, started).filter(attempts__gt=1).count() for account in accounts) + len(listings),
        "load_average": [round(value, 1) for value in at_work],
    }  # fmt: skip
    base = {"name": f"the limit: what the token buckets of {len(accounts)} accounts grant together", "figure": limit}
    return Report("publish", round(steady.done / steady.seconds, 2), "a second", base, detail)


def steady_part(ends: list[list[datetime]], bursts: list[int]) -> Steady:
    """From when the last account had used its burst up until the first had nothing left.

    `ends`: of each account's creates, in order. Raises LookupError where that is no time at all.
    """
    if any(len(own) <= burst for own, burst in zip(ends, bursts, strict=True)):
        raise LookupError("The backlog was no larger than the accounts' bursts. Measure for longer.")
    begins = max(own[burst - 1] for own, burst in zip(ends, bursts, strict=True))
    stops = min(own[-1] for own in ends)
    seconds = (stops - begins).total_seconds()
    if seconds <= 0:
        raise LookupError("One account was done before another had used its burst up. Measure for longer.")
    return Steady(sum(begins < end <= stops for own in ends for end in own), seconds)


def _creates(account: MarketplaceAccount, started: datetime) -> QuerySet[MarketplaceCommand]:
    return MarketplaceCommand.objects.filter(account=account, kind=CommandKind.CREATE, created_at__gte=started)


def _ends(account: MarketplaceAccount, started: datetime) -> list[datetime]:
    done = _creates(account, started).filter(state=CommandState.DONE, finished_at__isnull=False)
    return [end for end in done.order_by("finished_at").values_list("finished_at", flat=True) if end]
