"""Endings as the platforms tell them, through the real adapters, against the simulator."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
import time_machine

from listings.expected import expectation_of
from listings.models import Payout, PayoutLine, SaleEnding, SaleState
from listings.selectors import deadlines
from listings.services.charged_by_hand import sale_charged
from listings.services.fulfil import sale_fulfil, ways_of
from listings.services.outbox import commands_drain
from listings.services.sale_report import sale_report
from listings.services.sync import account_sync_sales, sale_read
from marketplaces.delivery import HandOver
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_keys, hand_overs_of, traits_of
from marketplaces.services.connect import accounts_close, disconnect
from marketplaces.simulator import delivery
from marketplaces.simulator.app import Simulator
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.limited import Counted
from tests.listings.selling import Seller, sell, sell_and_hand_over
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
# Of Gametime's payouts nothing is told that could be charged.
TELLING = [key for key in adapter_keys() if (traits := traits_of(key)) and traits.tells_payouts]
# Vivid Seats has no word for an order that was taken back: it is told no more.
NAMED = [key for key in adapter_keys() if key != "vividseats"]
# Gametime's file names its events in words, and nobody there has mapped this one.
MAPPED = [key for key in NAMED if key != "gametime"]

LINKS = ["https://transfer.example/8", "https://transfer.example/9"]


def read(seller: Seller) -> None:
    """The account's sales are polled."""
    seller.travel.shift(timedelta(minutes=2))
    account_sync_sales(account=seller.account)
    work()


def states(seller: Seller) -> list[str]:
    own = Seat.objects.filter(game=seller.holding.game).order_by("seat_number")
    return list(own.values_list("state", flat=True)[:2])


def end(seller: Seller, how: str, **more: str) -> None:
    control("end", sale_id=int(seller.sale.platform_sale_id), how=how, **more)


@pytest.mark.parametrize("seller", ["stubhub", "seatgeek"], indirect=True)
def test_a_complaint_keeps_the_money_back_until_it_is_settled(seller: Seller) -> None:
    due = expectation_of(seller.sale).at
    assert due is not None
    end(seller, "claim", reason="Refused at the gate")
    read(seller)
    assert (seller.sale.ending, states(seller)) == (SaleEnding.CLAIM, ["sold", "sold"])
    seller.go(due + timedelta(days=30))
    assert not Payout.objects.filter(paid_at__isnull=False).exists()
    assert not Alert.objects.filter(kind="payout.late").exists()
    end(seller, "settle")
    read(seller)
    assert seller.sale.ending == ""
    seller.go(now() + timedelta(days=8))
    assert (seller.sale.state, PayoutLine.objects.get().net) == (SaleState.COMPLETE, seller.sale.proceeds)


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek"])
@pytest.mark.parametrize("asked_again", [False, True])
def test_what_is_handed_over_under_a_complaint_is_handed_over(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str, *, asked_again: bool
) -> None:
    make = sell_and_hand_over if asked_again else sell
    seller, way = make(holding, simulator, travel, platform), hand_overs_of(platform)[0]
    if asked_again:
        control("wants", sale_id=int(seller.sale.platform_sale_id), again="the buyer could not take it")
        sale_read(sale=seller.sale)
    assert ways_of(seller.sale)
    end(seller, "claim", reason="Refused at the gate")
    read(seller)
    given = (LINKS, "") if way is HandOver.TRANSFER_URL else ([], "CONF-2")
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method=way, transfer_urls=given[0], confirmation=given[1])
    work()
    there = simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    assert there.fulfilled
    for _ in range(2):
        # Nobody hands it over once more: that would be a second transfer.
        sale = seller.sale
        assert (sale.state, sale.ending, sale.asked_again_at) == (SaleState.FULFILLED, SaleEnding.CLAIM, None)
        assert (ways_of(sale), list(deadlines(holding.actor))) == ((), [])
        assert not Alert.objects.filter(kind__in=["sale.again", "sale.sold"], state="firing").exists()
        read(seller)
    assert [what for what, _ in there.acts].count("hand_over") == 1 + asked_again
    end(seller, "settle")
    read(seller)
    assert (seller.sale.state, seller.sale.ending) == (SaleState.FULFILLED, "")


@pytest.mark.parametrize("lost", ["answer", "word"])
def test_what_seatgeek_has_under_a_complaint_is_not_handed_over_twice(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, lost: str
) -> None:
    seller = sell(holding, simulator, travel, "seatgeek")
    there = simulator.ledger.sales[int(seller.sale.platform_sale_id)]
    if lost == "answer":
        control("faults", add=[{"kind": "timeout_after", "route": "PATCH /order", "count": 1}])
        sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method="transfer_url", transfer_urls=LINKS)
        commands_drain()
    else:
        # On its own site.
        delivery.hand_over(there, "transfer_url", {}, now().timestamp())
    assert (there.fulfilled, seller.sale.state) == (True, SaleState.CONFIRMED)
    end(seller, "claim", reason="Refused at the gate")
    seller.travel.shift(timedelta(minutes=10))
    if lost == "answer":
        work()
    else:
        read(seller)
    assert (seller.sale.state, seller.sale.ending) == (SaleState.FULFILLED, SaleEnding.CLAIM)
    assert [what for what, _ in there.acts].count("hand_over") == 1
    assert ways_of(seller.sale) == ()


