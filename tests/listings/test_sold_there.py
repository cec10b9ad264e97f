"""A listing that its own marketplace sold before it came down was not taken down, and no page says so."""

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import SOLD_THERE, CommandKind, Listing, ListingStatus, MarketplaceCommand, Sale
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(market: Market) -> Listing:
    """Alpha sells the seats, and beta's buyer is faster than the command that takes them down there."""
    alpha, beta = market.published()
    market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    beta.refresh_from_db()
    return beta


def page(market: Market, name: str, pk: object) -> str:
    client = Client()
    client.force_login(market.holding.user)
    return client.get(reverse(name, args=[pk])).text


def test_the_command_says_that_a_buyer_was_faster(market: Market, lost: Listing) -> None:
    command = MarketplaceCommand.objects.get(listing=lost, kind=CommandKind.DELIST)
    assert (command.state, command.last_error, command.standing) == ("done", SOLD_THERE, "sold there")
    assert (lost.status, lost.standing) == (ListingStatus.CANCELLED, "sold there")


def test_the_listing_s_page_says_sold_there(market: Market, lost: Listing) -> None:
    said = page(market, "listings:listing_detail", lost.pk)
    assert 'data-live="status">sold there</dd>' in said
    assert 'data-live="status">taken down' not in said


def test_the_sale_s_page_says_who_sold_too(market: Market, lost: Listing) -> None:
    sale = Sale.objects.get(platform="alpha")
    said = page(market, "listings:sale_detail", sale.pk)
    assert "Beta sold seats of this sale too before they could be taken down." in said
    assert ">sold there</span>" in said
    assert "all gone" not in said


def test_a_listing_that_came_down_is_still_told_so(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    beta.refresh_from_db()
    assert beta.standing == "taken down"
    assert "sold seats of this sale too" not in page(
        market, "listings:sale_detail", Sale.objects.get(platform="alpha").pk
    )
