"""Keeping what platforms tell of the bounds of events: dated, and dated anew when they change (I-26)."""

from decimal import Decimal
from typing import Any

from marketplaces.contracts import Constraints
from marketplaces.models import EventBounds
from marketplaces.registry import platform_name
from portfolios.models import EventMapping
from seatsync.core.clock import now
from seatsync.core.money import LARGEST, round_money

# Wider than any of our columns, or any row of seats.
_MOST_SEATS = 10_000


def event_bounds_keep(*, platform: str, paper: bool, event_id: str, told: Constraints) -> EventBounds | None:
    """Keep what a platform just told of the listings of an event; None where the event is mapped to no game.

    The same again moves the time of its row. Anything else is a row of today (UTC): of one day the last word counts.
    """
    standing = EventMapping.objects.filter(platform=platform, paper=paper, confirmed_at__isnull=False)
    mapping = standing.filter(remote_event_id=event_id).first() if event_id else None
    if mapping is None:
        return None
    moment, figures = now(), _figures(told)
    latest = EventBounds.objects.filter(mapping=mapping, remote_event_id=event_id).in_force()
    if latest is not None and all(getattr(latest, name) == value for name, value in figures.items()):
        EventBounds.objects.filter(pk=latest.pk).update(told_at=moment, checked_on=moment.date(), updated_at=moment)
        return latest
    kept, _ = EventBounds.objects.update_or_create(
        mapping=mapping, remote_event_id=event_id, valid_from=moment.date(),
        defaults={
            **figures, "told_at": moment, "checked_on": moment.date(),
            "source": f"{platform_name(platform)}'s listing constraints of event {event_id}",
        },
    )  # fmt: skip
    return kept


def _figures(told: Constraints) -> dict[str, Any]:
    """What is kept of it. Bounds between which nothing is left, and amounts that are none, count as not told."""
    least, most = _amount(told.min_price), _amount(told.max_price)
    fewest, many = max(1, told.min_quantity), told.max_quantity
    if least is not None and most is not None and least > most:
        least = most = None
    if fewest > _MOST_SEATS or (many is not None and many < fewest):
        fewest, many = 1, None
    return {
        "min_price": least, "max_price": most, "currency": told.currency[:3], "min_quantity": fewest,
        "max_quantity": None if many is None else min(many, _MOST_SEATS), "splits": list(told.splits),
    }  # fmt: skip


def _amount(told: Decimal | None) -> Decimal | None:
    return None if told is None or not told.is_finite() or not 0 < told <= LARGEST else round_money(told)
