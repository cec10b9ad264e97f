"""What a marketplace is told of a listing's game."""

from datetime import UTC, datetime

import pytest

from listings.services.events import event_query
from listings.services.execute import draft_unmapped
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
