"""Recorded sales replayed through the simulator: in order, once, and buyers take our listings where these suit."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from listings.services.outbox import commands_drain
from listings.services.publish import listing_publish
from marketplaces.models import MarketSnapshot, Mode
from marketplaces.services import connect
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.server import RunningSimulator
from portfolios.models import Game, SeasonTicket, Seat
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.demo import recorded
from seatsync.demo.facts import shift_fix
from seatsync.demo.paper import SimulatorDoor, event_id
from seatsync.demo.people import People, people_load
from seatsync.demo.reference import reference_load

pytestmark = pytest.mark.django_db
FIELDS = (
    "league", "event_id", "home_team", "away_team", "venue", "event_dt", "sold_at", "zone", "section", "row",
    "quantity", "price_usd", "suspect",
)  # fmt: skip
GAMES = ("2025-06-13 22:10:00", "2025-06-20 22:10:00", "2025-06-27 22:10:00")


def sale(game: int, sold_at: str, *, section: str = "131", price: str = "60.00", **changes: str) -> dict[str, str]:
    row = dict.fromkeys(FIELDS, "") | {
        "league": "MLB", "event_id": f"game-{game}", "home_team": "SEA", "away_team": "CLE", "venue": "T-Mobile Park",
        "event_dt": GAMES[game], "sold_at": sold_at, "zone": "Lower Box", "section": section, "row": "10",
        "quantity": "2", "price_usd": price, "suspect": "0",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def people(settings: Any, tmp_path: Path) -> Iterator[People]:
    settings.STATE_DIR = tmp_path / "state"
    with time_machine.travel(datetime(2026, 7, 15, 17, tzinfo=UTC)):
        yield people_load(reference_load())


def record(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "sales_mlb_2025.csv"
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def prints() -> list[tuple[str, Decimal]]:
    rows = MarketSnapshot.objects.filter(platform="recorded", kind="print").order_by("time")
    return [(row.section, row.price) for row in rows]


def test_sales_come_back_as_prints_in_recorded_order_and_once(people: People, tmp_path: Path) -> None:
    path = record(
        tmp_path,
        [
            sale(0, "2025-06-02 10:00:00", price="62.00"),
            sale(0, "2025-06-01 10:00:00", price="61.00"),
            sale(1, "2025-06-03 10:00:00", price="63.00", suspect="1"),
            sale(1, "2025-06-04 10:00:00", price="64.00", section="132"),
            sale(2, "2025-06-05 10:00:00", price="65.00", quantity=""),
        ],
    )
    assert recorded.recorded_load(path, people=people, speed=None) == 4
    assert prints() == [
        ("131", Decimal("61.00")), ("131", Decimal("62.00")), ("132", Decimal("64.00")), ("131", Decimal("65.00")),
    ]  # fmt: skip
    assert recorded.recorded_load(path, people=people, speed=None) == 0
    assert len(prints()) == 4
    games = Game.objects.filter(source=recorded.SOURCE)
    assert games.count() == 3
    assert SeasonTicket.objects.filter(section=recorded.SECTION).count() == 1


def test_sales_move_with_their_games_by_the_same_whole_weeks(people: People, tmp_path: Path) -> None:
    recorded.recorded_load(
        record(tmp_path, [sale(i, f"2025-06-0{i + 1} 10:00:00") for i in range(3)]), people=people, speed=None
    )
    weeks = int(SystemFact.objects.get(key=recorded.SHIFT_FACT).value)
    first = MarketSnapshot.objects.filter(platform="recorded").order_by("time")[0]
    assert first.time == datetime.fromisoformat("2025-06-01T14:00:00+00:00") + timedelta(weeks=weeks)


def test_what_lies_ahead_waits_and_the_replay_goes_on_by_itself(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(tmp_path, [sale(0, "2025-06-01 10:00:00"), sale(2, "2025-06-26 10:00:00", price="70.00")])
    assert recorded.recorded_load(path, people=people, speed=None) == 1
    due = datetime.fromisoformat(SystemFact.objects.get(key=recorded.REPLAY_FACT).value["next"])
    monkeypatch.setattr(SimulatorDoor, "running", staticmethod(lambda: False))
    assert due > now()
    with time_machine.travel(due + timedelta(seconds=1)):
        assert recorded.recorded_go_on() == 0
        assert recorded.recorded_load(path, people=people, speed=None) == 1
    assert prints()[-1] == ("131", Decimal("70.00"))
    assert SystemFact.objects.get(key=recorded.REPLAY_FACT).value["next"] == ""


def test_a_recorded_buyer_takes_the_cheapest_listing_that_suits_him(people: People, tmp_path: Path) -> None:
    """Two of ours are on sale below what was paid: the first buyer takes one, the second finds nothing that suits."""
    early = [sale(0, "2025-06-01 10:00:00"), sale(2, "2025-06-01 11:00:00", price="30.00")]
    late = [
        sale(2, "2025-06-02 10:00:00", price="49.00", section="131"),
        sale(2, "2025-06-02 11:00:00", price="75.00", section="131"),
        sale(2, "2025-06-02 12:00:00", price="76.00", section="131"),
    ]
    path = record(tmp_path, early + late)
    shift_fix(recorded.SHIFT_FACT, 52)
    with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC)):
        recorded.recorded_load(path, people=people, speed=None)
        _sell_one(people)
        before = len(prints())
    with time_machine.travel(datetime(2026, 6, 2, tzinfo=UTC)):
        recorded.recorded_load(path, people=people, speed=None)
    assert prints()[before:] == [("131", Decimal("49.00")), ("131", Decimal("76.00"))]
    door = SimulatorDoor()
    (sold,) = door.read("state")["sales"]
    door.close()
    assert (sold["section"], sold["quantity"], sold["price_cents"]) == (recorded.SECTION, 2, 5000)


def _sell_one(people: People) -> None:
    door = SimulatorDoor()
    try:
        door.control("accounts", platform="seatgeek", token="t-1")
        account = connect.connect_token(actor=people.actor, platform="seatgeek", mode=Mode.PAPER, token="t-1")
        game = Game.objects.get(source=recorded.SOURCE, source_key="game-2")
        pair = Seat.objects.filter(game=game, section=recorded.SECTION)
        listing_publish(
            actor=people.actor, seat_ids=[seat.pk for seat in pair], account_ids=[account.pk], price=Decimal("50.00"),
            floor=Decimal("40.00"), ceiling=Decimal("90.00"),
        )  # fmt: skip
        commands_drain()
    finally:
        door.close()


def test_a_bad_record_is_refused_and_nothing_is_half_loaded(people: People, tmp_path: Path) -> None:
    del people
    for change, words in (
        ({"home_team": "XXX"}, "holds no sale"),
        ({"sold_at": "yesterday"}, "row 3.*yesterday"),
        ({"event_dt": "2025-06-31 10:00:00"}, "row 3.*day is out of range"),
        ({"price_usd": "much"}, "row 3.*price_usd"),
        ({"quantity": "two"}, "row 3.*two"),
    ):
        rows = [sale(0, "2025-06-01 10:00:00") | change if "home_team" in change else sale(0, "2025-06-01 10:00:00")]
        rows.append(sale(1, "2025-06-02 10:00:00") | change)
        with pytest.raises(CommandError, match=words):
            call_command("demo", data=record(tmp_path, rows), verbosity=0)
        assert not Game.objects.filter(source=recorded.SOURCE).exists()
    with pytest.raises(CommandError, match="does not exist"):
        call_command("demo", data=tmp_path / "nowhere", verbosity=0)
    (tmp_path / "sales_mlb_2025.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CommandError, match="lacks the column"):
        call_command("demo", data=tmp_path / "sales_mlb_2025.csv", verbosity=0)


@pytest.mark.parametrize("speed", ["0", "-1", "fast"])
def test_a_bad_speed_is_refused(people: People, tmp_path: Path, speed: str) -> None:
    with pytest.raises(CommandError, match="is not a speed"):
        call_command("demo", data=tmp_path, speed=speed, verbosity=0)


def test_a_simulator_of_another_installation_is_left_alone(
    people: People, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIMULATOR_URL", raising=False)
    for folder, ours in (("strange", False), ("state", True)):
        running = RunningSimulator(Simulator(state_path=tmp_path / folder / "simulator.json"), port=0)
        running.start()
        try:
            settings.SIMULATOR_URL = running.url
            assert SimulatorDoor.running() is ours
            monkeypatch.setenv("SIMULATOR_URL", running.url)
            assert SimulatorDoor.running() is True
            monkeypatch.delenv("SIMULATOR_URL")
        finally:
            running.stop()


def test_every_game_has_an_event_of_its_own_at_the_simulator(people: People) -> None:
    ids = [event_id(game) for game in Game.objects.all()]
    assert len(ids) == len(set(ids)) == 81
