"""Sales of a game that is postponed and has no new date: nothing of them is reckoned from the day that is off."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from analytics.selectors.inbox import inbox
from listings.expected import expectation_of
from listings.models import Sale, SaleState
from listings.payables import GRACE
from listings.services.accounts import account_business
from listings.services.due_alerts import hand_overs_remind
from listings.services.hand_over_due import sales_due_fill
from listings.services.sale_recheck import sales_recheck
from marketplaces.registry import adapter_get
from marketplaces.services.figures import figures_load
from marketplaces.simulator.app import Simulator
from portfolios.models import Game, GameStatus
from portfolios.services.games import game_move
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import Seller, sell
from tests.listings.simulated import control

pytestmark = pytest.mark.django_db


def postpone(game: Game) -> None:
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.POSTPONED, reason="rain")


def again_in(game: Game, days: int) -> None:
    starts = now() + timedelta(days=days)
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.SCHEDULED, starts_at=starts)
    game.refresh_from_db()


def test_its_money_is_late_only_after_the_day_on_which_it_is_played(seller: Seller) -> None:
    control("settings", payout={"stubhub": {"kind": "none"}})
    due, game = expectation_of(seller.sale).at, seller.holding.game
    assert due is not None
    postpone(game)
    expected = expectation_of(seller.sale)
    assert (expected.at, expected.on) == (None, None)
    assert expected.basis == "5 days after the game, which is postponed"
    seller.go(due + GRACE + timedelta(days=1))
    assert not Alert.objects.filter(kind="payout.late").exists()
    again_in(game, 3)
    assert expectation_of(seller.sale).at == game.starts_at + timedelta(days=5)
    seller.go(game.starts_at + timedelta(days=5) + GRACE)
    assert seller.alert("payout.late").state == "firing"


@pytest.mark.parametrize(("status", "sales"), [(GameStatus.SCHEDULED, 0), (GameStatus.POSTPONED, 1)])
def test_its_account_keeps_its_key_as_long_as_it_is_to_come(seller: Seller, status: str, sales: int) -> None:
    Game.objects.filter(pk=seller.holding.game.pk).update(status=status, starts_at=now() - timedelta(days=46))
    assert account_business(seller.account.pk).sales == sales


@pytest.mark.parametrize("seller", ["vividseats"], indirect=True)
@pytest.mark.parametrize(("status", "read"), [(GameStatus.SCHEDULED, False), (GameStatus.POSTPONED, True)])
def test_it_is_read_again_as_long_as_it_is_to_come(seller: Seller, status: str, read: bool) -> None:
    Game.objects.filter(pk=seller.holding.game.pk).update(status=status, starts_at=now() - timedelta(days=31))
    Sale.objects.update(read_back_at=now() - timedelta(days=1))
    before = seller.sale.read_back_at
    adapter = adapter_get("vividseats")
    assert sales_recheck(adapter=adapter, account=seller.account, seen=(), since=now()) == int(read)
    assert (seller.sale.read_back_at != before) is read


def test_nobody_is_reminded_by_the_day_that_is_off(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    figures_load()
    travel.move_to(holding.game.starts_at - timedelta(hours=80))
    seller = sell(holding, simulator, travel, "seatgeek")
    assert (seller.sale.ship_by_reckoned, seller.sale.state) == (True, SaleState.CONFIRMED)
    was = holding.game.starts_at
    postpone(holding.game)
    assert (seller.sale.ship_by, seller.sale.ship_by_reckoned) == (None, False)
    assert sales_due_fill() == 0
    (item,) = [one for one in inbox(holding.actor).items if one.kind == "hand_over"]
    assert item.due is None
    assert "which told no deadline, and the game is postponed" in item.why
    client = Client()
    client.force_login(holding.user)
    page = client.get(reverse("listings:sale_detail", args=[seller.sale.pk])).text
    assert "told no deadline, and the game is postponed" in page
    travel.move_to(was)
    assert hand_overs_remind() == 0
    again_in(holding.game, 4)
    assert seller.sale.ship_by == holding.game.starts_at - timedelta(hours=36)
