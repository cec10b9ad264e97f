"""What any input must keep to, whatever it is for: times that the product can mean, text that can be stored."""

from datetime import UTC, datetime

from seatsync.core.errors import InvalidInput

# Far outside every season, and far enough inside datetime's own ends that no zone shifts a time beyond them.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
MOMENT_REMEDY = f"Write a time from {EARLIEST.year} to {LATEST.year}, like 2026-06-12T19:10:00Z."


def moment_within(moment: datetime) -> bool:
    """Whether an aware time lies in the years that are stored."""
    return moment.tzinfo is not None and EARLIEST <= moment <= LATEST


def header_text(value: str, *, name: str, longest: int) -> str:
    """A header's value of 1 to `longest` printable characters; raises InvalidInput naming the header."""
    if not value.strip() or len(value) > longest or not value.isprintable():
        raise InvalidInput(f"This {name} is not valid.", field=name, remedy=f"Use 1 to {longest} printable characters.")
    return value
