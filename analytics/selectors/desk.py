"""The desk: what needs the person, where the seasons stand, what moved."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from analytics.selectors.overview import GameRow, SeasonOverview, season_overview
from listings.models import Listing, MarketplaceCommand, Sale
from listings.selectors import deadlines, listing_list, needs_person, sale_list, sales_with_hands
from listings.states import OPEN
from marketplaces.market import MarketFigures
from portfolios.selectors import season_ticket_list
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.venue_time import local
from seatsync.live.models import Alert, Severity
from seatsync.live.selectors import alerts_open

# A holder has a handful of season tickets; the desk shows the newest ones.
SEASONS, ALERTS, GAMES, LISTINGS, SALES = 3, 6, 14, 14, 8


@dataclass(frozen=True, slots=True)
class Needs:
    """What waits for the person."""

    alerts: list[Alert]
    commands: list[MarketplaceCommand]
    deadlines: list[Sale]
    # How many more wait that are not shown.
    more: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.alerts or self.commands or self.deadlines)


@dataclass(frozen=True, slots=True)
class OwnListing:
    """An own listing beside its game's market."""

    listing: Listing
    market: MarketFigures | None

    @property
    def over(self) -> Decimal | None:
        """The ask less the market's median."""
        return self.listing.price - self.market.median if self.market else None


@dataclass(frozen=True, slots=True)
class DeskTop:
    """What the person looks for first: what needs them, and where each season stands."""

    needs: Needs
    seasons: list[SeasonOverview]


@dataclass(frozen=True, slots=True)
class Desk(DeskTop):
    """Everything the desk shows."""

    coming: list[GameRow]
    listings: list[OwnListing]
    listing_count: int
    sales: list[Sale]
    market_as_of: datetime | None
    # The day at the venue of the next game.
    today: date


def needs(actor: Actor) -> Needs:
    """What waits for the person, the most pressing first."""
    commands = list(needs_person(actor)[:ALERTS])
    # A command that waits is shown as itself, with its button, not a second time as its alert.
    told = [str(command.pk) for command in commands]
    alerts = alerts_open(actor).exclude(object_type="command", object_id__in=told)
    shown, due = list(alerts[:ALERTS]), list(deadlines(actor)[:ALERTS])
    counted = len(commands) + len(due) + sum(alert.severity != Severity.INFO for alert in shown)
    every = needs_person(actor).count() + deadlines(actor).count() + alerts.exclude(severity=Severity.INFO).count()
    return Needs(shown, commands, due, more=max(0, every - counted))


def desk_top(actor: Actor) -> DeskTop:
    """The desk's top of one person."""
    return DeskTop(needs(actor), [season_overview(actor, ticket) for ticket in season_ticket_list(actor)[:SEASONS]])


def desk(actor: Actor) -> Desk:
    """The desk of one person."""
    top = desk_top(actor)
    seasons = top.seasons
    rows = [row for season in seasons for row in season.games]
    markets = {row.game.pk: row.market for row in rows}
    coming = sorted((row for row in rows if row.game.starts_at > now()), key=lambda row: row.game.starts_at)
    own = listing_list(actor).filter(status__in=OPEN).order_by("game__starts_at", "section", "platform")
    return Desk(
        needs=top.needs,
        seasons=seasons,
        coming=coming[:GAMES],
        listings=[OwnListing(listing, markets.get(listing.game_id)) for listing in own[:LISTINGS]],
        listing_count=own.count(),
        sales=list(sales_with_hands(sale_list(actor))[:SALES]),
        market_as_of=max((row.market.as_of for row in rows if row.market), default=None),
        today=local(now(), coming[0].game.venue.timezone if coming else "UTC").date(),
    )
