"""A sale whose marketplace says another number of seats later: seats and money follow, or its people are asked."""

from dataclasses import replace
from decimal import Decimal

import pytest

from listings.models import Sale, SaleState
from listings.services.resolve import sale_resolve
from listings.services.sale_known import sales_new
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import RemoteSale
from portfolios.models import Seat
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return [seat.state for seat in Seat.objects.filter(game=market.holding.game).order_by("seat_number")]


def live_seats(sale: Sale) -> list[int]:
    return sorted(sale.sale_seats.filter(live=True).values_list("seat__seat_number", flat=True))


def sold(market: Market, seats: tuple[int, ...]) -> RemoteSale:
    """Seats of a listing of 1 to 4 are sold on Alpha; what is left stays up there and on Beta."""
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, seats)
    market.webhook(remote)
    market.work()
    return remote


def told_again(market: Market, remote: RemoteSale, quantity: int, seats: tuple[str, ...] = ()) -> Sale:
    """The next poll tells it of another number of seats, at the same price each."""
    share = Decimal(quantity) / remote.quantity
    changed = replace(
        remote, quantity=quantity, seats=seats, gross=remote.gross * share, fees=remote.fees * share,
        proceeds=remote.proceeds * share,
    )  # fmt: skip
    account = market.accounts["alpha"]
    assert sales_new(account, [changed]) == [changed]
    sale = sale_apply(account=account, remote=changed)
    # Once more, as every poll does.
    sale_apply(account=account, remote=changed)
    market.work()
    sale.refresh_from_db()
    return sale


@pytest.mark.parametrize("allocates", [False, True], ids=["named by nobody", "given by the seller"])
def test_i04_of_fewer_seats_its_holder_says_which_and_the_others_are_his_again(market: Market, allocates: bool) -> None:
    market.alpha.seller_allocates = allocates
    sale = told_again(market, sold(market, (1, 2, 3)), 1)
    assert (sale.state, sale.quantity, sale.gross) == (SaleState.NEEDS_PERSON, 1, Decimal("84.00"))
    assert "of 1 seat by now" in sale.state_reason
    assert states(market) == ["sold", "sold", "sold", "available"]
    assert market.beta.shown() != []
    assert Alert.objects.filter(kind="sale.unclear", user_id=market.holding.user.pk, state="firing").count() == 1
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[market.holding.seats[1].pk])
    sale.refresh_from_db()
    assert (sale.state, live_seats(sale)) == (SaleState.CONFIRMED, [2])
    assert states(market) == ["available", "sold", "available", "available"]
    market.work()
    assert {tuple(seats) for seats in market.beta.seats.values()} == {(4,)}


def test_i03_of_more_seats_all_that_it_may_have_are_off_sale_until_its_holder_says_which(market: Market) -> None:
    sale = told_again(market, sold(market, (1, 2)), 3)
    assert (sale.state, sale.quantity) == (SaleState.NEEDS_PERSON, 3)
    assert states(market) == ["sold", "sold", "held", "held"]
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seat.pk for seat in market.holding.seats[:3]])
    sale.refresh_from_db()
    assert (sale.state, live_seats(sale)) == (SaleState.CONFIRMED, [1, 2, 3])
    assert states(market) == ["sold", "sold", "sold", "available"]


def test_what_its_marketplace_takes_back_of_its_word_needs_nobody(market: Market) -> None:
    remote = sold(market, (1, 2))
    told_again(market, remote, 1)
    sale = sale_apply(account=market.accounts["alpha"], remote=replace(remote, seats=()))
    assert (sale.state, live_seats(sale), sale.quantity) == (SaleState.CONFIRMED, [1, 2], 2)
    assert not Alert.objects.filter(kind="sale.unclear", state="firing").exists()


def test_seats_that_its_marketplace_names_by_now_are_its_seats_and_its_people_hear_of_it(market: Market) -> None:
    sale = told_again(market, sold(market, (1, 2, 3)), 2, ("1", "2"))
    assert (sale.state, live_seats(sale), sale.quantity, sale.gross) == ("confirmed", [1, 2], 2, Decimal("168.00"))
    assert states(market) == ["sold", "sold", "available", "available"]
    assert {tuple(seats) for seats in market.beta.seats.values()} == {(4,)}
    alert = Alert.objects.get(kind="sale.recounted", user_id=market.holding.user.pk)
    assert (alert.severity, alert.title) == ("action", f"Alpha changed sale {sale.platform_sale_id}: seats 1, 2")
    assert "Seat 3 is yours again, and offered nowhere" in alert.body
