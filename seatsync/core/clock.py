"""The one clock: aware UTC. Everything that needs the present asks here, so tests can freeze it."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(tz=UTC)


def seconds_until(moment: datetime | None) -> float:
    """How long it is until then; nothing where it is past, or not told."""
    return 0.0 if moment is None else max(0.0, (moment - now()).total_seconds())


def seconds_from_now(seconds: float) -> datetime:
    """The moment `seconds` from now (aware UTC)."""
    return now() + timedelta(seconds=seconds)
