"""I-08: listings come down in time, and a game that is not as it was holds its listings and asks."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connections, transaction

from listings.models import Listing, ListingStatus
from listings.services.expire import listings_expire
from portfolios.models import Game, GameStatus, SeasonTicket, Venue
from portfolios.services.games import game_move, games_close
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotFound
from seatsync.live.models import Alert
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.mark.parametrize("status", [GameStatus.POSTPONED, GameStatus.CANCELLED])
def test_i08_a_moved_game_takes_its_listings_down_at_once_and_asks(market: Market, status: str) -> None:
    market.published()
    game_move(actor=SYSTEM, game_id=market.holding.game.pk, status=status)
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    assert set(Listing.objects.values_list("status", flat=True)) == {ListingStatus.CANCELLED}
    asked = Alert.objects.filter(kind="game.moved")
    assert set(asked.values_list("user_id", flat=True)) == {
        market.holding.user.pk, market.holding.co_owner.user_id, market.holding.viewer.user_id,
    }  # fmt: skip
    assert "2 listings were taken down" in asked[0].body


def test_i08_a_new_date_holds_too_and_the_venues_date_follows(market: Market) -> None:
    market.published()
    starts = datetime.fromisoformat("2027-05-02T02:10:00+00:00")
    game = game_move(actor=SYSTEM, game_id=market.holding.game.pk, starts_at=starts)
    market.work()
    assert market.alpha.shown() == []
    assert f"{game.game_date}" == "2027-05-01"
    assert "Sat 01 May 2027, 19:10 at the venue" in Alert.objects.filter(kind="game.moved")[0].title


def test_i33_the_date_of_a_moved_game_is_the_one_at_its_venue(market: Market) -> None:
    Venue.objects.update(timezone="Asia/Tokyo")
    starts = datetime.fromisoformat("2027-05-01T16:10:00+00:00")
    game = game_move(actor=SYSTEM, game_id=market.holding.game.pk, starts_at=starts)
    assert (f"{game.game_date}", game.starts_at) == ("2027-05-02", starts)


def test_i33_a_game_is_moved_to_no_naive_time(market: Market) -> None:
    before = market.holding.game.starts_at
    with pytest.raises(InvalidInput, match="no time zone"):
        game_move(actor=SYSTEM, game_id=market.holding.game.pk, starts_at=datetime.fromisoformat("2027-05-01T19:10"))
    assert Game.objects.get(pk=market.holding.game.pk).starts_at == before


def test_a_move_that_changes_nothing_tells_nobody(market: Market) -> None:
    market.published()
    game_move(actor=SYSTEM, game_id=market.holding.game.pk, status=GameStatus.SCHEDULED)
    assert not Alert.objects.filter(kind="game.moved").exists()
    assert len(market.alpha.shown()) == 1


def test_a_game_without_offers_asks_nobody(market: Market) -> None:
    game_move(actor=SYSTEM, game_id=market.holding.game.pk, status=GameStatus.POSTPONED)
    assert not Alert.objects.filter(kind="game.moved").exists()


def test_bad_moves_name_the_field(market: Market) -> None:
    game_id = market.holding.game.pk
    with pytest.raises(InvalidInput, match="is not a status"):
        game_move(actor=SYSTEM, game_id=game_id, status="rained out")
    with pytest.raises(InvalidInput, match="no time zone"):
        game_move(actor=SYSTEM, game_id=game_id, starts_at=datetime.fromisoformat("2027-05-01T19:10"))
    with pytest.raises(NotFound):
        game_move(actor=SYSTEM, game_id=market.holding.ticket.pk, status=GameStatus.POSTPONED)


def test_i08_an_hour_before_the_start_listings_come_down(market: Market) -> None:
    market.published()
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() + timedelta(minutes=59))
    assert listings_expire() == 2
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []


def test_games_that_are_over_are_closed_and_no_longer_counted(market: Market) -> None:
    before = SeasonTicket.objects.get(pk=market.holding.ticket.pk).games_remaining
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() - timedelta(hours=7))
    assert games_close() >= 1
    assert SeasonTicket.objects.get(pk=market.holding.ticket.pk).games_remaining == before - 1


@pytest.mark.django_db(transaction=True)
def test_i08_what_is_being_offered_while_its_game_is_moved_comes_down_as_well(
    platforms: tuple[ScriptedPlatform, ScriptedPlatform],
) -> None:
    market = build_market(platforms)
    game_id = market.holding.game.pk

    def move() -> None:
        try:
            game_move(actor=SYSTEM, game_id=game_id, status=GameStatus.POSTPONED)
        finally:
            connections.close_all()

    moving = threading.Thread(target=move)
    with transaction.atomic():
        market.publish()
        moving.start()
        # It waits for the seats; without that it would be over by now, and have seen nothing on offer.
        moving.join(timeout=1.0)
    moving.join()
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    assert Alert.objects.filter(kind="game.moved").exists()
