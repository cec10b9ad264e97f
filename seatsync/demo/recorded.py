"""Replaying recorded sales as a season of their own: the games as played, the sales as strangers' prints, in order."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from intelligence.training_data import eastern, sales_path, sales_read
from marketplaces.contracts import PriceBasis
from marketplaces.models import MarketSnapshot
from portfolios.models import Game, SeasonTicket, Team, VenueSection
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.core.money import amount
from seatsync.core.venue_time import local
from seatsync.demo.facts import facts, shift_weeks
from seatsync.demo.people import INVOICE, People

PLATFORM = "recorded"
SOURCE = "2025 sales recorded, replayed"
SHIFT_FACT = "recorded_shift_weeks"
BATCH = 500
# The replay's seats lie elsewhere than the demo's, so that no seat of the ledger has two rows.
SECTION, ROW = "132", "12"


def recorded_replay(data: Path, *, people: People, speed: float | None) -> int:
    """Load the recorded home games and those of their sales that are due; returns how many prints were new.

    `speed` recorded seconds per second between prints; None: at once. Sales move by the same whole weeks as their
    games; those that lie ahead of now wait for a later call. Raises FileNotFoundError, KeyError.
    """
    known = facts()
    rows = sales_read(sales_path(data), home=known.team)
    rows = sorted((row for row in rows if row["suspect"] != "1"), key=lambda row: row["sold_at"])
    turning = sorted({row["event_dt"] for row in rows})
    weeks = shift_weeks(SHIFT_FACT, eastern(turning[len(turning) // 2]))
    games = _games(rows, weeks)
    _ticket(people, list(games.values()))
    return _prints(rows, games, timedelta(weeks=weeks), speed)


def _games(rows: list[dict[str, str]], weeks: int) -> dict[str, Game]:
    known = facts()
    home = Team.objects.select_related("venue", "league").get(league__key=known.league["key"], abbreviation=known.team)
    if home.venue is None:
        raise KeyError("the home team has no venue")
    year = (eastern(rows[0]["event_dt"]) + timedelta(weeks=weeks)).year
    games: dict[str, Game] = {}
    for row in rows:
        if row["event_id"] in games:
            continue
        played = local(eastern(row["event_dt"]), home.venue.timezone).replace(tzinfo=None)
        starts = (played + timedelta(weeks=weeks)).replace(tzinfo=known.zone)
        opponent, _ = Team.objects.get_or_create(
            league=home.league, abbreviation=row["away_team"],
            defaults={"name": known.teams.get(row["away_team"], row["away_team"])},
        )  # fmt: skip
        games[row["event_id"]], _ = Game.objects.get_or_create(
            home_team=home, source=SOURCE, source_key=row["event_id"],
            defaults={
                "opponent": opponent, "venue": home.venue, "starts_at": starts, "game_date": starts.date(),
                "season_year": year, "shifted_weeks": weeks,
            },
        )  # fmt: skip
    return games


def _ticket(people: People, games: list[Game]) -> None:
    first = games[0]
    if SeasonTicket.objects.filter(user=people.holder, section=SECTION, row=ROW).exists():
        return
    season_ticket_create(
        actor=people.actor, user_id=people.holder.pk, team_id=first.home_team_id, season_year=first.season_year,
        section=SECTION, row=ROW, seat_from=1, seat_to=2, cost_basis=INVOICE / 10, order_reference="DEMO-2025-132-12",
        source=SOURCE,
    )  # fmt: skip


def _prints(rows: list[dict[str, str]], games: dict[str, Game], shift: timedelta, speed: float | None) -> int:
    """In recorded order; a watermark (how many rows are in) makes a second call go on where the first ended."""
    done, _ = SystemFact.objects.get_or_create(key="recorded_prints", defaults={"value": 0})
    zones = dict(VenueSection.objects.values_list("name", "zone"))
    stored, previous = 0, None
    for batch in _batches(rows[int(done.value) :], 1 if speed else BATCH):
        due = [row for row in batch if eastern(row["sold_at"]) + shift <= now()]
        if speed and due and previous is not None:
            time.sleep(max(0.0, (eastern(due[0]["sold_at"]) - previous).total_seconds() / speed))
        MarketSnapshot.objects.bulk_create(_print(row, games[row["event_id"]], shift, zones) for row in due)
        done.value = int(done.value) + len(due)
        done.save(update_fields=["value"])
        stored += len(due)
        previous = eastern(due[-1]["sold_at"]) if due else previous
        if len(due) < len(batch):
            break
    return stored


def _print(row: dict[str, str], game: Game, shift: timedelta, zones: dict[str, str]) -> MarketSnapshot:
    at: datetime = eastern(row["sold_at"]) + shift
    return MarketSnapshot(
        time=at, game_id=game.pk, platform=PLATFORM, kind="print", section=row["section"],
        zone=zones.get(row["section"], row["zone"]), row=row["row"], quantity=int(row["quantity"] or 0) or None,
        price=amount(row["price_usd"]), price_basis=PriceBasis.LIST.value,
    )  # fmt: skip


def _batches(rows: list[dict[str, str]], size: int) -> Iterable[list[dict[str, str]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
