"""A marketplace behind a gateway that answers 404 to everything for a while: nothing is gone, down or read by it."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
import time_machine

from listings.models import Listing, MarketplaceCommand, Sale
from listings.services.delist import listings_delist
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sync import account_poll
from marketplaces.models import MarketplaceAccount
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.clock import now
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
PLATFORMS = pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "vividseats", "gametime", "ticketmaster"])
ROUTING = b'{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.4","title":"Not Found","status":404,"traceId":"0"}'


class Shut(SimulatorTransport):
    """Answers 404 to everything but to those who control the simulator."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/_sim/"):
            return super().handle_request(request)
        return httpx.Response(404, content=ROUTING, headers={"content-type": "application/problem+json"})


def published(holding: Holding, account: MarketplaceAccount) -> Listing:
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return listing


def later(travel: time_machine.Traveller, account: MarketplaceAccount, minutes: float) -> None:
    """Time goes by, its sales are polled, and what is due is done."""
    travel.shift(timedelta(minutes=minutes))
    account.refresh_from_db()
    account_poll(account)
    work()


@PLATFORMS
def test_a_gateway_that_is_shut_takes_nothing_for_gone_and_no_sale_for_read(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, travel: time_machine.Traveller,
    platform: str,
) -> None:  # fmt: skip
    simulator.clock = lambda: now().timestamp()
    account = connected(holding, platform)
    listing = published(holding, account)
    later(travel, account, 1)
    until = MarketplaceAccount.objects.get(pk=account.pk).sales_synced_until
    # Its webhook is lost.
    control("faults", add=[{"kind": "webhook_lost"}])
    control("sell", platform=platform, external_id=listing.external_id, quantity=4)
    with monkeypatch.context() as patch:
        patch.setattr(links, "transport_override", Shut(simulator))
        for _ in range(5):
            later(travel, account, 2.5)
            accounts_reconcile_due()
            work()
        account.refresh_from_db()
        listing.refresh_from_db()
        assert (account.sales_synced_until, listing.status, Sale.objects.count()) == (until, "active", 0)
        assert "404" in account.last_error
        assert MarketplaceCommand.objects.filter(kind="sync_account").latest("created_at").state == "pending"
    for _ in range(3):
        later(travel, account, 2.5)
    assert Sale.objects.get().quantity == 4


@PLATFORMS
def test_what_comes_down_behind_a_gateway_that_is_shut_is_not_down(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, travel: time_machine.Traveller,
    platform: str,
) -> None:  # fmt: skip
    simulator.clock = lambda: now().timestamp()
    account = connected(holding, platform)
    listing = published(holding, account)
    travel.shift(timedelta(minutes=1))
    with monkeypatch.context() as patch:
        patch.setattr(links, "transport_override", Shut(simulator))
        listings_delist(actor=holding.actor, listing_ids=[listing.pk])
        for _ in range(20):
            work()
            travel.shift(timedelta(seconds=11))
        listing.refresh_from_db()
        assert (listing.status, listing.gone_verified_at) == ("delisting", None)
        assert MarketplaceCommand.objects.get(kind="delist").state == "pending"
    for _ in range(3):
        travel.shift(timedelta(seconds=11))
        work()
    listing.refresh_from_db()
    assert (listing.status, listing.gone_verified_at is not None) == ("cancelled", True)
    there = links.shared_client().get("http://simulator.test/_sim/state").json()[platform]
    assert not [one for one in there["listings"] if one["state"] == "active"]
