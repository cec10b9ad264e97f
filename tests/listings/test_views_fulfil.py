"""The page that hands a sale's tickets over."""

import pytest
from django.test import Client

from listings.models import Sale, SaleState
from marketplaces.delivery import HandOver
from tests.builders import browser
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    return Sale.objects.get()


def test_a_holder_hands_over_and_the_sale_says_so(market: Market, sale: Sale) -> None:
    owner = browser()
    page = owner.get(f"/portfolio/sales/{sale.pk}/")
    assert f"/portfolio/sales/{sale.pk}/hand-over/" in page.text
    answer = owner.post(
        f"/portfolio/sales/{sale.pk}/hand-over/", {"method": "mobile_transfer", "confirmation": "TX-77"}
    )
    assert answer.status_code == 302
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED
    assert "told" in owner.get(f"/portfolio/sales/{sale.pk}/hand-over/").text
    # The proof is on the sale's page, for whose account it is alone.
    assert "Number: TX-77" in owner.get(f"/portfolio/sales/{sale.pk}/").text
    assert "TX-77" not in browser("viewer").get(f"/portfolio/sales/{sale.pk}/").text


def test_bad_proof_stays_on_the_page_with_what_was_typed(market: Market, sale: Sale) -> None:
    answer = browser().post(
        f"/portfolio/sales/{sale.pk}/hand-over/", {"method": "transfer_url", "transfer_urls": "http://nowhere"}
    )
    assert answer.status_code == 422
    assert "1 addresses for 2 tickets." in answer.text
    assert "is no https address" in answer.text
    assert "http://nowhere" in answer.text


def test_a_viewer_sees_no_form_and_a_stranger_nothing(market: Market, sale: Sale) -> None:
    page = browser("viewer").get(f"/portfolio/sales/{sale.pk}/hand-over/")
    assert page.status_code == 200
    assert "Confirmation number" not in page.text
    assert browser("other").get(f"/portfolio/sales/{sale.pk}/hand-over/").status_code == 404
    assert Client().get(f"/portfolio/sales/{sale.pk}/hand-over/").status_code == 302


def test_the_form_offers_what_the_marketplace_takes_and_no_more(market: Market, sale: Sale) -> None:
    market.alpha.hand_overs = (HandOver.TRANSFER_URL,)
    owner, address = browser(), f"/portfolio/sales/{sale.pk}/hand-over/"
    page = owner.get(address).text
    assert "By a transfer link a ticket" in page
    assert "ticket app" not in page
    assert 'name="confirmation"' not in page
    answer = owner.post(address, {"method": "mobile_transfer", "confirmation": "TX-77"})
    assert answer.status_code == 422
    assert "Alpha does not take mobile_transfer." in answer.text
    links = "https://t.example/1\nhttps://t.example/2"
    assert owner.post(address, {"method": "transfer_url", "transfer_urls": links}).status_code == 302
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


def test_where_no_proof_is_taken_the_page_says_what_to_do_instead(market: Market, sale: Sale) -> None:
    market.alpha.hand_overs = ()
    page = browser().get(f"/portfolio/sales/{sale.pk}/hand-over/").text
    assert f"open sale {sale.platform_sale_id} and hand the tickets over there" in page
    assert 'name="method"' not in page
