"""Guards are found by their files."""

from decimal import Decimal

import pytest
from django.conf import settings

from automation.registry import guards_make
from listings.services.guards import guards_expected

pytestmark = pytest.mark.django_db


def test_every_guard_is_found_made_of_its_settings_and_expected_at_the_door() -> None:
    asked: list[str] = []

    def setting(name: str) -> Decimal:
        asked.append(name)
        return Decimal(10)

    found = [guard.key for guard in guards_make(setting)]
    assert found == sorted(settings.EXPECTED_PRICING_GUARDS)
    assert sorted(asked) == [
        "MANUAL_PRICE_HOURS", "MARKET_DATA_MAX_AGE_MINUTES", "MAX_PRICE_CHANGES_PER_DAY", "MAX_PRICE_STEP_PERCENT",
        "MIN_PRICE_DWELL_MINUTES",
    ]  # fmt: skip
    assert [guard.key for guard in guards_expected()] == list(settings.EXPECTED_PRICING_GUARDS)
