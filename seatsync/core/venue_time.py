"""Moments are UTC everywhere; at a venue they are shown in its own zone (I-33)."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local(moment: datetime, zone: str) -> datetime:
    """An aware UTC moment in an IANA zone; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no moment")
    return moment.astimezone(ZoneInfo(zone))
