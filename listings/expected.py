"""When a sale's money is to come: reckoned from the payout calendar that the sale keeps, never guessed.

Moments are aware UTC; days are those at the venue.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from listings.models import Sale, SaleEnding
from listings.selectors import sale_zone
from marketplaces.models import PayoutCalendarVersion, PayoutKind
from marketplaces.registry import platform_name
from portfolios.models import GameStatus
from seatsync.core.venue_time import local


@dataclass(frozen=True, slots=True)
class Expectation:
    """When a sale's money is to come. `at` None: no day follows from what is known; `basis` says why.

    `on` is that day: of what is counted from the game or the hand-over it is counted in days at the venue.
    """

    at: datetime | None
    basis: str
    source: str
    checked_on: date | None
    on: date | None = None


def expectation_of(sale: Sale) -> Expectation:
    """When this sale's money is to come, by the calendar that it keeps (read it along: `payout_calendar`, `game`)."""
    if sale.ending == SaleEnding.CLAIM:
        return Expectation(None, "its marketplace keeps it until the complaint is decided", "", None)
    calendar, name = sale.payout_calendar, platform_name(sale.platform)
    if calendar is None:
        return Expectation(None, f"when {name} pays is not known", "", None)
    at = _day_of(calendar, sale)
    basis = calendar.words
    if at is None and calendar.known:
        basis += _without_day(calendar, sale)
    return Expectation(at, basis, calendar.source, calendar.checked_on, None if at is None else _on(calendar, sale, at))


def _without_day(calendar: PayoutCalendarVersion, sale: Sale) -> str:
    if calendar.kind != PayoutKind.AFTER_GAME:
        return ", which is still to come"
    return ", and there is no game" if sale.game is None else ", which is postponed"


def _on(calendar: PayoutCalendarVersion, sale: Sale, at: datetime) -> date:
    """The day of `at`: a weekday is its own day everywhere, a span of days ends on the venue's day."""
    since = sale.delivered_at if calendar.kind == PayoutKind.AFTER_DELIVERY else None
    if calendar.kind == PayoutKind.AFTER_GAME and sale.game is not None:
        since = sale.game.starts_at
    if since is None:
        return at.astimezone(UTC).date()
    return local(since, sale_zone(sale) or "UTC").date() + timedelta(days=calendar.days or 0)


def _day_of(calendar: PayoutCalendarVersion, sale: Sale) -> datetime | None:
    if not calendar.known:
        return None
    days = timedelta(days=calendar.days or 0)
    if calendar.kind == PayoutKind.AFTER_GAME:
        # Of a postponed game the day that it was to be on says nothing, and the new one is not known.
        known = sale.game is not None and sale.game.status != GameStatus.POSTPONED
        return sale.game.starts_at + days if known and sale.game is not None else None
    if sale.delivered_at is None:
        return None
    if calendar.kind == PayoutKind.AFTER_DELIVERY:
        return sale.delivered_at + days
    return _weekday_after(sale.delivered_at + days, calendar.weekday or 0)


def _weekday_after(moment: datetime, weekday: int) -> datetime:
    """The first such weekday's midnight (UTC) after the day of a moment."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=(weekday - day.weekday()) % 7 or 7)
