"""A sale from before its account was connected, and what was paid for it then: found, and never called late."""

from datetime import timedelta

import pytest
import time_machine

from listings.models import Payout, PayoutLine, Sale
from listings.services.payout_checks import payouts_check
from listings.services.payouts import accounts_sync_payouts
from listings.services.stock import stock_order
from marketplaces.contracts import Grant
from marketplaces.delivery import Fulfilment
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, hand_overs_of
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import PROOF
from tests.listings.simulated import control, game_in, work

pytestmark = pytest.mark.django_db
BEFORE = timedelta(days=90)


def paid_long_ago(
    simulator: Simulator, holding: Holding, travel: time_machine.Traveller, platform: str
) -> MarketplaceAccount:
    """Its holder sold two seats there by hand, handed them over and was paid; three months later he connects it."""
    game_in(holding.game, 120)
    began, held = now(), control("accounts", platform=platform)
    seats = holding.seats_of(holding.game)[:2]
    control(
        "listings", platform=platform, account_id=held["account_id"], event_id=501, section=seats[0].section,
        row=seats[0].row, seats=[seat.seat_number for seat in seats], quantity=2, price="84.00",
    )  # fmt: skip
    (made,) = simulator.ledger.listings
    sold = control("sell", platform=platform, listing_id=str(made), quantity=2)
    link = links.bare_link(platform, "paper", Grant(held["access_token"], "", None, held["account_id"]))
    way = hand_overs_of(platform)[0]
    adapter_get(platform).confirm(link, str(sold["sale_id"]))
    adapter_get(platform).fulfil(link, str(sold["sale_id"]), Fulfilment(method=way, **PROOF[way]))
    for day in range(1, 16):
        travel.move_to(began + timedelta(days=day))
        simulator.tick()
    control("pay", platform=platform)
    travel.move_to(began + BEFORE)
    simulator.tick()
    return MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=holding.user, platform=platform, sales_synced_until=now(),
        access_token=control("accounts", platform=platform, account_id=held["account_id"])["access_token"],
        account_id=held["account_id"],
    )  # fmt: skip


@pytest.mark.parametrize("first", ["sale", "payment"])
# SeatGeek's orders name no seats, so that a person says which they were.
@pytest.mark.parametrize("platform", ["stubhub", "vividseats", "ticketmaster"])
def test_what_was_paid_before_is_read_and_is_no_news(
    simulator: Simulator, holding: Holding, travel: time_machine.Traveller, platform: str, first: str
) -> None:
    account = paid_long_ago(simulator, holding, travel, platform)
    if first == "payment":
        # Its payments are read before anybody knows of its sales.
        accounts_sync_payouts()
    stock_order(account.pk)
    work()
    assert Sale.objects.get().account == account
    for later in (0, 8, 40, 70):
        travel.move_to(account.created_at + timedelta(days=later))
        simulator.tick()
        accounts_sync_payouts()
        payouts_check()
    (line,) = PayoutLine.objects.filter(sale=Sale.objects.get(), gross__gt=0)
    assert line.payout.paid_at is not None
    assert line.payout.paid_at < account.created_at
    assert Payout.objects.exclude(pk=line.payout_id).filter(paid_at__isnull=False).count() == 0
    assert not Alert.objects.filter(kind__startswith="payout").exists()
