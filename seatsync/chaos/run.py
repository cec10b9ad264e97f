"""One run, from an empty world to the report."""

import json
import random
import sys
import time
from typing import Any

from django.core.management import call_command
from django.db import close_old_connections

from marketplaces.models import MarketplaceAccount
from seatsync.bench.report import Report
from seatsync.chaos import judge
from seatsync.chaos.books import Books, books_read
from seatsync.chaos.buyers import Buyers
from seatsync.chaos.delays import notice_to_last_delist, sale_to_last_delist
from seatsync.chaos.door import Door
from seatsync.chaos.offers import Offers
from seatsync.chaos.options import Options
from seatsync.chaos.pace import wait_until, work_open
from seatsync.chaos.people import holders_make
from seatsync.chaos.sellers import STANDING, Sellers
from seatsync.chaos.trouble import Trouble
from seatsync.chaos.world import World
from seatsync.core.clock import now

CONFIRM_WITHIN_S = 900.0
SETTLED_WITHIN_S = 900.0
# Of the commands that were still wanted, as many reach their goal without a person.
LEAST_SUCCESS = 0.999
# More findings of one kind than this say nothing new.
MOST_TOLD = 20


def run(options: Options, world: World) -> dict[str, Any]:
    """The report's figures; progress and findings go to standard error. The main thread's alone."""
    started = time.monotonic()
    call_command("migrate", verbosity=0)
    call_command("load_schedule", stderr=sys.stderr)
    world.product_start()
    door = Door(world.simulator_url)
    # Grants outlive the run: what a spent refresh token costs is another test's question.
    door.post("settings", keep_showings=True, confirm_within_s=CONFIRM_WITHIN_S, access_token_s=86_400.0)
    chance = random.Random(options.seed)  # noqa: S311 - a simulation, not a secret
    holders = holders_make(door, options.sales, chance)
    _tell(f"{len(holders)} holders with {sum(len(h.accounts) for h in holders)} accounts", started)
    offers = Offers()
    sellers = Sellers(holders, offers, random.Random(options.seed + 1))  # noqa: S311 - as above
    buyers = Buyers(door, offers, options.sales, random.Random(options.seed + 2))  # noqa: S311 - as above
    trouble = Trouble(
        world, door, kill_every=options.kill_every if options.kill_workers else None, restart_at=options.sales // 2
    )
    sellers.fill(min(STANDING, options.sales))
    trouble.begin()
    sellers.start()
    buyers.start()
    _sell(sellers, buyers, trouble, started)
    for worker in (buyers, sellers):
        worker.stop()
    _tell(f"{buyers.sales} sales made, {buyers.races} of them races for whole listings", started)
    unfinished = _settle(trouble, buyers.sales, door, started)
    if options.keep:
        (world.folder / "ledger.json").write_text(json.dumps(door.get("state") | door.get("showings")))
    figures = _judged(books_read(door)) | {"unfinished": unfinished, "faults": trouble.counts()}
    figures["seconds"] = round(time.monotonic() - started)
    figures["machine"] = Report("chaos", 0, "", {"figure": 0}).as_json()["machine"]
    return figures


def _sell(sellers: Sellers, buyers: Buyers, trouble: Trouble, started: float) -> None:
    told = time.monotonic()
    while not buyers.done.is_set():
        time.sleep(0.2)
        for worker in (buyers, sellers):
            worker.check()
        trouble.at(buyers.sales)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            _tell(f"{buyers.sales} sales, {work_open()} things to do", started)
        close_old_connections()


def _settle(trouble: Trouble, sales: int, door: Door, started: float) -> int:
    """Every delivery leaves, every account is polled once more, and all is done; faults go on meanwhile.

    Returns how many things were left to do all the same.
    """
    door.post("deliver")
    since = now()

    def polled() -> bool:
        trouble.at(sales)
        active = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=False)
        return not active.exclude(sales_synced_until__gt=since).exists()

    def finished() -> bool:
        trouble.at(sales)
        return work_open() == 0

    all_polled = wait_until(polled, SETTLED_WITHIN_S)
    if not all_polled:
        _tell("not every account was polled in time", started)
    left = 0 if wait_until(finished, SETTLED_WITHIN_S) else work_open()
    if left:
        _tell(f"{left} things were left to do", started)
    _tell("settled", started)
    return left + (not all_polled)


def _judged(books: Books) -> dict[str, Any]:
    figures: dict[str, Any] = {"sales": len(books.sales)}
    for name, check in judge.ZEROS.items():
        figures[name] = _count(name, list(check(books)))
    figures["conflicts"] = sum(bool(sale["rejected"]) for sale in books.sales)
    figures["files_overtaken"] = judge.files_overtaken(books)
    figures["needs_person"] = _count("needs_person", list(judge.waiting_for_a_person()))
    figures["success_rate"] = judge.success_rate()
    figures["notice_to_last_delist_ms"] = notice_to_last_delist()
    figures["sale_to_last_delist_ms"] = sale_to_last_delist(books)
    return figures


def _count(name: str, findings: list[str]) -> int:
    for finding in findings[:MOST_TOLD]:
        sys.stderr.write(f"{name}: {finding}\n")
    return len(findings)


def _tell(text: str, started: float) -> None:
    sys.stderr.write(f"  {text} ({time.monotonic() - started:.0f} s)\n")


def kept(figures: dict[str, Any]) -> bool:
    """Whether every promise was kept."""
    undone = (*judge.ZEROS, "needs_person", "unfinished")
    return not any(figures[name] for name in undone) and figures["success_rate"] >= LEAST_SUCCESS