@pytest.mark.parametrize("seller", TELLING, indirect=True)
def test_a_penalty_comes_with_a_payout_and_leaves_the_sale_and_what_was_paid(seller: Seller) -> None:
    control("pay", platform=seller.account.platform)
    seller.go(now() + timedelta(hours=1))
    assert (seller.sale.state, seller.sale.ending) == (SaleState.COMPLETE, "")
    end(seller, "penalty", amount="42.50", reason="Penalty for late delivery")
    control("pay", platform=seller.account.platform)
    seller.go(now() + timedelta(hours=1))
    sale = seller.sale
    assert (sale.state, sale.ending, sale.charged) == (SaleState.COMPLETE, SaleEnding.PENALTY, Decimal("42.50"))
    assert [line.net for line in PayoutLine.objects.order_by("created_at")] == [sale.proceeds, Decimal("-42.50")]
    assert states(seller) == ["sold", "sold"]
    if seller.account.platform in {"stubhub", "seatgeek"}:
        assert sale.ending_reason.lower() == "penalty for late delivery"


@pytest.mark.parametrize("seller", NAMED, indirect=True)
def test_a_sale_that_is_taken_back_frees_its_seats_and_lists_nothing(seller: Seller) -> None:
    control("advance", sale_id=int(seller.sale.platform_sale_id), to="cancelled")
    read(seller)
    assert (seller.sale.state, seller.sale.ending) == (SaleState.CANCELLED, SaleEnding.CANCELLED)
    assert states(seller) == ["available", "available"]
    assert not [one for one in seller.simulator.ledger.listings.values() if one.state == "active"]
    seller.go(now() + timedelta(days=60))
    assert not Payout.objects.filter(paid_at__isnull=False).exists()


@pytest.mark.parametrize("seller", TELLING, indirect=True)
def test_other_tickets_for_the_buyer_are_charged_and_what_was_paid_is_taken_back(seller: Seller) -> None:
    platform = seller.account.platform
    control("pay", platform=platform)
    seller.go(now() + timedelta(hours=1))
    end(seller, "replacement", amount="210.00", reason="Replacement tickets")
    control("pay", platform=platform)
    if platform == "vividseats":
        # It tells of the order no more: its holder says what it wrote.
        sale_report(
            actor=seller.holding.actor, sale_id=seller.sale.pk, what="replacement", reason="replaced",
            charge=Decimal("210.00"),
        )  # fmt: skip
    else:
        read(seller)
    seller.go(now() + timedelta(hours=1))
    sale = seller.sale
    assert (sale.state, states(seller)) == (SaleState.CANCELLED, ["available", "available"])
    nets = [line.net for line in PayoutLine.objects.order_by("created_at")]
    assert nets == [sale.proceeds, -sale.proceeds - Decimal("210.00")]
    assert sale.charged == sale.proceeds + Decimal("210.00")
    assert not Alert.objects.filter(kind="payout.unexplained").exists()


@pytest.mark.parametrize("seller", MAPPED, indirect=True)
def test_a_game_that_its_platforms_call_off_takes_its_sales_back(seller: Seller) -> None:
    control("call-off", event_id=501)
    read(seller)
    assert (seller.sale.state, states(seller)) == (SaleState.CANCELLED, ["available", "available"])
    control("pay", platform=seller.account.platform)
    seller.go(now() + timedelta(days=30))
    assert not Payout.objects.filter(paid_at__isnull=False).exists()


@pytest.mark.parametrize("seller", ["vividseats"], indirect=True)
def test_an_order_that_is_told_no_more_is_cancelled_when_its_holder_says_so(seller: Seller) -> None:
    control("advance", sale_id=int(seller.sale.platform_sale_id), to="cancelled")
    read(seller)
    assert seller.sale.state == SaleState.FULFILLED
    sale_report(actor=seller.holding.actor, sale_id=seller.sale.pk, what="cancelled", reason="they wrote so")
    assert (seller.sale.state, states(seller)) == (SaleState.CANCELLED, ["available", "available"])


@pytest.mark.parametrize("what", ["cancelled", "replacement"])
def test_of_an_account_that_was_left_its_holder_alone_can_say_that_a_sale_is_over(
    seller: Seller, line: Counted, what: str
) -> None:
    control("pay", platform="stubhub")
    seller.go(now() + timedelta(hours=1))
    disconnect(actor=seller.holding.actor, account_id=seller.account.pk)
    work()
    accounts_close()
    account = MarketplaceAccount.objects.get()
    assert (account.is_active, account.access_token, seller.sale.state) == (False, "", SaleState.COMPLETE)
    end(seller, "cancel")
    sent = len(line.arrived)
    sale_report(actor=seller.holding.actor, sale_id=seller.sale.pk, what=what, reason="they wrote so")
    assert (seller.sale.state, seller.sale.ending, states(seller)) == (
        SaleState.CANCELLED, what, ["available", "available"],
    )  # fmt: skip
    # Nothing is asked over a grant that was given up, and what was paid is reversed by what he says of it alone.
    assert len(line.arrived) == sent
    sale_charged(
        actor=seller.holding.actor, sale_id=seller.sale.pk, what="taken_back", amount=seller.sale.proceeds,
        reason="Taken from the card",
    )  # fmt: skip
    assert [row.net for row in PayoutLine.objects.order_by("created_at")] == [
        seller.sale.proceeds, -seller.sale.proceeds,
    ]  # fmt: skip


def test_what_the_simulator_cannot_do_to_a_sale_it_refuses(seller: Seller) -> None:
    for wrong in ({"how": "vanish"}, {"how": "penalty"}, {"how": "penalty", "amount": "-1.00"}):
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            end(seller, **wrong)
    end(seller, "replacement", amount="1.00")
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        end(seller, "claim")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        control("call-off", event_id=999)
