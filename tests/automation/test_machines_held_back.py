"""Guards that hold back machines: how long a price stands, how often it changes, whose it is, and what it rests on."""

from datetime import timedelta
from typing import Any

import pytest

from automation.guards import change_budget, dwell_time, manual_price, market_data
from listings.contracts import Grounds, Guard
from tests.automation.context import AT, context

GUARDS: dict[str, Guard] = {
    "dwell_time": dwell_time.GUARD(15),
    "change_budget": change_budget.GUARD(3),
    "manual_price": manual_price.GUARD(24),
    "market_data": market_data.GUARD(60),
}
# What each of them refuses a machine, and what it says.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("dwell_time", {"changed_at": AT - timedelta(minutes=14, seconds=59)}, "stood for 14 min; it stands for 15"),
    ("dwell_time", {"changed_at": AT}, "stood for 0 min"),
    ("change_budget", {"machine_changes": 3}, "changed this price 3 times in 24 hours; 3 are allowed"),
    ("change_budget", {"machine_changes": 4}, "4 times"),
    ("manual_price", {"person_set_at": AT}, "on 2026-04-01 at 12:00 UTC; it stands for 24 hours"),
    ("manual_price", {"person_set_at": AT - timedelta(hours=23, minutes=59)}, "A person set this price"),
    ("market_data", {}, "nothing says what this price rests on"),
    ("market_data", {"grounds": Grounds()}, "no comparable listings are known"),
    ("market_data", {"grounds": Grounds(5)}, "no comparable listings are known"),
    ("market_data", {"grounds": Grounds(0, AT)}, "no comparable listings are known"),
    ("market_data", {"grounds": Grounds(5, AT - timedelta(minutes=61))}, "was seen 61 min ago"),
    ("market_data", {"grounds": Grounds(5, AT, in_range=False)}, "the model knows no such game or seats"),
]
TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("dwell_time", {"changed_at": AT - timedelta(minutes=15)}),
    ("change_budget", {"machine_changes": 2}),
    ("manual_price", {"person_set_at": AT - timedelta(hours=24)}),
    ("manual_price", {"person_set_at": None}),
    ("market_data", {"grounds": Grounds(1, AT - timedelta(minutes=60))}),
    ("market_data", {"grounds": Grounds(scheduled=True)}),
]


@pytest.mark.parametrize(("key", "facts", "said"), REFUSED)
def test_a_machine_is_held_back_a_person_is_not_and_the_same_price_is_no_change(
    key: str, facts: dict[str, Any], said: str
) -> None:
    guard = GUARDS[key]
    verdict = guard.check(context("99.00", **facts))
    assert (verdict.guard, verdict.allowed) == (key, False)
    assert said in verdict.reason
    assert verdict.remedy
    assert verdict.reason.startswith("No data: ") == (key == "market_data")
    # That a machine says it was confirmed means nothing.
    assert not guard.check(context("99.00", confirmed=True, **facts)).allowed
    assert guard.check(context("99.00", person=True, **facts)).allowed
    assert guard.check(context("100.00", **facts)).allowed


@pytest.mark.parametrize(("key", "facts"), TAKEN)
def test_at_its_bound_a_machine_is_let_through(key: str, facts: dict[str, Any]) -> None:
    verdict = GUARDS[key].check(context("99.00", **facts))
    assert (verdict.allowed, verdict.reason) == (True, "")
