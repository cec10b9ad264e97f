"""Every kind of task of an assisted account is said to be done on the page and over the API."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import CommandKind, CommandState, MarketplaceCommand, Sale, SaleState
from listings.services.by_hand import hand_done
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.fulfil import sale_fulfil
from listings.services.pricing import listing_reprice
from marketplaces.models import MarketplaceAccount
from seatsync.core.errors import Conflict
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
