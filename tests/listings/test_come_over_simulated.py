"""A holder leaves an account and connects it again, at each simulated platform and through its real adapter."""

from decimal import Decimal

import pytest

from listings.models import Listing, ListingStatus, MarketplaceCommand, Sale, SaleState
from listings.services.publish import listing_publish
from listings.services.sync import account_sync_sales
from marketplaces.models import MarketplaceAccount
from marketplaces.services.connect import account_leave
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from tests.builders import Holding
from tests.listings.simulated import control, work
from tests.listings.test_stock import connect, gametime_empty, sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "vividseats", "gametime", "ticketmaster"])
def test_what_was_sold_and_what_is_on_offer_there_goes_on(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    left = gametime_empty(holding) if platform == "gametime" else connect(holding, platform)
    work()
    sold, offered = (
        listing_publish(
            actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[left.pk],
            price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )[0]
        for seats in (holding.seats[:2], holding.seats[2:])
    )  # fmt: skip
    work()
    control("sell", platform=platform, external_id=sold.external_id, quantity=2)
    # One platform answers a poll a minute.
    start = simulator.clock()
    simulator.clock = lambda: start + 65.0
    account_sync_sales(account=MarketplaceAccount.objects.get(pk=left.pk))
    work()
    sale = Sale.objects.get()
    assert sale.state == SaleState.CONFIRMED
    account_leave(actor=holding.actor, account_id=left.pk)

    account = connect(holding, platform)
    simulator.clock = lambda: start + 130.0
    work()
    simulator.clock = lambda: start + 195.0
    MarketplaceCommand.objects.filter(state="pending").update(not_before=now())
    sweep()

    assert account.pk != left.pk
    kept = Sale.objects.get()
    assert (kept.pk, kept.account, kept.state) == (sale.pk, account, SaleState.CONFIRMED)
    offered.refresh_from_db()
    assert (offered.account, offered.status) == (account, ListingStatus.ACTIVE)
    assert Listing.objects.count() == 2
    assert not MarketplaceCommand.objects.filter(kind="reject_sale").exists()
    (there,) = simulator.ledger.sales.values()
    assert not there.rejected
