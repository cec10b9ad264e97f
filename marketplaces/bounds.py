"""What a listing must keep to beside its holder's own floor and ceiling (I-12).

What its marketplace told of the event, and what the team or the venue lets its tickets be resold for at least.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import F, Q

from marketplaces.models import EventBounds, LeastPriceVersion
from marketplaces.registry import platform_name, traits_of
from portfolios.models import Game
from seatsync.core.clock import now
from seatsync.core.errors import FieldProblem
from seatsync.core.money import money_text

# A measure of our own. Bounds change seldom, and whoever is refused by one asks for nothing that would renew it: after
# a day it refuses nothing any more, and the marketplace is asked itself, by what is sent.
STANDS_FOR = timedelta(hours=24)
# A game, a platform, and whether it is of the paper market.
Side = tuple[Game, str, bool]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What listings of one game at one platform must keep to; None: nothing was told, or asked for."""

    platform: str
    event: EventBounds | None = None
    least: LeastPriceVersion | None = None

    @property
    def stands(self) -> bool:
        """Whether what the marketplace told is new enough to refuse anything."""
        return self.event is not None and self.event.told_at > now() - STANDS_FOR

    @property
    def event_said(self) -> str:
        """What prices the marketplace takes, in words; empty where it told none."""
        event, name = self.event, platform_name(self.platform)
        if event is None or (span := _span(event)) == "":
            return ""
        since = "" if self.stands else "; asked again before it refuses anything"
        return f"{name} takes {span} per ticket for this game, told {event.told_at:%-d %b}{since}."

    @property
    def least_said(self) -> str:
        """What the team or the venue asks for at least, in words; empty where it asks for nothing."""
        if self.least is None or self.least.min_price is None:
            return ""
        row, price = self.least, money_text(self.least.min_price, self.least.currency)
        return f"{row.whose} asks for {price} or more per ticket since {row.valid_from:%-d %b %Y} ({row.source})."

    @property
    def said(self) -> list[str]:
        """Both, as far as there are any."""
        return [line for line in (self.event_said, self.least_said) if line]

    def currency_problem(self, currency: str, field: str = "accounts", remedy: str = "") -> FieldProblem | None:
        """What is wrong with prices in this currency, by what the marketplace's adapter declares; None: nothing."""
        traits = traits_of(self.platform)
        if traits is None or currency in traits.currencies:
            return None
        taken = " or ".join(traits.currencies)
        return FieldProblem(
            field, f"{traits.name} takes prices in {taken} alone, and these seats are priced in {currency}.",
            remedy or f"Leave {traits.name} out: seats are priced in the currency of their season ticket.",
        )  # fmt: skip

    def event_outside(self, price: Decimal, currency: str) -> bool:
        """Whether a list price per ticket is outside what the marketplace told, however long ago."""
        event = self.event
        if event is None or event.currency != currency:
            return False
        below = event.min_price is not None and price < event.min_price
        return below or (event.max_price is not None and price > event.max_price)

    def event_problem(self, price: Decimal, currency: str, field: str = "price") -> FieldProblem | None:
        """What is wrong with a list price per ticket by what the marketplace told within a day; None: nothing."""
        event = self.event
        if event is None or not self.stands or not self.event_outside(price, currency):
            return None
        return FieldProblem(
            field, f"{money_text(price, currency)} is outside what its marketplace takes: {self.event_said}",
            f"Choose {_span(event)}.",
        )  # fmt: skip

    def least_problem(self, price: Decimal, currency: str, field: str = "price") -> FieldProblem | None:
        """What is wrong with a list price per ticket by the team's or the venue's terms; None: nothing."""
        row = self.least
        if row is None or row.min_price is None or row.currency != currency or price >= row.min_price:
            return None
        least = money_text(row.min_price, currency)
        return FieldProblem(
            field, f"{money_text(price, currency)} is below the least price. {self.least_said}",
            f"Choose {least} or more.",
        )  # fmt: skip

    def offer_problems(self, *, price: Decimal, currency: str, quantity: int, split: str) -> list[FieldProblem]:
        """What is wrong with so many seats at a list price per ticket, under a split."""
        found = [
            self.currency_problem(currency), self.event_problem(price, currency), self.least_problem(price, currency),
        ]  # fmt: skip
        return [*filter(None, found), *self._quantity_problems(quantity, split)]

    def span_problems(self, *, floor: Decimal, ceiling: Decimal, currency: str) -> list[FieldProblem]:
        """What is wrong with a floor and a ceiling between which no price is left that may be asked."""
        event, found = self.event, [self.least_problem(ceiling, currency, "ceiling")]
        if event is not None and event.max_price is not None and floor > event.max_price:
            found.append(self.event_problem(floor, currency, "floor"))
        if event is not None and event.min_price is not None and ceiling < event.min_price:
            found.append(self.event_problem(ceiling, currency, "ceiling"))
        return [*filter(None, found)]

    def _quantity_problems(self, quantity: int, split: str) -> list[FieldProblem]:
        event, name = self.event, platform_name(self.platform)
        if event is None or not self.stands:
            return []
        found, told = [], f"for this game, told {event.told_at:%-d %b}"
        if quantity < event.min_quantity:
            detail = f"{name} takes {event.min_quantity} seats or more in a listing {told}, and {_chosen(quantity)}."
            found.append(FieldProblem("seats", detail, "Choose more seats, or leave this marketplace out."))
        if event.max_quantity is not None and quantity > event.max_quantity:
            detail = f"{name} takes {event.max_quantity} seats or fewer in a listing {told}, and {_chosen(quantity)}."
            found.append(FieldProblem("seats", detail, "Choose fewer seats, or leave this marketplace out."))
        if event.splits and split not in event.splits:
            detail = f"{name} takes no split {split!r} {told}."
            found.append(FieldProblem("split_type", detail, f"Use {', '.join(event.splits)}."))
        return found


