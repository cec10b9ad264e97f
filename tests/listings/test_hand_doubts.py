"""Sales of accounts by hand that contradict each other, or are told again after they were over."""

import pytest

from listings.models import Sale, SaleState
from listings.services.resolve import sale_resolve
from marketplaces.models import MarketplaceAccount
from portfolios.models import OwnerState, Seat
from seatsync.core.errors import Conflict
from tests.hands import up
from tests.listings.test_by_hand import mail_for, take
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    return list(Seat.objects.filter(game=market.holding.game).order_by("seat_number").values_list("state", flat=True))


def test_a_mail_without_seats_takes_none_that_another_unclear_sale_there_holds(
    market: Market, assisted: MarketplaceAccount
) -> None:
    up(market, assisted)
    mail = mail_for(market).replace(b"2 tickets", b"4 tickets")
    several = mail.replace(b"Seats: 2 - 3", b"Seats: 1 - 4").replace(b"</body>", b"<p>Order #B9999-99</p></body>")
    take(market, assisted, several)
    first = Sale.objects.get()
    assert first.state == SaleState.NEEDS_PERSON
    other = mail.replace(b"<td>Seats: 2 - 3</td>", b"").replace(b"B7731-22", b"C1000").replace(b"abc@", b"abd@")
    take(market, assisted, other)
    second = Sale.objects.get(platform_sale_id="C1000")
    assert (second.state, second.state_reason) == (
        SaleState.NEEDS_PERSON, "another sale that is not clear yet may have these seats",
    )  # fmt: skip
    assert states(market) == [OwnerState.HELD] * 4
    seats = [seat.pk for seat in market.holding.seats]
    with pytest.raises(Conflict, match="Another sale has one of these seats"):
        sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=seats)
    sale_resolve(actor=market.holding.actor, sale_id=first.pk, seat_ids=[], reason="it told of two orders")
    sale_resolve(actor=market.holding.actor, sale_id=second.pk, seat_ids=seats)
    second.refresh_from_db()
    assert (second.state, states(market)) == (SaleState.CONFIRMED, [OwnerState.SOLD] * 4)
