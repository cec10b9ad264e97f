"""A listing's story: commands, proposals with their verdicts, and prices at the marketplace, as one timeline."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from listings.models import Listing, MarketplaceCommand, PriceProposal
from listings.selectors import commands_of_listing, price_history, proposals
from seatsync.core.charts import Line

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: a command or a proposal."""

    at: datetime
    command: MarketplaceCommand | None = None
    proposal: PriceProposal | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What the listing page tells."""

    steps: list[Step]
    lines: list[Line]
    views: int | None
    favorites: int | None
    waiting: MarketplaceCommand | None


def listing_story(listing: Listing) -> Story:
    """The story of one listing, newest first."""
    commands = list(commands_of_listing(listing))
    prices = list(price_history(listing))
    steps = [Step(c.created_at, command=c) for c in commands]
    steps += [Step(p.created_at, proposal=p) for p in proposals(listing)[:_SHOWN]]
    points: list[tuple[datetime, Decimal]] = [(point.time, point.price) for point in prices]
    return Story(
        steps=sorted(steps, key=lambda step: step.at, reverse=True)[:_SHOWN],
        lines=[Line("Price at the marketplace", points, "own", step=True)] if points else [],
        views=prices[-1].views if prices else None,
        favorites=prices[-1].favorites if prices else None,
        waiting=next((c for c in reversed(commands) if c.state == "needs_person" and not c.by_hand), None),
    )
