"""A proposal as the guards at the pricing door see it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from listings.contracts import PriceContext

AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)


def context(proposed: str, *, person: bool = False, confirmed: bool = False, **more: Any) -> PriceContext:
    """Somebody, a rule if not a person, wants another price than 100.00, which has stood for a month."""
    facts: dict[str, Any] = {"at": AT, "changed_at": AT - timedelta(days=30), **more}
    return PriceContext(
        platform="stubhub", price=Decimal("100.00"), proposed=Decimal(proposed), floor=Decimal("1.00"),
        ceiling=Decimal("500.00"), currency="USD", actor_is_person=person, confirmed=confirmed, hours_to_game=100.0,
        **facts,
    )  # fmt: skip
