"""Replaying recorded sales as a season of their own, through the simulator.

The games are as played. Each recorded buyer goes to the simulator in his turn; he takes one of our sellers' listings
where one suits him, and else his purchase is a stranger's, which comes back as a print of the market.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import transaction

from intelligence.training_data import eastern, sales_path, sales_read
from marketplaces.contracts import PriceBasis
from marketplaces.models import MarketSnapshot
from portfolios.models import Game, SeasonTicket, Team, VenueSection
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.core.money import amount
from seatsync.core.series import ensure_partitions
from seatsync.core.venue_time import local
from seatsync.demo.facts import facts, shift_weeks
from seatsync.demo.paper import SimulatorDoor, event_id, events_load
from seatsync.demo.people import INVOICE, People

PLATFORM = "recorded"
SOURCE = "2025 sales recorded, replayed"
SHIFT_FACT = "recorded_shift_weeks"
# {"path": where the record lies, "next": when its next purchase is due}; kept so that the replay goes on by itself.
REPLAY_FACT = "recorded_replay"
# The place in the record of the newest purchase that came back as a print or a sale.
PULLED_FACT = "recorded_pulled"
BATCH = 500
# The replay's seats lie elsewhere than the demo's, so that no seat of the ledger has two rows.
SECTION, ROW = "132", "12"


def recorded_load(data: Path, *, people: People, speed: float | None) -> int:
    """Load the recorded home games, and replay those of their sales that are due; returns how many prints were new.

    `speed` recorded seconds per second between sales; None: at once. Sales move by the same whole weeks as their
    games; those that lie ahead of now are replayed when their time comes (seatsync.demo.tasks). Raises
    FileNotFoundError or ValueError for a record that cannot be read; nothing is loaded then.
    """
    rows = _rows(data)
    weeks = _weeks(rows)
    with transaction.atomic():
        games = _games(rows, weeks)
        _ticket(people, list(games.values()))
    door = SimulatorDoor()
    try:
        events_load(door, list(games.values()))
        stored, next_due = _replay(door, rows, games, timedelta(weeks=weeks), speed)
    finally:
        door.close()
    _remember(data, next_due)
    return stored


def recorded_go_on() -> int:
    """Replay what has become due since; returns how many prints were new. Nothing where no record was loaded."""
    fact = SystemFact.objects.filter(key=REPLAY_FACT).first()
    due = datetime.fromisoformat(fact.value["next"]) if fact and fact.value["next"] else None
    if fact is None or due is None or due > now() or not Path(fact.value["path"]).exists():
        return 0
    if not SimulatorDoor.running():
        # A second simulator in this process would write over the journal of the one that starts again.
        return 0
    rows = _rows(Path(fact.value["path"]))
    weeks = _weeks(rows)
    door = SimulatorDoor()
    try:
        stored, next_due = _replay(door, rows, _games(rows, weeks), timedelta(weeks=weeks), None)
    finally:
        door.close()
    _remember(Path(fact.value["path"]), next_due)
    return stored


def recorded_check(data: Path) -> None:
    """Raises FileNotFoundError or ValueError, in words, for a record that cannot be replayed whole."""
    _rows(data)


def _rows(data: Path) -> list[dict[str, str]]:
    """The home team's sales in the order in which they were made, without those marked suspect."""
    path = sales_path(data)
    try:
        rows = sales_read(path, home=facts().team)
    except KeyError as error:
        raise ValueError(f"{path.name} lacks the column {error}.") from error
    if not rows:
        raise ValueError(f"{path.name} holds no sale of {facts().team}'s home games.")
    # Row 1 is the head; counted among the home team's rows.
    for number, row in enumerate(rows, start=2):
        try:
            eastern(row["event_dt"]), eastern(row["sold_at"]), int(row["quantity"] or 0), Decimal(row["price_usd"])
        except KeyError as error:
            raise ValueError(f"{path.name} lacks the column {error}.") from error
        except InvalidOperation as error:
            raise ValueError(f"{path.name}, row {number}: price_usd {row['price_usd']!r} is no amount.") from error
        except ValueError as error:
            raise ValueError(f"{path.name}, row {number}: {error}.") from error
    return sorted((row for row in rows if row["suspect"] != "1"), key=lambda row: row["sold_at"])


