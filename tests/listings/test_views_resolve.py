"""The page on which a person decides on an unclear sale, and the API's way."""

import pytest
from django.test import Client

from listings.models import Sale, SaleState
from portfolios.models import Seat
from tests.listings.test_views_fulfil import browser
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False))
    market.work()
    return Sale.objects.get()


def seats(market: Market, *numbers: int) -> list[str]:
    found = Seat.objects.filter(game=market.holding.game, seat_number__in=numbers)
    return [str(seat.pk) for seat in found]


def test_a_holder_says_which_seats_it_took(market: Market, sale: Sale) -> None:
    owner, address = browser(), f"/portfolio/sales/{sale.pk}/resolve/"
    assert address in owner.get(f"/portfolio/sales/{sale.pk}/").text
    assert "Seat 3" in owner.get(address).text
    assert owner.post(address, {"seats": seats(market, 1, 2)}).status_code == 302
    sale.refresh_from_db()
    assert sale.state == SaleState.CONFIRMED
    assert "Only an unclear sale waits for you" in owner.get(address).text


def test_the_wrong_number_stays_on_the_page_with_its_reason(market: Market, sale: Sale) -> None:
    answer = browser().post(f"/portfolio/sales/{sale.pk}/resolve/", {"seats": seats(market, 1)})
    assert answer.status_code == 422
    assert "The buyer took 2, and you chose 1." in answer.text
    answer = browser().post(f"/portfolio/sales/{sale.pk}/resolve/", {})
    assert answer.status_code == 422
    assert "A reason is missing." in answer.text
    sale.refresh_from_db()
    assert sale.state == SaleState.NEEDS_PERSON


def test_a_viewer_sees_no_form_and_a_stranger_nothing(market: Market, sale: Sale) -> None:
    address = f"/portfolio/sales/{sale.pk}/resolve/"
    assert "Decide on this sale" not in browser("viewer@example.com").get(address).text
    assert browser("other@example.com").get(address).status_code == 404
    assert Client().get(address).status_code == 302
