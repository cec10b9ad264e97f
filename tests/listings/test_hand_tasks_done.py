"""Every kind of task of an assisted account is said to be done on the page and over the API."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandKind, CommandState, MarketplaceCommand, Sale, SaleState
from listings.selectors import hand_tasks
from listings.services.by_hand import hand_done
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.fulfil import sale_fulfil
from listings.services.pricing import listing_reprice
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import account_leave, disconnect
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.hands import offer, task, told, up
from tests.market import Market

pytestmark = pytest.mark.django_db

KINDS = ["create", "reprice", "resize", "delist", "confirm_sale", "fulfil", "reject_sale", "supply"]


def handed_over(market: Market, sale: Sale) -> None:
    sale_fulfil(
        actor=market.holding.actor, sale_id=sale.pk, method="transfer_url",
        transfer_urls=["https://a.example/1", "https://a.example/2"],
    )  # fmt: skip


def wanted(market: Market, assisted: MarketplaceAccount, kind: str) -> MarketplaceCommand:
    """A task of this kind that waits for the holder."""
    if kind == "create":
        offer(market, assisted)
        return task(market, kind)
    alpha, beta = up(market, assisted)
    pair = market.holding.seats[:2]
    if kind == "reprice":
        listing_reprice(
            actor=market.holding.actor, listing_id=beta.pk, price=Decimal("90.00"), version=None, confirmed=True
        )
    elif kind == "resize":
        market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    elif kind == "delist":
        listings_delist(actor=market.holding.actor, listing_ids=[beta.pk])
    elif kind == "reject_sale":
        market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
        told(market, beta, pair, "TM-9")
    elif kind == "fulfil":
        handed_over(market, told(market, beta, pair, "TM-9"))
    elif kind == "confirm_sale":
        command_write(sale=told(market, beta, pair, "TM-9"), kind=CommandKind.CONFIRM_SALE, key="confirm")
    else:
        command_write(listing=beta, kind=CommandKind.SUPPLY, key="supply")
    return task(market, kind)


@pytest.mark.parametrize("door", ["page", "api"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_task_can_be_said_to_be_done(market: Market, assisted: MarketplaceAccount, kind: str, door: str) -> None:
    one = wanted(market, assisted, kind)
    if door == "page":
        client = Client()
        client.force_login(market.holding.user)
        answer = client.post(reverse("listings:hand_done", args=[one.pk]), {"listing_id": ""})
        assert answer.status_code == 302
    else:
        client = bearer(market.holding.user)
        answer = client.post(reverse("api:hand_done", args=[one.pk]), {}, content_type="application/json")
        assert (answer.status_code, answer.json()["state"]) == (200, "done")
    one.refresh_from_db()
    assert one.state == CommandState.DONE
    if kind == "fulfil":
        sale = Sale.objects.get()
        assert (sale.state, sale.delivered_at is not None) == (SaleState.FULFILLED, True)


def test_a_sale_that_is_over_is_not_handed_over_by_a_late_tap(market: Market, assisted: MarketplaceAccount) -> None:
    one = wanted(market, assisted, "fulfil")
    MarketplaceCommand.objects.filter(pk=one.pk).update(state=CommandState.SUPERSEDED)
    with pytest.raises(Conflict):
        hand_done(actor=market.holding.actor, command_id=one.pk)
    sale = Sale.objects.get()
    assert (sale.state, sale.delivered_at) == (SaleState.CONFIRMED, None)


def _list_says(market: Market) -> list[str]:
    """What the list of sales says of when each was off sale elsewhere, the newest first."""
    client = Client()
    client.force_login(market.holding.user)
    text = client.get(reverse("listings:sale_list")).text
    return [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r'Off sale elsewhere after">(.*?)</td>', text)]


def test_what_came_down_once_is_asked_for_by_no_other_sale(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, _ = up(market, assisted)
    actor, sold = market.holding.actor, Alert.objects.filter(kind="sale.sold", user_id=market.holding.user.pk)
    # What is left does not lie together: all of it is to come down there, and then the others sell too.
    for seats in ((2,), (1,)):
        market.webhook(market.alpha.sell(alpha.external_id, seats))
        market.work()
    first, second = hand_tasks(actor).filter(kind="delist").order_by("created_at")
    assert _list_says(market) == ["yours to take down"] * 2
    hand_done(actor=actor, command_id=first.pk)
    second.refresh_from_db()
    assert (second.state, hand_tasks(actor).count()) == (CommandState.DONE, 0)
    assert not Alert.objects.filter(kind="hand.task", state="firing").exists()
    assert (sold.count(), ["with your own hands" in alert.body for alert in sold]) == (2, [False, False])
    assert "yours to take down" not in _list_says(market)


def test_what_a_person_took_down_was_not_offered_nowhere_else(market: Market, assisted: MarketplaceAccount) -> None:
    alpha, _ = up(market, assisted)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    assert _list_says(market) == ["yours to take down"]
    hand_done(actor=market.holding.actor, command_id=task(market, "delist").pk)
    assert _list_says(market) == ["by your hands"]
    told_of = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert told_of.body.endswith("You took them down at Beta.")
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[Sale.objects.get().pk])).text
    assert ("down, by your hands" in page, "under way" in page) == (True, False)
    assert "by your hands" in client.get("/").text


def test_what_sold_out_there_meanwhile_is_taken_down_by_nobody(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    # What is left does not lie together: it is to come down, and sells there before it does.
    told(market, beta, market.holding.seats[1:2], "B-1")
    one = task(market, "delist")
    told(market, beta, [market.holding.seats[0], *market.holding.seats[2:]], "B-2")
    one.refresh_from_db()
    beta.refresh_from_db()
    assert (one.state, beta.status) == (CommandState.SUPERSEDED, "sold")
    assert not hand_tasks(market.holding.actor).filter(listing=beta).exists()
    bodies = Alert.objects.filter(kind="sale.sold", user_id=market.holding.user.pk).values_list("body", flat=True)
    assert ["at Beta" in body for body in bodies] == [False, False]


def test_what_is_handed_over_by_hand_is_not_said_to_be_told_to_its_marketplace(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    sale = told(market, beta, market.holding.seats[:2], "TM-9")
    client = Client()
    client.force_login(market.holding.user)
    url = reverse("listings:sale_fulfil", args=[sale.pk]) + "?way=transfer_url"
    page = client.get(url).text
    assert ("Put it into your tasks" in page, "Tell Beta" in page) == (True, False)
    given = {"method": "transfer_url", "transfer_urls": "https://a.example/1\nhttps://a.example/2"}
    page = client.post(url, given, follow=True).text
    assert ("It is a task of yours: hand it over on Beta yourself" in page, "is being told" in page) == (True, False)
    page = client.get(url).text
    assert ("It waits for your hands" in page, "did not take" in page) == (True, False)


def test_who_gives_an_account_up_and_sells_elsewhere_has_one_task_that_says_why(
    market: Market, assisted: MarketplaceAccount
) -> None:
    alpha, beta = up(market, assisted)
    actor = market.holding.actor
    disconnect(actor=actor, account_id=assisted.pk)
    first = task(market, "delist")
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    one = task(market, "delist")
    assert (one.sale, one.pk != first.pk) == (Sale.objects.get(), True)
    alert = Alert.objects.get(kind="hand.task", state="firing", user_id=market.holding.user.pk)
    assert (alert.object_id, "the same seats may be sold twice" in alert.body) == (str(one.pk), True)
    # Asked once more, nobody has two.
    disconnect(actor=actor, account_id=assisted.pk)
    listings_delist(actor=actor, listing_ids=[beta.pk])
    assert task(market, "delist").pk == one.pk
    hand_done(actor=actor, command_id=one.pk)
    assert not hand_tasks(actor).exists()
    assert "yours to take down" not in _list_says(market)
    disconnect(actor=actor, account_id=assisted.pk)
    assisted.refresh_from_db()
    assert not assisted.is_active


def test_what_waits_twice_for_a_worker_is_one_task_once_its_account_is_left(market: Market) -> None:
    alpha, beta = market.published()
    actor, account = market.holding.actor, market.accounts["beta"]
    disconnect(actor=actor, account_id=account.pk)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    assert MarketplaceCommand.objects.filter(listing=beta, kind="delist", state="pending").count() == 2
    account_leave(actor=actor, account_id=account.pk)
    assert task(market, "delist").sale == Sale.objects.get()
    assert Alert.objects.filter(kind="hand.task", state="firing", user_id=market.holding.user.pk).count() == 1
