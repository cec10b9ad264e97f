"""The facts the demo stands on, and the shift that puts their season under way."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from seatsync.core.clock import now
from seatsync.core.models import SystemFact

FACTS = Path(__file__).resolve().parents[2] / "portfolios" / "facts" / "mlb_2024_sea_home.json"
SHIFT_FACT = "demo_shift_weeks"
# The share of home games that lies behind at first load.
PLAYED_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class ScheduledGame:
    """One home game as played: local date and start time at the venue, opponent's abbreviation."""

    key: str
    local_start: datetime
    opponent: str

    def starts_at(self, weeks: int, zone: ZoneInfo) -> datetime:
        """Aware UTC, moved by whole weeks on the venue's wall clock (so a 19:10 start stays one across DST)."""
        return (self.local_start + timedelta(weeks=weeks)).replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    """The file, parsed. `source` is the label that its games bear; `sources` says where each part comes from."""

    league: dict[str, str]
    venue: dict[str, object]
    team: str
    teams: dict[str, str]
    sections: dict[str, str]
    source: str
    sources: dict[str, str]
    season: int
    games: tuple[ScheduledGame, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The venue's IANA zone."""
        return ZoneInfo(str(self.venue["timezone"]))


@lru_cache(maxsize=1)
def facts() -> Facts:
    """The 2024 home season of one team, as facts of public record."""
    raw = json.loads(FACTS.read_text())
    games = tuple(
        ScheduledGame(f"{day}-{away}", datetime.fromisoformat(f"{day}T{start}:00"), away)
        for day, start, away in raw["games"]
    )
    sections = {section: zone for zone, names in raw["zones"].items() for section in names}
    return Facts(
        league=raw["league"], venue=raw["venue"], team=raw["team"], teams=raw["teams"], sections=sections,
        source=raw["label"], sources=raw["source"], season=raw["season"], games=games,
    )  # fmt: skip


def shift_stored(key: str) -> int | None:
    """The shift in whole weeks that was fixed at first load; None before that."""
    fact = SystemFact.objects.filter(key=key).first()
    return None if fact is None else int(fact.value)


def shift_fix(key: str, weeks: int) -> int:
    """Keep the shift of a first load; returns the one that is kept, which is never worked out again."""
    fact, _ = SystemFact.objects.get_or_create(key=key, defaults={"value": weeks})
    return int(fact.value)


def shift_wished(turning_point: datetime) -> int:
    """Whole weeks that move `turning_point` (UTC) to about now."""
    return round((now() - turning_point).total_seconds() / timedelta(weeks=1).total_seconds())


def season_shift_planned() -> int:
    """The demo season's shift in weeks: the fixed one, else what a first load now would fix."""
    known = facts()
    stored = shift_stored(SHIFT_FACT)
    turning = known.games[int(len(known.games) * PLAYED_SHARE)]
    return shift_wished(turning.starts_at(0, known.zone)) if stored is None else stored


def season_shift() -> int:
    """The demo season's shift in weeks, fixed by the first call."""
    return shift_fix(SHIFT_FACT, season_shift_planned())


def season_starts() -> list[datetime]:
    """The starts (UTC) of the demo season's games as they lie, or would after a first load now."""
    known, weeks = facts(), season_shift_planned()
    return [game.starts_at(weeks, known.zone) for game in known.games]
