"""What a marketplace is told of a listing's game."""

from datetime import UTC, date, datetime

import pytest

from listings.models import Listing
from listings.services.events import event_query
from listings.services.execute import draft_unmapped, in_hand_at
from portfolios.models import Game, Venue
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_i33_a_game_is_named_by_its_date_and_time_at_the_venue(market: Market) -> None:
    alpha, _ = market.published()
    starts = datetime(2026, 7, 2, 2, 10, tzinfo=UTC)
    Venue.objects.update(timezone="America/Los_Angeles")
    Game.objects.filter(pk=alpha.game_id).update(starts_at=starts)
    alpha.game.refresh_from_db()
    draft = draft_unmapped(alpha, "E-1")
    assert (draft.starts_at, draft.local_date, draft.local_time) == (starts, "2026-07-01", "19:10:00")
    asked = event_query(alpha.game)
    assert (asked.starts_at, asked.local_date) == (starts, "2026-07-01")


@pytest.mark.parametrize(
    ("starts", "day", "at"),
    [
        # A game of a morning, and one of just after midnight: the tickets are there when it starts.
        ("2026-04-20T14:05", "2026-04-20", "2026-04-20T14:05"),
        ("2026-04-20T04:05", "2026-04-20", "2026-04-20T04:05"),
        ("2026-04-20T23:10", "2026-04-20", "2026-04-20T16:00"),
        # The clocks change on the day, and between the day and the game.
        ("2026-03-08T23:10", "2026-03-08", "2026-03-08T16:00"),
        ("2026-03-08T23:10", "2026-03-07", "2026-03-07T17:00"),
        ("2026-11-01T23:10", "2026-11-01", "2026-11-01T17:00"),
    ],
)
def test_i07_tickets_are_in_hand_at_noon_there_and_never_after_the_start(starts: str, day: str, at: str) -> None:
    game = Game(
        starts_at=datetime.fromisoformat(starts).replace(tzinfo=UTC), game_date=date(2026, int(starts[5:7]),
        int(starts[8:10])), venue=Venue(timezone="America/New_York"),
    )  # fmt: skip
    found = in_hand_at(Listing(game=game, in_hand_on=date.fromisoformat(day)))
    assert found == datetime.fromisoformat(at).replace(tzinfo=UTC)
