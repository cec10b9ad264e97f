"""How a sale goes on and how it ends: amounts that come later, promises that are broken, seats that are shown again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from listings.models import Sale, SaleSeat, SaleState
from listings.services.resolve import sale_resolve
from listings.services.sale_saga import sale_apply, sale_hold_release
from listings.services.sync import sale_read
from marketplaces.contracts import Link, RemoteSaleState
from portfolios.models import OwnerState, Seat
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def test_i01_a_promise_that_is_gone_frees_its_seats_for_the_next_sale(market: Market) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2, 3, 4), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised)
    market.work()
    account = market.accounts["alpha"]
    sale_hold_release(account=account, platform_sale_id=promised.sale_id, reason="the announced sale does not exist")
    market.work()
    sale = Sale.objects.get()
    assert (sale.state, SaleSeat.objects.filter(live=True).exists()) == (SaleState.CANCELLED, False)
    assert Alert.objects.filter(user_id=market.holding.user.pk, kind="sale.cancelled").exists()
    _, again = market.published()
    market.webhook(market.beta.sell(again.external_id, (1, 2, 3, 4)), platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.CONFIRMED
    assert states(market) == [OwnerState.SOLD] * 4
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])


@pytest.mark.parametrize("seats", [(1, 2, 3, 4), (1, 2)])
def test_i03_what_a_marketplace_shows_again_after_a_cancelled_sale_comes_down(
    market: Market, seats: tuple[int, ...]
) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, seats, state=RemoteSaleState.PROVISIONAL)
    market.webhook(sold)
    market.work()
    market.alpha.relist(sold.sale_id)
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.sales[sold.sale_id])
    market.work()
    assert Sale.objects.get().state == SaleState.CANCELLED
    left = [seat for seat in (1, 2, 3, 4) if seat not in seats]
    assert market.alpha.seats[alpha.external_id] == (left or [1, 2, 3, 4])
    assert bool(market.alpha.shown()) is bool(left)


def test_i03_what_a_rejected_sale_gave_back_at_its_marketplace_is_not_offered_there(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    late = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(late, platform=market.beta)
    # It shows them again the moment that it takes the rejection.
    reject = market.beta.reject

    def reject_and_show(link: Link, sale_id: str) -> None:
        reject(link, sale_id)
        market.beta.relist(sale_id)

    market.beta.reject = reject_and_show  # type: ignore[method-assign]
    market.work(rounds=12)
    assert market.beta.shown() == []


def test_a_sale_that_a_person_made_clear_is_confirmed_at_its_marketplace(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False, state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sold)
    market.work()
    seats = Seat.objects.filter(game=market.holding.game, seat_number__in=[1, 2])
    sale = sale_resolve(actor=market.holding.actor, sale_id=Sale.objects.get().pk, seat_ids=[seat.pk for seat in seats])
    assert sale_read(sale=sale)
    market.work()
    assert ("confirm", sold.sale_id) in market.alpha.calls
    assert Sale.objects.get().state == SaleState.CONFIRMED


def test_i25_amounts_and_deadlines_that_are_told_later_are_kept(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.webhook(sold)
    market.work()
    ship_by = now()
    told = replace(sold, gross=Decimal("340.00"), fees=Decimal("20.00"), proceeds=Decimal("320.01"), ship_by=ship_by)
    sale_apply(account=market.accounts["alpha"], remote=told)
    sale = Sale.objects.get()
    assert (sale.gross, sale.fees, sale.proceeds, sale.rounding, sale.ship_by) == (
        Decimal("340.00"), Decimal("20.00"), Decimal("320.01"), Decimal("-0.01"), ship_by,
    )  # fmt: skip
    alpha.refresh_from_db()
    assert alpha.final_price == Decimal("85.00")
    version = sale.version
    sale_apply(account=market.accounts["alpha"], remote=told)
    assert Sale.objects.get().version == version


def test_the_time_to_the_last_delist_is_noted_also_where_a_newer_sale_took_the_seats_off_as_well(
    market: Market,
) -> None:
    alpha, _ = market.published()
    for seat in (1, 2):
        market.webhook(market.alpha.sell(alpha.external_id, (seat,)))
    market.work()
    assert Sale.objects.count() == 2
    assert not Sale.objects.filter(notice_to_last_delist_ms=None).exists()
