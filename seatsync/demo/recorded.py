"""Replaying recorded sales as a season of their own, through the simulator.

The games are as played. Each recorded buyer goes to the simulator in his turn; he takes one of our sellers' listings
where one suits him, and else his purchase is a stranger's, which comes back as a print of the market.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction

from intelligence.services.refresh import prices_refresh
from marketplaces.contracts import PriceBasis
from marketplaces.models import MarketSnapshot
from portfolios.models import Game, OwnerState, SeasonTicket, SeatGroup, Team
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.core.money import amount
from seatsync.core.series import ensure_partitions
from seatsync.core.venue_time import local
from seatsync.demo.facts import facts, season_starts, shift_fix, shift_stored, shift_wished
from seatsync.demo.pace import Pace
from seatsync.demo.paper import SimulatorDoor, event_id, events_load
from seatsync.demo.people import INVOICE, People
from seatsync.demo.record import Purchase, Record, RecordError, record_read

log = structlog.get_logger(__name__)

PLATFORM = "recorded"
SOURCE = "2025 sales recorded, replayed"
SHIFT_FACT = "recorded_shift_weeks"
# {"path", "sha256": where the record lies and which it is, "next": when its next purchase is due, and its pace};
# kept so that the replay goes on by itself.
REPLAY_FACT = "recorded_replay"
# The place in the record of the newest purchase that came back as a print or a sale.
PULLED_FACT = "recorded_pulled"
BATCH = 500
# The replay's seats lie elsewhere than the demo's, so that no seat of the ledger has two rows.
SECTION, ROW = "132", "12"
# How far from the wished shift another one may lie.
MOST_WEEKS_AWAY = 26
# Between the starts of two games at one venue: a day game and a night game (docs/adr/0015).
APART = timedelta(hours=5)


def recorded_load(data: Path, *, people: People, speed: float | None) -> int:
    """Load the recorded home games and, without a `speed`, replay those of their sales that are due.

    With a `speed` (recorded seconds per second) the running product replays them (seatsync.demo.tasks), as it does
    those that lie ahead of now when their time comes. Sales move by the same whole weeks as their games. Returns how
    many prints were new. Raises FileNotFoundError or ValueError for a record that cannot be replayed; nothing is
    loaded then.
    """
    record = recorded_check(data)
    weeks = shift_fix(SHIFT_FACT, _weeks(record))
    pace = Pace.start(speed, record.purchases[_pulled() + 1 :], at=now())
    with transaction.atomic():
        games = _games(record, weeks)
        _ticket(people, list(games.values()))
        _remember(record, record.purchases[0].sold_at + timedelta(weeks=weeks), pace)
    door = SimulatorDoor()
    try:
        events_load(door, list(games.values()))
        stored = _step(door, record, games, pace) if pace.speed is None else 0
    finally:
        door.close()
    _prices(game.pk for game in games.values())
    return stored


def recorded_go_on() -> int:
    """Replay what has become due since; returns how many prints were new. Nothing where no record was loaded."""
    fact = SystemFact.objects.filter(key=REPLAY_FACT).first()
    due = datetime.fromisoformat(fact.value["next"]) if fact and fact.value["next"] else None
    if fact is None or due is None or due > now() or not SimulatorDoor.running():
        # A second simulator in this process would write over the journal of the one that starts again.
        return 0
    try:
        record = recorded_check(Path(fact.value["path"]))
    except (OSError, ValueError) as error:
        log.warning("demo.replay_waits", reason=str(error))
        return 0
    door = SimulatorDoor()
    try:
        games = _games(record, _weeks(record))
        touched: set[uuid.UUID] = set()
        stored = _step(door, record, games, Pace.of(fact.value), touched)
    finally:
        door.close()
    _prices(touched)
    return stored


def recorded_check(data: Path) -> Record:
    """The record, read whole; raises FileNotFoundError or ValueError, in words, where it cannot be replayed here.

    Writes nothing. An installation replays one record: another file is refused.
    """
    record = record_read(data, home=facts().team)
    fact = SystemFact.objects.filter(key=REPLAY_FACT).first()
    if fact is not None and fact.value.get("sha256", record.sha256) != record.sha256:
        raise RecordError(
            f"{record.path} is another record than the one that is replayed here ({fact.value['path']}), or was "
            "changed since. Give that file again, or load this one into an installation of its own "
            "(SEATSYNC_STATE_DIR=another folder)."
        )
    _weeks(record)
    return record


def _weeks(record: Record) -> int:
    """The fixed shift, else the whole weeks nearest to the wished ones at which no two games overlap.

    Of two that are as near the later one is taken: more of its games lie ahead, and their seats can be offered.
    """
    stored = shift_stored(SHIFT_FACT)
    if stored is not None:
        return stored
    known = facts()
    played = sorted({bought.starts_at for bought in record.purchases})
    wished = shift_wished(played[len(played) // 2])
    taken = [
        *season_starts(),
        *Game.objects.filter(home_team__abbreviation=known.team, home_team__league__key=known.league["key"])
        .exclude(source=SOURCE)
        .values_list("starts_at", flat=True),
    ]
    for away in range(MOST_WEEKS_AWAY + 1):
        for weeks in (wished + away, wished - away):
            ours = [_shifted(start, weeks) for start in played]
            if all(abs(start - other) >= APART for start in ours for other in taken):
                return weeks
    raise RecordError(
        f"{record.path.name}: at no whole number of weeks within {MOST_WEEKS_AWAY} of now do its games keep clear of "
        f"the other home games of {known.team}. Load it into an installation without those."
    )


def _remember(record: Record, next_due: datetime | None, pace: Pace) -> None:
    value = {"path": str(record.path.resolve()), "sha256": record.sha256} | pace.as_json()
    value["next"] = next_due.isoformat() if next_due else ""
    SystemFact.objects.update_or_create(key=REPLAY_FACT, defaults={"value": value})


def _games(record: Record, weeks: int) -> dict[str, Game]:
    known = facts()
    home = Team.objects.select_related("venue", "league").get(league__key=known.league["key"], abbreviation=known.team)
    if home.venue is None:
        raise RecordError(f"{home} has no venue. Load the demo first.")
    first = {bought.event_id: bought for bought in reversed(record.purchases)}
    shifted = {key: _shifted(bought.starts_at, weeks) for key, bought in first.items()}
    year = min(shifted.values()).year
    games: dict[str, Game] = {}
    for key, bought in sorted(first.items(), key=lambda item: item[1].starts_at):
        opponent, _ = Team.objects.get_or_create(
            league=home.league, abbreviation=bought.away_team,
            defaults={"name": known.teams.get(bought.away_team, bought.away_team)},
        )  # fmt: skip
        games[key], _ = Game.objects.get_or_create(
            home_team=home, source=SOURCE, source_key=key,
            defaults={
                "opponent": opponent, "venue": home.venue, "starts_at": shifted[key],
                "game_date": local(shifted[key], known.zone.key).date(), "season_year": year, "shifted_weeks": weeks,
            },
        )  # fmt: skip
    return games


def _shifted(starts_at: datetime, weeks: int) -> datetime:
    """Moved on the venue's wall clock, so that weekday and local start stay over a change to or from summer time."""
    zone = facts().zone
    played = local(starts_at, zone.key).replace(tzinfo=None)
    return (played + timedelta(weeks=weeks)).replace(tzinfo=zone)


