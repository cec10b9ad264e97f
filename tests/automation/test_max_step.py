"""The maximum-step guard."""

from decimal import Decimal

import pytest

from automation.guards.max_step import GUARD
from tests.automation.context import context


@pytest.mark.parametrize(
    ("proposed", "allowed"), [("125.00", True), ("75.00", True), ("125.01", False), ("74.99", False)]
)
def test_it_refuses_beyond_the_step_and_not_at_it(proposed: str, allowed: bool) -> None:
    assert GUARD(Decimal(25)).check(context(proposed)).allowed is allowed


def test_a_person_is_asked_to_confirm_and_may() -> None:
    guard = GUARD(Decimal(25))
    refused = guard.check(context("60.00", person=True))
    assert not refused.allowed
    assert (refused.field, refused.remedy) == ("confirmed", "Confirm it, or move in smaller steps.")
    assert guard.check(context("60.00", person=True, confirmed=True)).allowed


def test_a_machine_cannot_confirm() -> None:
    assert not GUARD(Decimal(25)).check(context("60.00", confirmed=True)).allowed
