"""How often buyers looked at a listing, read by the sweep where a marketplace tells it."""

import pytest
import time_machine
from django.urls import reverse

from listings.models import PriceHistory
from listings.services.reconcile import account_reconcile
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, adapter_list
from marketplaces.services.links import link_for
from marketplaces.simulator.app import Simulator
from tests.builders import Holding, bearer, browser
from tests.listings.selling import listed

pytestmark = pytest.mark.django_db
TELL = [adapter.traits.key for adapter in adapter_list() if adapter.traits.tells_views]


def sweep(account: MarketplaceAccount, travel: time_machine.Traveller) -> None:
    travel.shift(600)
    account_reconcile(adapter=adapter_get(account.platform), link=link_for(account), account=account)


def test_only_our_own_port_tells_them() -> None:
    assert TELL == ["ticketmaster"]


@pytest.mark.parametrize("platform", ["ticketmaster", "stubhub"])
def test_what_a_sweep_reads_is_on_the_board_and_once_more_is_no_new_point(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    account, listing = listed(holding, platform)
    there = simulator.ledger.listing_find(platform, account.account_id, listing.external_id)
    assert there is not None
    there.looks = 7
    for _ in range(2):
        sweep(account, travel)
    there.looks = 9
    sweep(account, travel)
    told = PriceHistory.objects.filter(listing_id=listing.pk).order_by("time").values_list("views", "price")
    board = browser().get(reverse("listings:listing_list")).text
    if platform not in TELL:
        assert list(told) == [(None, listing.price)]
        assert "None of these marketplaces tells how often buyers looked at a listing." in board
        return
    assert list(told) == [(0, listing.price), (7, listing.price), (9, listing.price)]
    assert "9 views" in board
    assert "is told by Ticketmaster alone" in board
    story = bearer().get(reverse("api:listing_history", args=[listing.pk])).json()
    assert [point["views"] for point in story] == [0, 7, 9]