def _ticket(people: People, games: list[Game]) -> None:
    first = games[0]
    if SeasonTicket.objects.filter(user=people.holder, section=SECTION, row=ROW).exists():
        return
    season_ticket_create(
        actor=people.actor, user_id=people.holder.pk, team_id=first.home_team_id, season_year=first.season_year,
        section=SECTION, row=ROW, seat_from=1, seat_to=2, cost_basis=INVOICE / 10, order_reference="DEMO-2025-132-12",
        source=SOURCE,
    )  # fmt: skip


def _step(
    door: SimulatorDoor, record: Record, games: dict[str, Game], pace: Pace, touched: set[uuid.UUID] | None = None
) -> int:
    """Replay what is due by now and by the pace, and keep how far that came; returns how many prints were new.

    `touched` is told the games that got new prints.
    """
    shift, moment = timedelta(weeks=_weeks(record)), now()
    paced = pace.step(moment, live=moment - shift)
    due = [bought.sold_at <= paced.reached for bought in record.purchases].count(True)
    prints = _replay(door, record, due, games, shift)
    left = record.purchases[due:]
    next_due = left[0].sold_at + shift if left else None
    _remember(record, next_due, paced if next_due and next_due <= moment else Pace.live(moment - shift))
    if touched is not None:
        touched.update(prints)
    return len(prints)


