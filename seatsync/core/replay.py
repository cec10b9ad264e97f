"""The label of replayed data: while an installation holds such a season, every page says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Replay:
    """What the label says, and where the facts come from."""

    text: str
    source: str


def replay_labels(seasons: Iterable[tuple[str, int, datetime]]) -> list[Replay]:
    """One label a replayed season, the oldest first; each is (source, weeks moved, start of its first game)."""
    found: dict[str, Replay] = {}
    for source, weeks, first in sorted(seasons, key=lambda season: season[2] - timedelta(weeks=season[1])):
        year = (first - timedelta(weeks=weeks)).year
        text = f"{year} season replayed, shifted {weeks} week{'' if abs(weeks) == 1 else 's'}"
        found.setdefault(text, Replay(text, source))
    return list(found.values())
