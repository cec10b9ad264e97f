"""What guards go by is dated by staff, and nothing else is."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automation.models import ThresholdVersion
from automation.selectors import thresholds_kept
from listings.services.guards import guards_expected
from seatsync.accounts.models import User
from seatsync.core.clock import now
from tests.builders import verified_client

pytestmark = pytest.mark.django_db


def row(**changes: Any) -> ThresholdVersion:
    told = {
        "name": "MAX_PRICE_STEP_PERCENT",
        "value": 10,
        "valid_from": now().date(),
        "source": "x",
        "checked_on": now(),
    }
    return ThresholdVersion.objects.create(**told | changes)


def test_the_newest_that_is_in_force_counts() -> None:
    today = now().date()
    assert thresholds_kept() == {}
    row(value=30, valid_from=today - timedelta(days=9))
    row(value=20, valid_from=today - timedelta(days=1))
    row(value=5, valid_from=today + timedelta(days=1))
    row(name="MANUAL_PRICE_HOURS", value=6)
    assert thresholds_kept() == {"MAX_PRICE_STEP_PERCENT": 20, "MANUAL_PRICE_HOURS": 6}


def test_all_guards_of_a_batch_are_made_by_one_question() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert len(guards_expected()) == 5
    assert len(asked) == 1


def test_one_day_has_one_figure_above_none() -> None:
    row()
    for changes in ({"value": 12}, {"value": 0, "valid_from": now().date() + timedelta(days=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            row(**changes)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MAX_PRICE_STEP_PERCENT", "101", "1 to 100"),
        ("MANUAL_PRICE_HOURS", "721", "1 to 720"),
        ("MOST_FUN", "3", "Use one of: MANUAL_PRICE_HOURS, MARKET_DATA_MAX_AGE_MINUTES"),
        ("MAX_PRICE_STEP_PERCENT", "40", ""),
    ],
)
def test_staff_date_what_a_guard_goes_by_within_its_bounds(name: str, value: str, says: str) -> None:
    staff = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    told = {"name": name, "value": value, "source": "holders were asked"}
    days = {"valid_from": now().date(), "checked_on": now().date()}
    answer = staff.post(reverse("admin:automation_thresholdversion_add"), told | days)
    assert (answer.status_code, ThresholdVersion.objects.count()) == ((200, 0) if says else (302, 1))
    assert says in answer.text
