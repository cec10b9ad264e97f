"""Moments are UTC everywhere; at a venue they are shown in its own zone (I-33)."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def local(moment: datetime, zone: str) -> datetime:
    """An aware UTC moment in an IANA zone; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no moment")
    return moment.astimezone(ZoneInfo(zone))


def day_told(moment: datetime, zone: str) -> date:
    """The day of a moment that somebody told, in an IANA zone ("": UTC).

    A day that was told without a time is kept as its midnight in UTC, and is that day everywhere.
    """
    there = moment.astimezone(UTC)
    return there.date() if there.time() == time() else local(moment, zone or "UTC").date()
