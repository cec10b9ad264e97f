"""A marketplace that calls nobody: its sales are found by asking, and everything else follows as ever."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Listing, ListingStatus, Sale, SaleState
from listings.services.publish import listing_publish
from listings.services.sync import accounts_sync_due
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import connect_token
from tests.builders import Holding
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db


def published(holding: Holding) -> dict[str, Listing]:
    accounts = [
        connect_token(actor=holding.actor, platform=platform, mode=Mode.PAPER, token="")
        for platform in ("seatgeek", "vividseats")
    ]
    made = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[one.pk for one in accounts],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return {listing.platform: Listing.objects.get(pk=listing.pk) for listing in made}


@pytest.mark.usefixtures("simulator")
def test_a_sale_that_is_found_by_asking_takes_everything_else_down(holding: Holding) -> None:
    listings = published(holding)
    assert {name: listing.status for name, listing in listings.items()} == {
        "seatgeek": ListingStatus.ACTIVE, "vividseats": ListingStatus.ACTIVE,
    }  # fmt: skip
    control("sell", platform="vividseats", external_id=listings["vividseats"].external_id, quantity=4)
    MarketplaceAccount.objects.update(polled_at=None)
    assert accounts_sync_due() == 1
    work()
    sale = Sale.objects.get()
    assert (sale.platform, sale.quantity, sale.proceeds) == ("vividseats", 4, Decimal("302.40"))
    # What the buyer paid is never told there: the proceeds stand for the gross.
    assert (sale.gross, sale.fees) == (sale.proceeds, Decimal("0.00"))
    assert sale.state == SaleState.CONFIRMED
    client = Client()
    client.force_login(holding.user)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).content.decode()
    assert ("not told by Vivid Seats" in page, "Gross, as listed" in page, "$302.40" in page) == (True, False, True)
    assert client.get(reverse("listings:sale_list")).content.decode().count("not told<") == 2
    assert {seat.state for seat in holding.seats_of(holding.game)} == {"sold"}
    listings = {listing.platform: listing for listing in Listing.objects.all()}
    assert (listings["seatgeek"].status, listings["vividseats"].status) == (ListingStatus.CANCELLED, ListingStatus.SOLD)
