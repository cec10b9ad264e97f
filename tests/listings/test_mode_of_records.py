"""I-20: every record says in which market it was made, whatever becomes of its account."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from listings.models import AccountSweep, CommandKind, FoundListing, MarketplaceCommand, PriceHistory
from listings.services.commands import command_write
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import RemoteListing, RemoteListingState
from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.services.connect import account_leave
from tests.market import Market

RECORDS = (MarketplaceCommand, InboundEvent, FoundListing, AccountSweep)


def practised(market: Market) -> MarketplaceAccount:
    """What can happen on a paper account has happened on alpha."""
    market.alpha.listings["hand"] = RemoteListing(
        listing_id="X1", external_id="hand", event_id="", section="900", row="27", seat_from="1", seat_to="2",
        quantity=2, price=Decimal("70.00"), currency="USD", state=RemoteListingState.ACTIVE,
    )  # fmt: skip
    alpha, _ = market.published(market.holding.seats[:2])
    accounts_reconcile_due()
    market.announce("S1", alpha.external_id)
    market.work()
    return market.accounts["alpha"]


def test_what_was_practised_stays_practice_when_its_account_is_worked_by_hand(market: Market) -> None:
    account = practised(market)
    account_leave(actor=market.holding.actor, account_id=account.pk)

    account.refresh_from_db()
    assert account.mode == Mode.ASSISTED
    for model in RECORDS:
        modes = set(model.objects.filter(account=account).values_list("mode", flat=True))
        assert modes == {Mode.PAPER}, model.__name__
    assert set(PriceHistory.objects.values_list("mode", flat=True)) == {Mode.PAPER}


def test_a_command_is_of_the_market_that_its_listing_was_offered_in(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    account_leave(actor=market.holding.actor, account_id=alpha.account_id)
    alpha.refresh_from_db()

    command = command_write(listing=alpha, kind=CommandKind.DELIST, key="later")

    assert (command.by_hand, command.mode) == (True, Mode.PAPER)


@pytest.mark.parametrize("table", ["marketplace_commands", "inbound_events", "found_listings", "account_sweeps"])
def test_the_database_takes_no_record_without_its_mode(market: Market, table: str) -> None:
    practised(market)

    with pytest.raises(IntegrityError, match="mode"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET mode = ''")
