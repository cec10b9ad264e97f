"""What a replayed game's suggestion may know, and what is kept with it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from intelligence.models import AiPrediction
from intelligence.services.suggest import price_suggest
from marketplaces.models import MarketSnapshot
from portfolios.models import SeatGroup
from portfolios.services.groups import seat_group_for
from seatsync.core.clock import now
from tests.builders import Holding, build_holding

pytestmark = pytest.mark.django_db
BEFORE_THE_RECORDS = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def holding() -> Holding:
    return build_holding()


def group_of(holding: Holding, *, since: datetime | None = None) -> SeatGroup:
    """The coming game's seats at the venue of the records; `since`: replayed from that time."""
    game = holding.game
    game.shifted_weeks = (now() - since) // timedelta(weeks=1) if since else 0
    game.save()
    game.venue.name = "T-Mobile Park"
    game.venue.save()
    return SeatGroup.objects.select_related("game__venue").get(pk=seat_group_for(seats=holding.seats[:2]).pk)


def print_of(group: SeatGroup, platform: str) -> None:
    MarketSnapshot.objects.create(
        time=now() - timedelta(hours=1), game_id=group.game_id, platform=platform, kind="print", section="131",
        zone="Lower Box", row="20", quantity=2, price=Decimal(60), price_basis="list",
    )  # fmt: skip


def suggested(holding: Holding, group: SeatGroup) -> AiPrediction | None:
    return price_suggest(actor=holding.actor, seat_group=group)


def test_i34_history_that_was_not_known_then_is_not_spoken_of(holding: Holding) -> None:
    assert suggested(holding, group_of(holding, since=BEFORE_THE_RECORDS)) is None
    today = suggested(holding, group_of(holding))
    assert today is not None
    assert today.level == "history"


def test_i34_a_replayed_record_has_the_interval_known_then(holding: Holding) -> None:
    group = group_of(holding, since=BEFORE_THE_RECORDS)
    print_of(group, "recorded")
    kept = suggested(holding, group)
    assert kept is not None
    assert "stated, not learned" in kept.reasons[-1]
    assert kept.confidence_score is None
    assert datetime.fromisoformat(kept.features["known_by"]) < datetime(2024, 6, 9, tzinfo=UTC)


def test_a_drawn_market_is_drawn_today_from_all_records(holding: Holding) -> None:
    group = group_of(holding, since=BEFORE_THE_RECORDS)
    print_of(group, "paper")
    kept = suggested(holding, group)
    assert kept is not None
    assert kept.reasons == ["the one sale of this section"]


def test_the_row_carries_the_stated_and_the_measured_coverage(holding: Holding) -> None:
    group = group_of(holding)
    print_of(group, "alpha")
    kept = suggested(holding, group)
    assert kept is not None
    assert kept.coverage == Decimal("0.800")
    assert kept.confidence_score is not None
    assert Decimal("0.65") < kept.confidence_score < Decimal("0.95")