def _weeks(rows: list[dict[str, str]]) -> int:
    starts = sorted({row["event_dt"] for row in rows})
    return shift_weeks(SHIFT_FACT, eastern(starts[len(starts) // 2]))


def _remember(data: Path, next_due: datetime | None) -> None:
    value = {"path": str(data.resolve()), "next": next_due.isoformat() if next_due else ""}
    SystemFact.objects.update_or_create(key=REPLAY_FACT, defaults={"value": value})


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


def _replay(
    door: SimulatorDoor, rows: list[dict[str, str]], games: dict[str, Game], shift: timedelta, speed: float | None
) -> tuple[int, datetime | None]:
    """Send due purchases to the simulator, in recorded order, and take back what came of them.

    Returns how many prints were new, and when the next purchase is due. A replay that was cut off goes on where it
    ended: the simulator knows the last one that it was told, we the last one that we took back.
    """
    _partitions(rows, shift)
    by_event = {event_id(game): game for game in games.values()}
    stored, previous = prints_pull(door, by_event), None
    first = max(int(door.read("prints", limit=0)["last"]), _pulled()) + 1
    zones = _zones()
    for batch in _batches(list(enumerate(rows))[first:], 1 if speed else BATCH):
        due = [(seq, row) for seq, row in batch if eastern(row["sold_at"]) + shift <= now()]
        if speed and due and previous is not None:
            time.sleep(max(0.0, (eastern(due[0][1]["sold_at"]) - previous).total_seconds() / speed))
        door.control("prints", prints=[_purchase(seq, row, games, shift, zones) for seq, row in due])
        stored += prints_pull(door, by_event)
        previous = eastern(due[-1][1]["sold_at"]) if due else previous
        if len(due) < len(batch):
            return stored, eastern(batch[len(due)][1]["sold_at"]) + shift
    return stored, None


def _purchase(
    seq: int, row: dict[str, str], games: dict[str, Game], shift: timedelta, zones: dict[str, list[str]]
) -> dict[str, Any]:
    return {
        "seq": seq, "event_id": event_id(games[row["event_id"]]), "section": row["section"],
        "sections": zones.get(row["zone"], []), "row": row["row"], "quantity": int(row["quantity"] or 0),
        "price": row["price_usd"], "at": (eastern(row["sold_at"]) + shift).isoformat(),
    }  # fmt: skip


def _zones() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    for section, zone in facts().sections.items():
        zones.setdefault(zone, []).append(section)
    return zones


def prints_pull(door: SimulatorDoor, games: dict[int, Game]) -> int:
    """Store what recorded buyers bought of strangers since the last call; returns how many prints were new.

    Rows and watermark are written together, so that a call that was cut off repeats nothing. What a recorded buyer
    took of our own sellers is their sale, and no print (I-17).
    """
    zones = dict(VenueSection.objects.values_list("name", "zone"))
    stored = 0
    while found := door.read("prints", after=_pulled(), limit=BATCH)["prints"]:
        known = [item for item in found if item["event_id"] in games and not item["sale_id"]]
        with transaction.atomic():
            MarketSnapshot.objects.bulk_create(_print(item, games[item["event_id"]], zones) for item in known)
            SystemFact.objects.update_or_create(key=PULLED_FACT, defaults={"value": found[-1]["id"]})
        stored += len(known)
    return stored


def _pulled() -> int:
    fact = SystemFact.objects.filter(key=PULLED_FACT).first()
    return -1 if fact is None else int(fact.value)


def _print(item: dict[str, Any], game: Game, zones: dict[str, str]) -> MarketSnapshot:
    return MarketSnapshot(
        time=datetime.fromisoformat(item["at"]), game_id=game.pk, platform=PLATFORM, kind="print",
        section=item["section"], zone=zones.get(item["section"], ""), row=item["row"],
        quantity=item["quantity"] or None, price=amount(item["price"]), price_basis=PriceBasis.LIST.value,
    )  # fmt: skip


def _partitions(rows: list[dict[str, str]], shift: timedelta) -> None:
    """A month of the series for every month of the record."""
    first, last = eastern(rows[0]["sold_at"]) + shift, max(eastern(rows[-1]["sold_at"]) + shift, now())
    months = [first + timedelta(days=28 * step) for step in range((last - first).days // 28 + 2)]
    ensure_partitions("market_snapshots", months)


def _batches(rows: list[tuple[int, dict[str, str]]], size: int) -> Iterable[list[tuple[int, dict[str, str]]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
