"""A floor on the net against what the simulated platforms take, through the real adapters (I-11)."""

from decimal import Decimal

import pytest

from listings.models import Listing, MarketplaceCommand
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from marketplaces.contracts import Capability
from marketplaces.registry import adapter_keys, platform_can, platform_name
from marketplaces.services.figures import fees_load
from marketplaces.simulator.app import Simulator
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
TELLING = [key for key in adapter_keys() if platform_can(key, Capability.PREVIEW)]


def listed(holding: Holding, platform: str) -> Listing:
    """Two seats at 100.00, of which at least 85.00 shall reach the seller."""
    account = connected(holding, platform)
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[account.pk],
        price=Decimal("100.00"), floor=Decimal("85.00"), ceiling=Decimal("200.00"), floor_basis="net",
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    return listing


@pytest.mark.parametrize("platform", TELLING)
def test_i11_what_would_bring_too_little_is_not_listed(holding: Holding, simulator: Simulator, platform: str) -> None:
    fees_load()
    control("settings", fee_percent={platform: 20.0})
    listing = listed(holding, platform)
    said = f"{platform_name(platform)} says that $100.00 brings you $80.00 a ticket, below your floor of $85.00"
    assert (listing.status, listing.status_reason) == ("error", f"not published: {said}")
    assert not simulator.ledger.listings


@pytest.mark.parametrize("platform", TELLING)
def test_i11_a_lower_price_that_would_bring_too_little_is_not_sent(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    fees_load()
    listing = listed(holding, platform)
    assert (listing.status, listing.proceeds) == ("active", Decimal("90.00"))
    control("settings", fee_percent={platform: 20.0})
    listing_reprice(actor=holding.actor, listing_id=listing.pk, price=Decimal("96.00"), version=None)
    work()
    listing.refresh_from_db()
    assert listing.live_price == Decimal("100.00")
    assert "$96.00 brings you $76.80 a ticket" in MarketplaceCommand.objects.get(kind="reprice").last_error
