"""The replay at a pace, cut off and gone on with; one record an installation; dates of its own."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from intelligence.models import AiPrediction
from marketplaces.models import MarketSnapshot
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.server import RunningSimulator
from portfolios.models import Game, SeatGroup, Team
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.demo import recorded
from seatsync.demo.facts import facts, season_starts, shift_fix
from seatsync.demo.pace import LONGEST_STEP, Pace
from seatsync.demo.paper import SimulatorDoor
from seatsync.demo.people import HOLDER_EMAIL, People, people_load
from seatsync.demo.reference import reference_load
from tests.demo.test_record import GOOD, text, write

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 6, 2, 17, tzinfo=UTC)
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Row = dict[str, str]


def sales(count: int) -> list[Row]:
    """One an hour, each at a price of its own, of a game four weeks later."""
    first = datetime.fromisoformat("2025-06-01T10:00")
    return [
        GOOD
        | {
            "event_dt": "2025-06-27 22:10:00",
            "sold_at": str(first + timedelta(hours=place)),
            "price_usd": f"{60 + place}.00",
        }
        for place in range(count)
    ]


def prints() -> list[int]:
    """The prices of the prints in the order of their sale."""
    rows = MarketSnapshot.objects.filter(platform="recorded", kind="print").order_by("time", "id")
    return [int(row.price) for row in rows]


@pytest.fixture
def clock(settings: Any, tmp_path: Path) -> Iterator[Any]:
    settings.STATE_DIR = tmp_path / "state"
    with time_machine.travel(FIRST, tick=False) as traveller:
        yield traveller


@pytest.fixture
def people(clock: Any) -> People:
    # A year: the sales of 1 June lie a day behind, their game lies ahead.
    shift_fix(recorded.SHIFT_FACT, 52)
    return people_load(reference_load())


@pytest.fixture
def simulator(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that runs, as it does beside the worker."""
    settings.STATE_DIR.mkdir()
    running = RunningSimulator(Simulator(state_path=settings.STATE_DIR / "simulator.json"), port=0)
    running.start()
    settings.SIMULATOR_URL = running.url
    monkeypatch.setenv("SIMULATOR_URL", running.url)
    yield
    running.stop()


def test_a_paced_backlog_is_left_to_the_product_and_goes_on_in_order(
    people: People, simulator: None, clock: Any, tmp_path: Path
) -> None:
    """An hour a second: the first sale at once, then one a second; ten seconds later eleven are there."""
    path = write(tmp_path, text(*sales(20)))
    assert recorded.recorded_load(path, people=people, speed=3600.0) == 0
    assert prints() == []
    seen = []
    for seconds in (0, 1, 1, 3, 5):
        clock.shift(timedelta(seconds=seconds))
        seen.append(recorded.recorded_go_on())
    assert seen == [1, 1, 1, 3, 5]
    assert prints() == list(range(60, 71))
    clock.shift(timedelta(minutes=5))
    assert recorded.recorded_go_on() == 9
    assert prints() == list(range(60, 80))
    assert SystemFact.objects.get(key=recorded.REPLAY_FACT).value["next"] == ""


def test_while_the_product_is_off_the_pace_stands_still() -> None:
    pace = Pace(10.0, FIRST - timedelta(days=400), FIRST)
    later = pace.step(FIRST + timedelta(days=3), live=FIRST - timedelta(weeks=52))
    assert later.reached == pace.reached + LONGEST_STEP * 10
    assert later.step(later.on - timedelta(hours=1), live=FIRST).reached == later.reached


def _killed_before_the_simulator(patch: pytest.MonkeyPatch, die: Callable[..., Any]) -> None:
    patch.setattr(recorded, "_as_wish", die)


def _killed_after_the_simulator(patch: pytest.MonkeyPatch, die: Callable[..., Any]) -> None:
    patch.setattr(recorded, "_print", die)