def _chosen(quantity: int) -> str:
    return "1 is chosen" if quantity == 1 else f"{quantity} are chosen"


def _span(event: EventBounds) -> str:
    """The prices that are taken: "$5.00 to $900.00"."""
    least, most = (None if b is None else money_text(b, event.currency) for b in (event.min_price, event.max_price))
    if least and most:
        return f"{least} to {most}"
    return f"{least} or more" if least else f"{most} or less" if most else ""


def bounds_of(game: Game, platform: str, *, paper: bool) -> Bounds:
    """What listings of a game must keep to at a platform; `paper`: in which of its markets."""
    return bounds_of_all([(game, platform, paper)])[game.pk, platform, paper]


def bounds_of_all(sides: Iterable[Side]) -> dict[tuple[uuid.UUID, str, bool], Bounds]:
    """As `bounds_of`, of any number of games and platforms, by two queries."""
    asked = {(game.pk, platform, paper): game for game, platform, paper in sides}
    games = set(asked.values())
    events = {(row.mapping.game_id, row.mapping.platform, row.mapping.paper): row for row in _told(games)}
    least = _least(games)
    return {
        side: Bounds(side[1], events.get(side), _strictest(least, game.home_team_id, game.venue_id))
        for side, game in asked.items()
    }


def _told(games: Iterable[Game]) -> Iterable[EventBounds]:
    """What was told last of the events that these games are mapped to now."""
    standing = EventBounds.objects.filter(
        mapping__game__in=games, mapping__confirmed_at__isnull=False, remote_event_id=F("mapping__remote_event_id")
    )
    return standing.order_by("mapping_id", "-valid_from").distinct("mapping_id").select_related("mapping")


def _least(games: Iterable[Game]) -> list[LeastPriceVersion]:
    """The rows in force today (UTC) of these games' home teams and venues."""
    teams, venues = {game.home_team_id for game in games}, {game.venue_id for game in games}
    rows = LeastPriceVersion.objects.filter(Q(team__in=teams) | Q(venue__in=venues), valid_from__lte=now().date())
    newest = rows.order_by("team_id", "venue_id", "-valid_from").distinct("team_id", "venue_id")
    return list(newest.select_related("team", "venue"))


def _strictest(rows: list[LeastPriceVersion], team: uuid.UUID, venue: uuid.UUID) -> LeastPriceVersion | None:
    own = [row for row in rows if row.min_price is not None and (row.team_id == team or row.venue_id == venue)]
    return max(own, key=lambda row: row.min_price or 0, default=None)
