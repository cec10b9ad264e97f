"""The connections page."""

import pytest
from django.test import Client
from django.urls import reverse

from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import accounts_close
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from tests.market import Market


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def test_it_shows_the_own_accounts_alone(market: Market) -> None:
    page = enter(market.holding.actor).get(reverse("marketplaces:account_list")).content.decode()
    assert page.count("data-row") == 2
    other = enter(market.holding.other).get(reverse("marketplaces:account_list")).content.decode()
    assert "data-row" not in other
    assert "secret-alpha" not in page


def test_disconnecting_waits_for_open_listings(market: Market) -> None:
    market.published()
    account = market.accounts["alpha"]
    url = reverse("marketplaces:account_disconnect", args=[account.pk])
    answer = enter(market.holding.actor).post(url, follow=True).content.decode()
    assert "once its listings are down" in answer
    assert "closing" in answer
    active = MarketplaceAccount.objects.filter(pk=account.pk, is_active=True)
    assert active.exists()
    market.work()
    accounts_close()
    assert not active.exists()
    assert "is disconnected" in enter(market.holding.actor).post(url, follow=True).content.decode()


@pytest.mark.parametrize("who", ["other", "outsider"])
def test_nobody_else_disconnects(market: Market, who: str) -> None:
    account = market.accounts["alpha"]
    url = reverse("marketplaces:account_disconnect", args=[account.pk])
    assert enter(getattr(market.holding, who)).post(url).status_code == 404
    assert MarketplaceAccount.objects.get(pk=account.pk).is_active


def test_an_unknown_platform_is_refused(market: Market) -> None:
    url = reverse("marketplaces:account_connect")
    answer = enter(market.holding.actor).post(url, {"platform": "nowhere", "mode": "paper"})
    assert answer.status_code == 422
    assert "is not a marketplace we know" in answer.content.decode()
