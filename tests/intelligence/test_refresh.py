"""Prices that nobody has to wait for: new seats are priced at once, and who watches them is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from intelligence.models import AiPrediction
from portfolios.models import Game, SeasonTicket, Seat, SeatGroup
from portfolios.services.groups import seat_group_for
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.clock import now
from seatsync.live.models import LiveEvent
from tests.builders import Holding, build_holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def holding() -> Holding:
    made = build_holding()
    made.game.venue.name = "T-Mobile Park"
    made.game.venue.save()
    return made


def priced() -> set[tuple[int, int]]:
    """The seats that have a price."""
    return set(
        SeatGroup.objects.filter(pk__in=AiPrediction.objects.values("seat_group_id")).values_list(
            "seat_from", "seat_to"
        )
    )


def told(ticket: SeasonTicket) -> set[str]:
    events = LiveEvent.objects.filter(type="season.changed", object_id=str(ticket.pk))
    return {str(user_id) for user_id in events.values_list("user_id", flat=True)}


def test_a_new_season_tickets_coming_games_have_a_price_at_once(
    holding: Holding, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    coming = Game.objects.filter(home_team=holding.ticket.team, starts_at__gt=now()).count()
    with django_capture_on_commit_callbacks(execute=True):
        ticket = season_ticket_create(
            actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id, season_year=2026,
            section="131", row="9", seat_from=1, seat_to=2, cost_basis=Decimal("100.00"), order_reference="X-1",
        )  # fmt: skip
    prices = AiPrediction.objects.filter(seat_group__season_ticket=ticket)
    assert coming
    assert prices.count() == coming
    assert told(ticket) == {str(holding.user.pk)}


def test_seats_that_are_offered_as_a_new_group_have_a_price_at_once(
    holding: Holding, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            seat_group_for(seats=holding.seats[:2])
    assert priced() == {(1, 2)}
    assert AiPrediction.objects.count() == 1
    assert str(holding.user.pk) in told(holding.ticket)


def test_seats_that_are_sold_are_given_none(
    holding: Holding, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Seat.objects.filter(pk__in=[seat.pk for seat in holding.seats[:2]]).update(state="sold")
    with django_capture_on_commit_callbacks(execute=True):
        seat_group_for(seats=holding.seats[:2])
    assert priced() == set()


def test_a_played_games_seats_are_given_none(
    holding: Holding, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Game.objects.filter(pk=holding.game.pk).update(starts_at=now() - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        seat_group_for(seats=holding.seats[:2])
    assert priced() == set()
