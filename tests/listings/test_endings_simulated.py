"""Endings as the platforms tell them, through the real adapters, against the simulator."""

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from listings.expected import expectation_of
from listings.models import Payout, PayoutLine, SaleEnding, SaleState
from listings.services.sale_report import sale_report
from listings.services.sync import account_sync_sales
from marketplaces.registry import adapter_keys, traits_of
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.listings.selling import Seller
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
# Of Gametime's payouts nothing is told that could be charged.
TELLING = [key for key in adapter_keys() if (traits := traits_of(key)) and traits.tells_payouts]
# Vivid Seats has no word for an order that was taken back: it is told no more.
NAMED = [key for key in adapter_keys() if key != "vividseats"]
# Gametime's file names its events in words, and nobody there has mapped this one.
MAPPED = [key for key in NAMED if key != "gametime"]


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


def test_what_the_simulator_cannot_do_to_a_sale_it_refuses(seller: Seller) -> None:
    for wrong in ({"how": "vanish"}, {"how": "penalty"}, {"how": "penalty", "amount": "-1.00"}):
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            end(seller, **wrong)
    end(seller, "replacement", amount="1.00")
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        end(seller, "claim")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        control("call-off", event_id=999)
