"""The page on which a person decides on an unclear sale, and the API's way."""

import pytest
from django.test import Client

from listings.models import Sale, SaleState
from listings.services.sale_recheck import sale_missing
from portfolios.models import Seat
from seatsync.core.clock import now
from tests.builders import browser
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
    assert "Decide on this sale" not in browser("viewer").get(address).text
    assert browser("other").get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_of_a_sale_that_is_told_no_more_its_own_seats_are_the_answer(market: Market, sale: Sale) -> None:
    owner, address = browser(), f"/portfolio/sales/{sale.pk}/resolve/"
    owner.post(address, {"seats": seats(market, 1, 2)})
    Sale.objects.update(missed_at=now())
    sale_missing(sale=Sale.objects.get())
    assert "Say whether it stands" in owner.get(f"/portfolio/sales/{sale.pk}/").text
    page = owner.get(address)
    assert sorted(page.context["form"]["seats"].value()) == sorted(seats(market, 1, 2))
    assert ("Does this sale stand?" in page.text, "held and off sale" in page.text) == (True, False)


def test_seats_in_several_rows_are_told_apart_and_of_none_nothing_is_held(market: Market, sale: Sale) -> None:
    owner, address = browser(), f"/portfolio/sales/{sale.pk}/resolve/"
    Seat.objects.filter(pk__in=seats(market, 4)).update(row="28")
    assert "131/28 seat 4" in owner.get(address).text
    Sale.objects.update(listing=None)
    Seat.objects.update(state="available", held_by="")
    # What it may have taken, and nobody has, may be chosen.
    assert "131/28 seat 4" in owner.get(address).text
    Sale.objects.update(may_be_of=[])
    assert "No seat of yours is held for it." in owner.get(address).text