def _killed_before_it_is_remembered(patch: pytest.MonkeyPatch, die: Callable[..., Any]) -> None:
    patch.setattr(recorded, "_remember", die)


@pytest.mark.parametrize(
    "kill", [_killed_before_the_simulator, _killed_after_the_simulator, _killed_before_it_is_remembered]
)
def test_a_replay_that_is_killed_goes_on_with_nothing_twice(
    people: People, simulator: None, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Any
) -> None:
    recorded.recorded_load(write(tmp_path, text(*sales(12))), people=people, speed=3600.0)
    clock.shift(timedelta(seconds=4))
    recorded.recorded_go_on()
    assert prints() == list(range(60, 65))

    def die(*args: Any) -> None:
        raise SystemExit(137)

    clock.shift(timedelta(seconds=3))
    with monkeypatch.context() as patch:
        kill(patch, die)
        with pytest.raises(SystemExit):
            recorded.recorded_go_on()
    clock.shift(timedelta(seconds=60))
    recorded.recorded_go_on()
    assert prints() == list(range(60, 72))
    assert recorded.recorded_go_on() == 0


def test_a_first_load_that_is_killed_goes_on(
    people: People, simulator: None, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "BATCH", 4)
    pull, calls = recorded.prints_pull, []

    def die_at_the_third(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit(137)
        return pull(*args)

    with monkeypatch.context() as patch:
        patch.setattr(recorded, "prints_pull", die_at_the_third)
        with pytest.raises(SystemExit):
            recorded.recorded_load(write(tmp_path, text(*sales(12))), people=people, speed=None)
    assert 0 < len(prints()) < 12
    recorded.recorded_go_on()
    assert prints() == list(range(60, 72))


def test_another_record_is_refused_and_the_first_goes_on(
    people: People, simulator: None, clock: Any, tmp_path: Path
) -> None:
    first = write(tmp_path, text(*sales(3)), "first.csv")
    other = write(tmp_path, text(*sales(4)), "other.csv")
    assert recorded.recorded_load(first, people=people, speed=None) == 3
    before = MarketSnapshot.objects.count()
    with pytest.raises(CommandError, match=r"other.csv is another record than .*first.csv.*SEATSYNC_STATE_DIR"):
        call_command("demo", data=other, verbosity=0)
    assert MarketSnapshot.objects.count() == before
    assert recorded.recorded_load(first, people=people, speed=None) == 0
    same = write(tmp_path, first.read_bytes(), "moved.csv")
    assert recorded.recorded_load(same, people=people, speed=None) == 0
    assert SystemFact.objects.get(key=recorded.REPLAY_FACT).value["path"] == str(same)


def test_a_record_that_was_changed_or_is_gone_stops_the_replay_and_nothing_else(
    people: People, simulator: None, clock: Any, tmp_path: Path
) -> None:
    path = write(tmp_path, text(*sales(3)))
    recorded.recorded_load(path, people=people, speed=3600.0)
    write(tmp_path, text(*sales(9)))
    assert recorded.recorded_go_on() == 0
    path.unlink()
    assert recorded.recorded_go_on() == 0
    assert prints() == []


def test_prints_keep_the_records_own_zone_and_prices_are_worked_out_at_once(
    people: People, simulator: None, clock: Any, tmp_path: Path
) -> None:
    rows = [*sales(8), GOOD | {"event_dt": "2025-06-27 22:10:00", "section": "STE49", "zone": "Suite"}]
    recorded.recorded_load(write(tmp_path, text(*rows)), people=people, speed=None)
    assert MarketSnapshot.objects.get(section="STE49").zone == "Suite"
    group = SeatGroup.objects.get(game__source=recorded.SOURCE)
    assert AiPrediction.objects.filter(seat_group=group).exists()


def test_prices_follow_what_the_replay_brings(people: People, simulator: None, clock: Any, tmp_path: Path) -> None:
    recorded.recorded_load(write(tmp_path, text(*sales(8))), people=people, speed=3600.0)
    clock.shift(timedelta(seconds=7))
    recorded.recorded_go_on()
    newest = AiPrediction.objects.filter(seat_group__game__source=recorded.SOURCE).order_by("created_at").last()
    assert newest is not None
    assert newest.data_as_of == MarketSnapshot.objects.filter(platform="recorded").latest("time").time


def clear_of_the_demo(games: Iterable[Game]) -> bool:
    return all(abs(game.starts_at - start) >= timedelta(hours=5) for game in games for start in season_starts())


def test_no_recorded_game_overlaps_one_of_the_demos(clock: Any, tmp_path: Path) -> None:
    """Eleven home games of one past season beside the demo's 81: weekday and local start stay."""
    days = [date(2025, 6, 13) + timedelta(days=day) for day in (0, 17, 18, 19, 20, 21, 22, 23, 39, 40, 48)]
    rows = [GOOD | {"event_id": f"g{day:%m%d}", "event_dt": f"{day:%Y-%m-%d} 22:10:00"} for day in days]
    path = write(tmp_path, text(*rows))
    people = people_load(reference_load())
    recorded.recorded_load(path, people=people, speed=None)
    zone = ZoneInfo("America/Los_Angeles")
    games = Game.objects.filter(source=recorded.SOURCE)
    assert games.count() == len(days)
    assert clear_of_the_demo(games)
    for game in games:
        start = game.starts_at.astimezone(zone)
        assert (start.hour, start.minute, start.date()) == (19, 10, game.game_date)
        assert game.game_date.weekday() == date.fromisoformat(f"2025{game.source_key[1:]}").weekday()
    weeks = int(SystemFact.objects.get(key=recorded.SHIFT_FACT).value)
    clock.shift(timedelta(weeks=9))
    recorded.recorded_load(path, people=people, speed=None)
    assert SystemFact.objects.get(key=recorded.SHIFT_FACT).value == weeks


def test_where_every_week_collides_nothing_is_loaded(
    clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = [FIRST + timedelta(hours=hour) for hour in range(-7_200, 7_200, 6)]
    monkeypatch.setattr(recorded, "season_starts", lambda: always)
    with pytest.raises(CommandError, match=r"at no whole number of weeks within 26 of now.*Load it into"):
        call_command("demo", data=write(tmp_path, text(GOOD)), verbosity=0)
    assert not Game.objects.exists()
    assert not SystemFact.objects.filter(key__in=[recorded.SHIFT_FACT, recorded.REPLAY_FACT]).exists()


def test_the_facts_name_every_club_of_the_league(people: People) -> None:
    assert len(facts().teams) == 30
    assert Team.objects.get(abbreviation="PIT").name == "Pittsburgh Pirates"


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded sales are not here (../shared/data)")
def test_the_real_record_lies_beside_the_demo_with_a_market_and_prices(clock: Any) -> None:
    call_command("demo", data=DATA, verbosity=0)
    games = Game.objects.filter(source=recorded.SOURCE)
    rows = MarketSnapshot.objects.filter(platform="recorded")
    assert clear_of_the_demo(games)
    # Under way: most of it is over and replayed, and there are seats left to offer.
    assert rows.count() > 3_000
    assert games.filter(starts_at__gt=now()).exists()
    assert not rows.filter(zone="").exists()
    assert not Team.objects.filter(name__regex=r"^[A-Z]{2,3}$").exists()
    assert AiPrediction.objects.filter(
        seat_group__game__in=games.filter(starts_at__gt=now()), seat_group__season_ticket__user__email=HOLDER_EMAIL
    ).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM market_snapshots WHERE tableoid::regclass::text LIKE '%_default'")
        assert cursor.fetchone() == (0,)


def test_it_waits_for_a_simulator(people: People, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatorDoor, "running", staticmethod(lambda: False))
    recorded.recorded_load(write(tmp_path, text(*sales(3))), people=people, speed=3600.0)
    assert recorded.recorded_go_on() == 0
