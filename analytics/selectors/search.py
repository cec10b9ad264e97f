"""Finding games by what a person types: "SEA 0412 GO", "yankees", "12 Apr", "4/12", "2026-04-12"."""

import re
import time
from datetime import date

from django.db.models import Q, QuerySet

from portfolios.models import Game, Seat
from portfolios.selectors import game_list
from seatsync.core.actors import Actor
from seatsync.core.clock import now

_MONTH_DAY = re.compile(r"(?:(\d{4})-?)?(\d{2})-?(\d{2})")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{2}|\d{4}))?")
# Words of the command bar that say what to do; finding the game is the doing.
_VERBS = {"go", "list", "why", "game"}


def games_found(actor: Actor, text: str, limit: int = 50) -> QuerySet[Game]:
    """The actor's games that match every word, the coming ones first."""
    games = game_list().filter(pk__in=Seat.objects.visible_to(actor).values("game_id"))
    words = [word for word in text.split() if word.lower() not in _VERBS]
    for word in _joined_dates(words):
        games = games.filter(_match(word))
    return games.order_by("starts_at")[:limit]


def _joined_dates(words: list[str]) -> list[str]:
    """Words, with "12 Apr" or "Apr 12" made one word "04-12"."""
    joined: list[str] = []
    rest = list(words)
    while rest:
        pair = " ".join(rest[:2])
        day = _day_month(pair) if len(rest) > 1 else None
        if day:
            joined.append(f"{day:%m-%d}")
            rest = rest[2:]
        else:
            joined.append(rest.pop(0))
    return joined


def _day_month(text: str) -> date | None:
    for form in ("%d %b", "%b %d", "%d %B", "%B %d"):
        try:
            return date(*time.strptime(f"{text} {now().year}", f"{form} %Y")[:3])
        except ValueError:
            continue
    return None


def _on_day(year: str | None, month: str, day: str) -> Q:
    """The month comes first, as in a schedule of these leagues."""
    query = Q(game_date__month=int(month), game_date__day=int(day))
    return query & Q(game_date__year=int(year)) if year else query


def _match(word: str) -> Q:
    if found := _MONTH_DAY.fullmatch(word):
        year, month, day = found.groups()
        return _on_day(year, month, day)
    if found := _SLASHED.fullmatch(word):
        month, day, year = found.groups()
        return _on_day(f"20{year}" if year and len(year) == 2 else year, month, day)
    names = Q(opponent__name__icontains=word) | Q(opponent__abbreviation__iexact=word)
    return names | Q(home_team__name__icontains=word) | Q(home_team__abbreviation__iexact=word)
