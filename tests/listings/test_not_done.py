"""Taps that are a mistake: seats that are not down after all are a task again, and no number is noted twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandState, ListingStatus, MarketplaceCommand, Sale
from listings.selectors import hand_downs, hand_tasks
from listings.services.by_hand import hand_done, tasks_nag
from listings.services.by_hand_undo import hand_not_done
from listings.services.hand_words import words_of
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import disconnect
from portfolios.models import Game
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, NotFound
from seatsync.live.models import Alert, AlertDelivery
from tests.hands import task, told, up
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_what_is_not_down_after_all_nags_again_until_it_is(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, beta = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    down = task(market, "delist")
    client = Client()
    client.force_login(market.holding.user)
    said = client.post(reverse("listings:hand_done", args=[down.pk]), follow=True).text
    assert ("Tapped too early?" in said, "Still up there" in said) == (True, True)
    with pytest.raises(NotFound):
        hand_not_done(actor=market.holding.outsider, command_id=down.pk)
    said = client.post(reverse("listings:hand_not_done", args=[down.pk]), follow=True).text
    assert ("It is a task again." in said, "Still up there" in said) == (True, False)
    again = task(market, "delist")
    assert (again.sale, again.listing, again.priority) == (Sale.objects.get(), beta, 0)
    # A second tap is the same task.
    assert hand_not_done(actor=market.holding.actor, command_id=down.pk).pk == again.pk
    beta.refresh_from_db()
    assert (beta.status, beta.gone_verified_at) == (ListingStatus.DELISTING, None)
    alert = Alert.objects.get(kind="hand.task", object_id=str(again.pk), state="firing")
    assert set(AlertDelivery.objects.filter(alert=alert).values_list("channel", flat=True)) == {"in_app", "mail"}
    assert "the same seats may be sold twice" in alert.body
    sale_page = client.get(reverse("listings:sale_detail", args=[again.sale_id])).text
    assert "on show at Beta until you take them down" in sale_page
    MarketplaceCommand.objects.filter(pk=again.pk).update(created_at=now() - timedelta(minutes=6))
    assert tasks_nag() == 1
    hand_done(actor=market.holding.actor, command_id=again.pk)
    beta.refresh_from_db()
    assert (beta.status, tasks_nag()) == (ListingStatus.CANCELLED, 0)
    assert not Alert.objects.filter(kind="hand.task", state="firing").exists()
    # And once more, as often as he likes; of the two that came down one is shown.
    assert [one.pk for one in hand_downs(market.holding.actor)] == [again.pk]
    assert hand_not_done(actor=market.holding.actor, command_id=again.pk).pk not in {down.pk, again.pk}


def test_a_listing_that_was_not_made_smaller_after_all_names_the_same_seats_again(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, _ = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    smaller = task(market, "resize")
    words = words_of(smaller)
    hand_done(actor=market.holding.actor, command_id=smaller.pk)
    again = hand_not_done(actor=market.holding.actor, command_id=smaller.pk)
    assert (words_of(again).go, words_of(again).stay) == (words.go, words.stay)
    assert again.pk != smaller.pk


def test_only_what_was_said_to_be_down_and_may_be_up_is_a_task_again(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = up(market, assisted)
    made = MarketplaceCommand.objects.get(listing=beta, kind="create")
    with pytest.raises(Conflict, match="takes nothing down"):
        hand_not_done(actor=market.holding.actor, command_id=made.pk)
    own = MarketplaceCommand.objects.get(listing=alpha, kind="create")
    with pytest.raises(NotFound):
        hand_not_done(actor=market.holding.actor, command_id=own.pk)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    smaller = task(market, "resize")
    with pytest.raises(Conflict, match="needs"):
        hand_not_done(actor=market.holding.actor, command_id=smaller.pk)
    hand_done(actor=market.holding.actor, command_id=smaller.pk)
    told(market, beta, market.holding.seats[2:], "B-1")
    # All of it is sold there: nothing is on show any more.
    with pytest.raises(Conflict, match="sold"):
        hand_not_done(actor=market.holding.actor, command_id=smaller.pk)
    assert not hand_downs(market.holding.actor)
    assert not hand_tasks(market.holding.actor).filter(kind="resize").exists()


def test_a_number_that_another_listing_there_has_is_refused_and_nothing_is_noted(
    market: Market, assisted: MarketplaceAccount
) -> None:
    seats = market.holding.seats
    for pair in (seats[:2], seats[2:]):
        listing_publish(
            actor=market.holding.actor, seat_ids=[seat.pk for seat in pair], account_ids=[assisted.pk],
            price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
    one, other = hand_tasks(market.holding.actor)
    client = Client()
    client.force_login(market.holding.user)
    client.post(reverse("listings:hand_done", args=[one.pk]), {"listing_id": "TM-77"})
    said = client.post(reverse("listings:hand_done", args=[other.pk]), {"listing_id": " TM-77 "}, follow=True)
    assert "TM-77 is the number of your listing 131/27" in said.text
    other.refresh_from_db()
    assert other.state == CommandState.NEEDS_PERSON
    client.post(reverse("listings:hand_done", args=[other.pk]), {"listing_id": ""})
    other.refresh_from_db()
    assert other.state == CommandState.DONE


@pytest.mark.parametrize(("status", "over"), [("scheduled", True), ("final", True), ("postponed", False)])
def test_what_waits_to_come_down_until_its_game_was_played_is_asked_no_more(
    market: Market, assisted: MarketplaceAccount, status: str, over: bool
) -> None:
    alpha, beta = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    down = task(market, "delist")
    MarketplaceCommand.objects.filter(pk=down.pk).update(created_at=now() - timedelta(days=2))
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() - timedelta(hours=11))
    assert tasks_nag() == 1
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() - timedelta(hours=13), status=status)
    MarketplaceCommand.objects.filter(pk=down.pk).update(created_at=now() - timedelta(days=3))
    assert tasks_nag() == (0 if over else 1)
    down.refresh_from_db()
    beta.refresh_from_db()
    assert (down.state == CommandState.SUPERSEDED, beta.status == ListingStatus.EXPIRED) == (over, over)
    assert Alert.objects.filter(kind="hand.task", state="firing").exists() != over
    assert hand_tasks(market.holding.actor).exists() != over
    sold = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert ("with your own hands" in sold.body) != over
    if over:
        # Nothing is open there any more.
        disconnect(actor=market.holding.actor, account_id=assisted.pk)
        assisted.refresh_from_db()
        assert not assisted.is_active
