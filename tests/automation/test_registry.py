"""Guards are found by their files."""

from decimal import Decimal

from django.conf import settings

from automation.registry import guards_make
from listings.services.guards import guards_expected


def test_every_guard_is_found_made_of_its_settings_and_expected_at_the_door() -> None:
    asked: list[str] = []

    def setting(name: str) -> Decimal:
        asked.append(name)
        return Decimal(10)

    found = [guard.key for guard in guards_make(setting)]
    assert found == sorted(settings.EXPECTED_PRICING_GUARDS)
    assert asked == ["MAX_PRICE_STEP_PERCENT"]
    assert [guard.key for guard in guards_expected()] == list(settings.EXPECTED_PRICING_GUARDS)