def _replay(door: SimulatorDoor, record: Record, due: int, games: dict[str, Game], shift: timedelta) -> list[uuid.UUID]:
    """Send the first `due` purchases to the simulator, in recorded order, and take back what came of them.

    Returns the game of each print that was new. A replay that was cut off goes on where it ended: the simulator
    knows the last one that it was told, we the last one that we took back.
    """
    by_event = {event_id(game): game for game in games.values()}
    recorded_zones = [bought.zone for bought in record.purchases]
    stored = prints_pull(door, by_event, recorded_zones)
    first = max(int(door.read("prints", limit=0)["last"]), _pulled()) + 1
    sections = _sections_by_zone()
    for start in range(first, due, BATCH):
        batch = [(seq, record.purchases[seq]) for seq in range(start, min(start + BATCH, due))]
        door.control("prints", prints=[_as_wish(seq, bought, games, shift, sections) for seq, bought in batch])
        stored += prints_pull(door, by_event, recorded_zones)
    return stored


def _as_wish(
    seq: int, bought: Purchase, games: dict[str, Game], shift: timedelta, sections: dict[str, list[str]]
) -> dict[str, Any]:
    return {
        "seq": seq, "event_id": event_id(games[bought.event_id]), "section": bought.section,
        "sections": sections.get(bought.zone, []), "row": bought.row, "quantity": bought.quantity,
        "price": str(bought.price), "at": (bought.sold_at + shift).isoformat(),
    }  # fmt: skip


def _sections_by_zone() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    for section, zone in facts().sections.items():
        zones.setdefault(zone, []).append(section)
    return zones


def prints_pull(door: SimulatorDoor, games: dict[int, Game], zones: Sequence[str]) -> list[uuid.UUID]:
    """Store what recorded buyers bought of strangers since the last call; returns the game of each new print.

    `zones` are the purchases' own, by their place in the record. Rows and watermark are written together, and only
    where nobody else moved it, so that a call that was cut off, or that meets another, repeats nothing. What a
    recorded buyer took of our own sellers is their sale, and no print (I-17).
    """
    stored: list[uuid.UUID] = []
    SystemFact.objects.get_or_create(key=PULLED_FACT, defaults={"value": -1})
    while found := door.read("prints", after=(after := _pulled()), limit=BATCH)["prints"]:
        known = [item for item in found if item["event_id"] in games and not item["sale_id"]]
        prints = [_print(item, games[item["event_id"]], zones[item["id"]]) for item in known]
        ensure_partitions("market_snapshots", (row.time for row in prints))
        with transaction.atomic():
            if SystemFact.objects.filter(key=PULLED_FACT, value=after).update(value=found[-1]["id"]):
                MarketSnapshot.objects.bulk_create(prints)
                stored += [row.game_id for row in prints]
    return stored


def _pulled() -> int:
    fact = SystemFact.objects.filter(key=PULLED_FACT).first()
    return -1 if fact is None else int(fact.value)


def _print(item: dict[str, Any], game: Game, zone: str) -> MarketSnapshot:
    return MarketSnapshot(
        time=datetime.fromisoformat(item["at"]), game_id=game.pk, platform=PLATFORM, kind="print",
        section=item["section"], zone=zone, row=item["row"], quantity=item["quantity"] or None,
        price=amount(item["price"]), price_basis=PriceBasis.LIST.value,
    )  # fmt: skip


def _prices(game_ids: Iterable[uuid.UUID]) -> int:
    """Work out the prices of these games' free seats anew; returns how many were given one."""
    coming = SeatGroup.objects.filter(
        game_id__in=list(game_ids), game__starts_at__gt=now(), seats__state=OwnerState.AVAILABLE
    )
    return prices_refresh(coming.select_related("game").distinct())
