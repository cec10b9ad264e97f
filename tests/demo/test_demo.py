"""The demo loads again on any later day, without the product having run in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from listings.models import FoundListing, FoundState, Listing
from listings.services.found import found_adopt, found_not_ours, found_take_down
from listings.services.outbox import commands_drain
from listings.states import OPEN
from portfolios.models import Game, GameStatus, OwnerState, SeasonTicket, Seat
from seatsync.accounts.selectors import actor_for
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.demo.hand_made import HELD, NAMED, NEXT, hand_made
from seatsync.demo.paper import SimulatorDoor, event_id
from seatsync.management.commands import demo as command
from tests.standing import standing

pytestmark = pytest.mark.django_db
# A Wednesday in the middle of the demo's season.
FIRST = datetime(2026, 7, 15, 17, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def _loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The demo as loaded on the first day, and the folder of its simulator."""
    folder = tmp_path_factory.mktemp("first")
    with standing(django_db_blocker):
        with override_settings(STATE_DIR=folder), time_machine.travel(FIRST, tick=False):
            call_command("demo", verbosity=0)
        yield folder


@pytest.fixture
def clock(_loaded: Path, db: None, settings: Any, tmp_path: Path) -> Iterator[Any]:
    """The hour of the first load; the simulator's state is the test's own, as the rows are."""
    settings.STATE_DIR = copytree(_loaded, tmp_path / "state")
    with time_machine.travel(FIRST, tick=False) as traveller:
        yield traveller


def rows() -> dict[str, int]:
    """How many rows each table of the product has."""
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.managed and model._meta.db_table in connection.introspection.table_names()
    }


def in_no_partition() -> int:
    """Rows of the series that no month's partition holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT tableoid FROM market_snapshots UNION ALL SELECT tableoid FROM price_history)"
            " AS t WHERE tableoid::regclass::text LIKE '%_default'"
        )
        return int(cursor.fetchone()[0])


def attended() -> set[Any]:
    return set(Seat.objects.filter(state=OwnerState.ATTENDING).values_list("game__source_key", flat=True))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=3), timedelta(weeks=6), timedelta(weeks=30)], ids=str)
def test_it_loads_again_on_a_later_day_and_a_second_load_there_adds_nothing(clock: Any, later: timedelta) -> None:
    listed = set(Listing.objects.values_list("game_id", flat=True))
    went = attended()
    assert len(listed) == 3
    assert in_no_partition() == 0
    clock.move_to(FIRST + later)
    call_command("demo", verbosity=0)
    over = Listing.objects.filter(game__starts_at__lt=now())
    assert not over.filter(status__in=OPEN).exists()
    assert went <= attended()
    assert in_no_partition() == 0
    assert not Seat.objects.filter(game_id__in=listed, state=OwnerState.ATTENDING).exists()
    assert not Game.objects.filter(status=GameStatus.SCHEDULED, starts_at__lt=now() - timedelta(hours=6)).exists()
    before = rows()
    call_command("demo", verbosity=0)
    assert rows() == before


def test_the_games_that_were_attended_do_not_depend_on_the_day_of_loading(clock: Any) -> None:
    """Loaded day by day or at once: the same games, but those that had offers."""
    clock.move_to(FIRST + timedelta(weeks=6))
    call_command("demo", verbosity=0)
    offered = set(Listing.objects.values_list("game__source_key", flat=True))
    ordered = list(Game.objects.order_by("starts_at").values_list("source_key", "starts_at"))
    due = {key for place, (key, starts) in enumerate(ordered) if place % 4 == 0 and starts < now()}
    assert attended() == due - offered


def test_its_account_finds_what_hands_listed_and_the_holder_says_what_becomes_of_each(clock: Any) -> None:
    """Two pairs that may be his and one that is not; none of them is a listing of his before he has said so."""
    found = list(FoundListing.objects.select_related("account", "game").order_by("remote_key"))
    assert [(one.account.platform, one.state) for one in found] == [("seatgeek", FoundState.WAITING)] * len(HELD)
    chosen, strange, unwanted = found
    assert [one.remote_key for one in found] == [f"{NAMED}1-{fate}" for fate in ("chosen", "strange", "unwanted")]
    assert "Box 7" in strange.why
    assert "Upper 131 there may be your 131" in unwanted.why
    listed = set(Listing.objects.values_list("game_id", flat=True))
    assert not listed & {one.game_id for one in found}
    ticket = SeasonTicket.objects.get(section="131")
    actor = actor_for(ticket.user, ticket.tenant_id)
    door = SimulatorDoor()
    try:
        found_adopt(actor=actor, found_id=chosen.pk, seat_ids=[seat.pk for seat in seats_of(chosen)[:2]])
        found_not_ours(actor=actor, found_ids=[strange.pk])
        found_take_down(actor=actor, found_id=unwanted.pk)
        commands_drain()
        shown = {row["external_id"]: row["shown"] for row in door.read("state")["listings"]}
    finally:
        door.close()
    assert Listing.objects.get(game=chosen.game).made_there
    assert {key: up for key, up in shown.items() if key.startswith(NAMED)} == {
        f"{NAMED}1-chosen": True, f"{NAMED}1-strange": True, f"{NAMED}1-unwanted": False,
    }  # fmt: skip
    clock.shift(timedelta(days=1))
    call_command("demo", verbosity=0)
    assert FoundListing.objects.count() == len(HELD)


def seats_of(found: FoundListing) -> list[Seat]:
    return list(Seat.objects.filter(game=found.game).order_by("seat_number"))


def test_what_hands_listed_follows_from_the_seed_alone(clock: Any) -> None:
    ticket, games = SeasonTicket.objects.get(section="131"), list(Game.objects.order_by("starts_at"))
    assert hand_made("seatgeek", ticket, games, 1) == hand_made("seatgeek", ticket, games, 1)
    first, other = ([{**row, "external_id": ""} for row in hand_made("seatgeek", ticket, games, n)] for n in (1, 2))
    assert first != other
    coming = [str(event_id(game)) for game in games if game.starts_at > now()]
    # The next games are free to be offered: of one that is not decided nothing else goes up there.
    assert not {str(row["event_id"]) for row in first} & set(coming[:NEXT])
    assert len({row["event_id"] for row in first}) == len(HELD)


def test_the_products_own_errors_are_one_sentence(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **wish: Any) -> None:
        raise Conflict("Seat 131/27/2 is listed.", remedy="Take its listings down first.")

    monkeypatch.setattr(command, "demo_load", refuse)
    with pytest.raises(CommandError, match=r"Seat 131/27/2 is listed. Take its listings down first."):
        call_command("demo", verbosity=0)
