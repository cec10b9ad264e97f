"""A marketplace that takes a file for the whole account: nobody's row falls out of it, and nothing sold stays in it."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand, Sale
from listings.services.delist import listings_delist
from listings.services.outbox import commands_drain
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sync import accounts_sync_due
from marketplaces.models import AccountFile, MarketplaceAccount, Mode
from marketplaces.services.connect import connect_token
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.state import Account
from portfolios.models import Seat
from seatsync.core.errors import Conflict, InvalidInput
from tests.builders import Holding
from tests.listings.simulated import control, settled, work

pytestmark = pytest.mark.django_db
HAND_MADE = (
    "Edit,Event,Venue,EventDate,EventTime,Quantity,Section,Row,SeatFrom,SeatThru,Notes,Cost,TicketID,edelivery_ind,"
    "InHandDate,Instant,Splittype,Splitvalue,FaceValue,Stock,Discount,ZonePrice,Colour\r\n"
    'y,Some Concert,"The Hall, Upstairs",11/26/2027,1:00 PM,2,221,7,3,4,xfer,240,by-hand,N,,N,NEVERLEAVEONE,,200,'
    "mobile_transfer,10,240,blue\r\n"
)


@pytest.fixture
def account(simulator: Simulator, holding: Holding) -> MarketplaceAccount:
    return connect_token(actor=holding.actor, platform="gametime", mode=Mode.PAPER, token="")


def publish(holding: Holding, seats: Sequence[Seat], *accounts: MarketplaceAccount) -> list[Listing]:
    made = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[one.pk for one in accounts],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return [Listing.objects.get(pk=listing.pk) for listing in made]


def there(simulator: Simulator, account: MarketplaceAccount) -> dict[str, dict[str, str]]:
    """The file at Gametime, by ticket id."""
    (held,) = (one for one in simulator.ledger.accounts.values() if one.token == account.access_token)
    return {row["TicketID"]: row for row in csv.DictReader(io.StringIO(held.file, newline=""))}


def on_sale(simulator: Simulator) -> dict[str, int]:
    return {one.external_id: one.quantity for one in simulator.ledger.listings.values() if one.state == "active"}


def test_what_lay_in_the_file_stays_in_it_whatever_we_change(
    holding: Holding,
    simulator: Simulator,
    account: MarketplaceAccount,
) -> None:
    (held,) = (one for one in simulator.ledger.accounts.values() if one.token == account.access_token)
    held.file = HAND_MADE
    first, second = holding.seats[:2], holding.seats[2:]
    (one,) = publish(holding, first, account)
    (two,) = publish(holding, second, account)
    assert set(there(simulator, account)) == {"by-hand", one.external_id, two.external_id}
    listing_reprice(
        actor=holding.actor, listing_id=one.pk, price=Decimal("80.00"), version=one.version, reason="", confirmed=False
    )
    work()
    listings_delist(actor=holding.actor, listing_ids=[two.pk])
    work()
    rows = there(simulator, account)
    assert (set(rows), rows[one.external_id]["Cost"]) == ({"by-hand", one.external_id}, "80.00")
    assert (rows["by-hand"]["Venue"], rows["by-hand"]["Colour"], rows["by-hand"]["Cost"]) == (
        "The Hall, Upstairs", "blue", "240",
    )  # fmt: skip
    assert Listing.objects.get(pk=two.pk).status == ListingStatus.CANCELLED
    # Kept before it was sent, and known to have arrived.
    kept = AccountFile.objects.get(account=account)
    assert bytes(kept.content or b"") == bytes(kept.arrived or b"") == _held(simulator, account).encode()


def _held(simulator: Simulator, account: MarketplaceAccount) -> str:
    return next(one.file for one in simulator.ledger.accounts.values() if one.token == account.access_token)


@pytest.mark.parametrize("quantity", [2, 4])
def test_what_was_sold_there_is_written_out_of_the_file(
    holding: Holding,
    simulator: Simulator,
    account: MarketplaceAccount,
    quantity: int,
) -> None:
    (listing,) = publish(holding, holding.seats, account)
    control("sell", platform="gametime", external_id=listing.external_id, quantity=quantity)
    MarketplaceAccount.objects.update(polled_at=None)
    assert accounts_sync_due() == 1
    work()
    sale = Sale.objects.get()
    assert (sale.quantity, sale.proceeds, sale.fees) == (quantity, Decimal(84 * quantity), Decimal(0))
    rows = there(simulator, account)
    left = rows.get(listing.external_id)
    assert (left is None) == (quantity == 4)
    if left is not None:
        assert (left["Quantity"], left["SeatFrom"], left["SeatThru"]) == ("2", "3", "4")
    assert on_sale(simulator) == ({listing.external_id: 2} if left else {})
    listing.refresh_from_db()
    assert listing.status == (ListingStatus.SOLD if quantity == 4 else ListingStatus.ACTIVE)
    assert not MarketplaceCommand.objects.exclude(state=CommandState.DONE).exists()


def test_a_file_that_is_written_before_a_sale_is_noticed_does_not_sell_the_seats_again(
    holding: Holding,
    simulator: Simulator,
    account: MarketplaceAccount,
) -> None:
    (one,) = publish(holding, holding.seats[:2], account)
    (two,) = publish(holding, holding.seats[2:], account)
    control("sell", platform="gametime", external_id=one.external_id, quantity=2)
    listing_reprice(
        actor=holding.actor, listing_id=two.pk, price=Decimal("80.00"), version=two.version, reason="", confirmed=False
    )
    work()
    assert not Sale.objects.exists()
    assert set(there(simulator, account)) == {two.external_id}
    assert on_sale(simulator) == {two.external_id: 2}


def test_a_silent_account_is_kept_on_show_by_its_sweep(
    holding: Holding,
    simulator: Simulator,
    account: MarketplaceAccount,
) -> None:
    (listing,) = publish(holding, holding.seats, account)
    start = simulator.clock()
    simulator.clock = lambda: start + timedelta(hours=7).total_seconds()
    simulator.advance()
    assert on_sale(simulator) == {}
    assert accounts_reconcile_due() == 1
    assert commands_drain() == 1
    assert MarketplaceCommand.objects.get(kind=CommandKind.SYNC_ACCOUNT).state == CommandState.DONE
    assert on_sale(simulator) == {listing.external_id: 4}


def test_seats_that_are_sold_elsewhere_come_out_of_the_file(
    holding: Holding,
    simulator: Simulator,
    account: MarketplaceAccount,
) -> None:
    other = connect_token(actor=holding.actor, platform="seatgeek", mode=Mode.PAPER, token="")
    here, elsewhere = publish(holding, holding.seats, account, other)
    control("sell", platform="seatgeek", external_id=elsewhere.external_id, quantity=4)
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    assert there(simulator, account) == {}
    assert on_sale(simulator) == {}
    here.refresh_from_db()
    assert here.status == ListingStatus.CANCELLED
    assert Sale.objects.get().last_delist_at is not None


def test_what_is_left_apart_is_taken_down_and_told(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount
) -> None:
    (listing,) = publish(holding, holding.seats, account)
    control("sell", platform="gametime", external_id=listing.external_id, seats=[2, 3])
    MarketplaceAccount.objects.update(polled_at=None)
    accounts_sync_due()
    work()
    listing.refresh_from_db()
    assert (listing.status, there(simulator, account)) == (ListingStatus.CANCELLED, {})
    assert not MarketplaceCommand.objects.filter(state=CommandState.NEEDS_PERSON).exists()
    assert [seat.state for seat in holding.seats_of(holding.game)] == ["available", "sold", "sold", "available"]


def test_another_password_is_the_same_account_and_another_key_begins_a_file_of_its_own(
    holding: Holding, simulator: Simulator, account: MarketplaceAccount
) -> None:
    publish(holding, holding.seats, account)
    renew = partial(connect_token, actor=holding.actor, platform="gametime", mode=Mode.PAPER)
    assert renew(token=f"{account.access_token}\n\nuser\nnew password").pk == account.pk
    assert AccountFile.objects.filter(account=account).exists()
    simulator.ledger.accounts["other"] = Account("other", "gametime", "another key")
    settled()
    with pytest.raises((Conflict, InvalidInput)):
        renew(token="another key")
    listings_delist(actor=holding.actor, listing_ids=list(Listing.objects.values_list("pk", flat=True)))
    work()
    renew(token="another key")
    assert not AccountFile.objects.filter(account=account).exists()
