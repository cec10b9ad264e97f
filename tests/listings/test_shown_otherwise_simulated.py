"""What a hand changes at each marketplace is seen by the sweep through its own dialect (I-09, I-22)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from listings.models import AccountSweep, CommandKind, Listing, ListingStatus, MarketplaceCommand
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.models import MarketplaceAccount
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.simulated import work
from tests.listings.test_stock import PLATFORMS, connect, gametime_empty, there

pytestmark = pytest.mark.django_db(transaction=True)


def sweep(simulator: Simulator) -> None:
    """A sweep long after the last change, there (Vivid Seats answers once a minute) and here."""
    at = simulator.clock() + 65.0
    simulator.clock = lambda: at
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    # Another one than that of this slot.
    MarketplaceCommand.objects.filter(kind=CommandKind.SYNC_ACCOUNT).delete()
    assert accounts_reconcile_due() == 1
    work()


def published(holding: Holding, simulator: Simulator, platform: str) -> tuple[Listing, MarketplaceAccount]:
    """Two seats on show there, and a first sweep that finds nothing."""
    account = connect(holding, platform) if platform != "gametime" else gametime_empty(holding)
    work()
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[account.pk],
        price=Decimal("90.00"), floor=Decimal("60.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    sweep(simulator)
    listing.refresh_from_db()
    assert (listing.status, listing.unlike_there) == (ListingStatus.ACTIVE, {})
    assert listing.confirmed_at is not None
    assert AccountSweep.objects.get(account=account).drift == {}
    return listing, account


@pytest.mark.parametrize("platform", PLATFORMS)
def test_i09_what_a_hand_moves_to_another_section_comes_down_everywhere(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    listing, account = published(holding, simulator, platform)
    (shown,) = [item for item in simulator.ledger.listings.values() if item.external_id == listing.external_id]
    shown.section = "999"
    lying = simulator.ledger.accounts[shown.account_id]
    lying.file = lying.file.replace(f",{listing.section},", ",999,")
    sweep(simulator)
    listing.refresh_from_db()
    assert (listing.status, listing.status_reason) == (ListingStatus.CANCELLED, "its marketplace has it in section 999")
    assert there(simulator, platform) == {}
    assert set(AccountSweep.objects.get(account=account).drift) == {"elsewhere"}
    assert Alert.objects.filter(kind="listing.elsewhere", object_id=str(listing.pk)).exists()


@pytest.mark.parametrize("platform", ["stubhub", "ticketmaster"])
def test_i22_what_is_unpublished_there_is_not_confirmed(holding: Holding, simulator: Simulator, platform: str) -> None:
    listing, account = published(holding, simulator, platform)
    before = listing.confirmed_at
    (shown,) = [item for item in simulator.ledger.listings.values() if item.external_id == listing.external_id]
    shown.state = "hidden"
    sweep(simulator)
    sweep(simulator)
    listing.refresh_from_db()
    assert (listing.confirmed_at, [*listing.unlike_there]) == (before, ["hidden"])
    assert set(AccountSweep.objects.get(account=account).drift) == {"hidden"}
    assert Alert.objects.filter(kind="listing.hidden", object_id=str(listing.pk)).exists()
