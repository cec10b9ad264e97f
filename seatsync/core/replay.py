"""The label of replayed data: every page that shows such a game says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Shifted(Protocol):
    """A game as far as the label goes."""

    shifted_weeks: int
    starts_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What the label says, and where the facts come from."""

    text: str
    source: str


def replay_labels(games: Iterable[Shifted]) -> list[Replay]:
    """The labels of all replayed seasons among these games, each once, in the order in which they are met."""
    return list(dict.fromkeys(_label(game) for game in games if game.shifted_weeks))


def replay_label(games: Iterable[Shifted]) -> Replay | None:
    """The label of the first replayed game among these; None where all are real."""
    shifted = next((game for game in games if game.shifted_weeks), None)
    return _label(shifted) if shifted else None


def _label(game: Shifted) -> Replay:
    weeks = game.shifted_weeks
    year = (game.starts_at - timedelta(weeks=weeks)).year
    return Replay(f"{year} season replayed, shifted {weeks} week{'' if abs(weeks) == 1 else 's'}", game.source)
