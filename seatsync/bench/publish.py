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
from marketplaces.services.limits import errand_to
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
class Used:
    """Creates done while every account had some waiting, in so many seconds, and how many the buckets allowed then."""

    done: int
    seconds: float
    allowed: float


def publish(load: PublishLoad) -> Report:
    """Creates done a second on all accounts together; the baseline is what their token buckets allowed meanwhile.

    The product must be running (bin/start); its simulator takes 50 ms to answer meanwhile. Raises LookupError where
    the product, the demo or enough free seats are missing, or where nothing was published.
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
            began = now()
        wait_active(listings)
        at_work = os.getloadavg()
    finally:
        simulator.post("/settings", json={"answer_s": 0.0})
    sends = [errand_to(account.platform, "create").paid for account in accounts]
    used = used_part(began, [_ends(account, started) for account in accounts], list(limits.values()), sends)
    detail = {
        "creates": len(listings), "creates_counted": used.done, "seconds_counted": round(used.seconds, 1),
        "accounts": len(accounts), "holders": load.holders, "simulator_answers_in_ms": ANSWER_MS,
        "tried_again": sum(_creates(account, started).filter(attempts__gt=1).count() for account in accounts),
        "refill_a_second": sum(per_second for per_second, _, _ in limits.values()),
        "load_average": [round(value, 1) for value in at_work],
    }  # fmt: skip
    base = {
        "name": f"the limit: what the token buckets of {len(accounts)} accounts allowed in that time, burst and refill",
        "figure": round(used.allowed / used.seconds, 2),
    }
    return Report("publish", round(used.done / used.seconds, 2), "a second", base, detail)


def used_part(
    began: datetime, ends: list[list[datetime]], limits: list[tuple[float, int, int]], sends: list[int]
) -> Used:  # fmt: skip
    """From the backlog until the first account had nothing left.

    `ends`: of each account's creates, in order; `limits`: each account's tokens a second, burst and reserve; `sends`:
    how many tokens each of its creates takes. A bucket that was full allows its burst but for the reserve at once, and
    what flows in. Raises LookupError where nothing was done.
    """
    if not all(ends):
        raise LookupError("An account has no create that was done. Look at the listing board.")
    stops = min(own[-1] for own in ends)
    seconds = (stops - began).total_seconds()
    allowed = sum(
        (burst - reserved + per_second * seconds) / each
        for (per_second, burst, reserved), each in zip(limits, sends, strict=True)
    )
    return Used(sum(end <= stops for own in ends for end in own), seconds, allowed)


def _creates(account: MarketplaceAccount, started: datetime) -> QuerySet[MarketplaceCommand]:
    return MarketplaceCommand.objects.filter(account=account, kind=CommandKind.CREATE, created_at__gte=started)


def _ends(account: MarketplaceAccount, started: datetime) -> list[datetime]:
    done = _creates(account, started).filter(state=CommandState.DONE, finished_at__isnull=False)
    return [end for end in done.order_by("finished_at").values_list("finished_at", flat=True) if end]
