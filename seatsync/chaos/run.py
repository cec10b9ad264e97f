"""One run, from an empty world to the report."""

import json
import sys
import time
from typing import Any

from django.core.management import call_command
from django.db import close_old_connections

from seatsync.bench.report import Report
from seatsync.chaos import judge
from seatsync.chaos.books import books_read
from seatsync.chaos.cast import Cast, cast_make
from seatsync.chaos.door import Door
from seatsync.chaos.options import Options
from seatsync.chaos.pace import work_open
from seatsync.chaos.sellers import STANDING
from seatsync.chaos.settle import Settling
from seatsync.chaos.trouble import Trouble
from seatsync.chaos.verdict import ENDINGS, HANDS, judged
from seatsync.chaos.world import World

CONFIRM_WITHIN_S = 900.0
# Of the commands that were still wanted, as many reach their goal without a person.
LEAST_SUCCESS = 0.999
# Of the sales so many are to be races that were lost, in a run that is long enough for a share.
LEAST_CONFLICTS, SHARE_COUNTS_FROM = 0.01, 1000


def run(options: Options, world: World) -> dict[str, Any]:
    """The report's figures; progress and findings go to standard error. The main thread's alone."""
    started = time.monotonic()
    call_command("migrate", verbosity=0)
    call_command("load_schedule", stderr=sys.stderr)
    world.product_start()
    door = Door(world.simulator_url)
    # Grants outlive the run: what a spent refresh token costs is another test's question.
    door.post("settings", keep_showings=True, confirm_within_s=CONFIRM_WITHIN_S, access_token_s=86_400.0)
    cast = cast_make(door, options)
    _tell(f"{len(cast.holders)} holders with {sum(len(h.accounts) for h in cast.holders)} accounts", started)
    trouble = Trouble(
        world, door, kill_every=options.kill_every if options.kill_workers else None, restart_at=options.sales // 2
    )
    cast.begin()
    _tell(f"{len(cast.hands.made)} listings of hands, {sum(cast.persons.decided.values())} decided on", started)
    cast.sellers.fill(max(0, min(STANDING, options.sales) - len(cast.offers)))
    trouble.begin()
    for worker in cast.workers:
        worker.start()
    _sell(cast, trouble, started)
    for worker in cast.workers:
        worker.stop()
    _tell(f"{cast.buyers.sales} sales made, {cast.buyers.races} of them races for whole listings", started)
    settled = Settling(cast, trouble, started)
    unfinished = settled.settle()
    # What we listed ourselves must be down without the sweep that looks for what hands have listed.
    early = list(judge.left_active(books_read(door)))
    unfinished += settled.sweep() + settled.pay()
    if options.keep:
        (world.folder / "ledger.json").write_text(json.dumps(door.get("state") | door.get("showings")))
    books = books_read(door, [(made.key, made.cents) for made in cast.hands.made])
    figures = judged(books, cast, early) | {"unfinished": unfinished, "faults": trouble.counts()}
    figures["seconds"] = round(time.monotonic() - started)
    figures["machine"] = Report("chaos", 0, "", {"figure": 0}).as_json()["machine"]
    return figures


def _sell(cast: Cast, trouble: Trouble, started: float) -> None:
    told = time.monotonic()
    while not cast.buyers.done.is_set():
        time.sleep(0.2)
        for worker in cast.workers:
            worker.check()
        trouble.at(cast.buyers.sales)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            _tell(f"{cast.buyers.sales} sales, {work_open()} things to do", started)
        close_old_connections()


def _tell(text: str, started: float) -> None:
    sys.stderr.write(f"  {text} ({time.monotonic() - started:.0f} s)\n")


def kept(figures: dict[str, Any]) -> bool:
    """Whether every promise was kept, in a run that put them to the test."""
    undone = (*judge.ZEROS, *HANDS, *ENDINGS, "needs_person", "unfinished")
    whole = not any(figures[name] for name in undone) and figures["success_rate"] >= LEAST_SUCCESS
    return whole and not too_few_conflicts(figures)


def too_few_conflicts(figures: dict[str, Any]) -> str:
    """Why a run proves little in which hardly two buyers met; empty where they did, or where it is too short."""
    sales, conflicts = figures["sales"], figures["conflicts"]
    if sales < SHARE_COUNTS_FROM or conflicts >= sales * LEAST_CONFLICTS:
        return ""
    return (
        f"no pass: {conflicts} conflicts of {sales} sales are less than {LEAST_CONFLICTS:.0%}; "
        "buyers hardly met, so the run proves little"
    )
