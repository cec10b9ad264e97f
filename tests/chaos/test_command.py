"""`manage.py chaos`: what it prints, and that every promise holds on a small run of each kind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seatsync.chaos.run import kept
from seatsync.chaos.trouble import profile
from tests.product import ROOT
from tests.seeds import seeds

ZEROS = (
    "seats_oversold", "sales_lost", "listings_left_active_for_sold_seats", "wrong_price_pushes",
    "duplicate_side_effects", "conflicts_rejected_late", "hand_made_missed", "strangers_touched", "endings_wrong",
    "owners_wrong", "listed_again", "money_wrong",
)  # fmt: skip
# What a run is to play, whatever its size.
PLAYED = ("held_before", "adopted", "adopted_at_once", "made_by_hand_meanwhile", "sales_of_hand_made", "payments")
DECISIONS, ENDINGS = {"adopted", "not_ours", "taken_down"}, {"cancelled", "claim", "game_off", "rejected"}
SALES = 200


def chaos(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Its exit status and its one line; what else it says stands beside the tests' own output."""
    hidden = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden} | {"ENVIRONMENT": "dev"}
    done = subprocess.run(
        [sys.executable, "manage.py", "chaos", *arguments, "--json"], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    (line,) = done.stdout.splitlines()
    return done.returncode, json.loads(line)


def test_the_state_tables_alone_keep_every_promise() -> None:
    status, figures = chaos("--sales", "2000", "--seed", "5", "--in-process")
    assert (status, figures["sales"], figures["seats_oversold"], figures["moves_outside_the_tables"]) == (0, 2000, 0, 0)
    assert min(figures["conflicts"], figures["called_off"]) > 0


def test_the_faults_are_as_often_as_promised() -> None:
    """Of those that spoil a request, or a webhook, the simulator tries one after the other, and one strikes."""
    left, shares = {"request": 1.0, "latency": 1.0, "webhook": 1.0}, dict[str, float]()
    for name, fault in profile():
        kind = "webhook" if name.startswith("webhook") else "latency" if name == "latency" else "request"
        struck = left[kind] * fault["probability"]
        shares[name] = round(shares.get(name, 0.0) + struck, 9)
        left[kind] -= struck
    assert shares == {
        "429": 0.01, "5xx": 0.01, "timeout_before": 0.005, "timeout_after": 0.005, "webhook_lost": 0.05,
        "webhook_duplicated": 0.10, "webhook_reordered": 0.10, "latency": 0.02,
    }  # fmt: skip


@pytest.mark.chaos
@pytest.mark.parametrize("seed", seeds(1))
def test_two_hundred_sales_under_faults_and_kills_keep_every_promise(seed: int, tmp_path: Path) -> None:
    status, figures = chaos("--sales", str(SALES), "--seed", str(seed), "--kill-workers")
    assert {name: figures[name] for name in ZEROS} == dict.fromkeys(ZEROS, 0)
    assert (status, figures["needs_person"]) == (0, 0)
    # Some were made before the accounts were connected, and two buyers may come at the very end.
    assert SALES <= figures["sales"] <= SALES + figures["held_before"]
    assert min(figures[name] for name in PLAYED) > 0
    assert set(figures["found_decided"]) == DECISIONS
    assert set(figures["ended"]) >= ENDINGS
    assert figures["conflicts"] >= figures["sales"] // 100
    assert figures["success_rate"] >= 0.999
    for name in ("notice_to_last_delist_ms", "sale_to_last_delist_ms"):
        assert {"p50", "p95", "p99", "by_platform"} <= set(figures[name])
        assert set(figures[name]["by_platform"]) >= {"gametime", "seatgeek", "stubhub", "ticketmaster", "vividseats"}
    faults = figures["faults"]
    assert faults["sigkill"] > 0
    assert faults["valkey_restart"] == 1


@pytest.mark.parametrize("broken", [*ZEROS, "needs_person", "unfinished", "success_rate"])
def test_a_run_that_broke_one_promise_has_not_kept_them(broken: str) -> None:
    whole: dict[str, Any] = dict.fromkeys([*ZEROS, "needs_person", "unfinished"], 0) | {"success_rate": 0.999}
    assert kept(whole)
    assert not kept(whole | {broken: 0.9989 if broken == "success_rate" else 1})
