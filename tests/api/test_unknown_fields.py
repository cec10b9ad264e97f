"""A field that is not read is refused: an answer of success would say that it had been."""

from collections.abc import Callable
from typing import Any

import pytest

from listings.models import Listing, PriceProposal
from tests.api.conftest import As
from tests.api.test_api import fields, wish
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_an_offer_in_another_currency_is_not_made_in_ours(market: Market, as_: As) -> None:
    answer = as_("owner").post("/listings/", {**wish(market), "currency": "EUR"})
    assert (answer.status_code, fields(answer)) == (422, ["currency"])
    assert answer.json()["errors"][0] == {
        "field": "currency", "detail": "This is not taken here.",
        "remedy": "Leave it out. Taken here: seat_ids, account_ids, price, floor, ceiling, split_type, floor_basis "
        "and list_until.",
    }  # fmt: skip
    assert not Listing.objects.exists()


def test_a_price_in_another_currency_changes_none(market: Market, as_: As) -> None:
    alpha, _ = market.published()
    said = {"price": "88.00", "version": alpha.version, "currency": "EUR"}
    answer = as_("owner").post(f"/listings/{alpha.pk}/price/", said)
    assert (answer.status_code, fields(answer)) == (422, ["currency"])
    remedy = "Leave it out. Taken here: price, version, reason and confirmed."
    assert answer.json()["errors"][0]["remedy"] == remedy
    before = alpha.price
    alpha.refresh_from_db()
    assert (alpha.price, PriceProposal.objects.count()) == (before, 0)


Path = Callable[[Market, Listing], str]
OTHERS: dict[str, tuple[str, Path, dict[str, Any]]] = {
    "delist": ("POST", lambda _, listing: f"/listings/{listing.pk}/delist/", {}),
    "publish again": ("POST", lambda _, listing: f"/listings/{listing.pk}/publish/", {}),
    "brake": ("POST", lambda *_: "/trading-states/", {}),
    "mapping": ("POST", lambda *_: "/mapping/", {}),
    "seat": ("PATCH", lambda market, _: f"/seats/{market.holding.seats[0].pk}/", {"state": "attending", "reason": "x"}),
    "new season ticket": ("POST", lambda *_: "/season-tickets/", {}),
    "season ticket": ("PATCH", lambda market, _: f"/season-tickets/{market.holding.ticket.pk}/", {}),
    "account": ("POST", lambda *_: "/marketplace-accounts/", {}),
    "prediction": ("POST", lambda *_: "/predictions/", {}),
}


@pytest.mark.parametrize("case", OTHERS)
def test_no_request_takes_a_field_that_it_does_not_read(market: Market, as_: As, case: str) -> None:
    alpha, _ = market.published()
    method, path, body = OTHERS[case]
    answer = as_("owner").send(method, path(market, alpha), {**body, "curency": "EUR"})
    assert (answer.status_code, fields(answer)) == (422, ["curency"])
    assert answer.json()["errors"][0]["remedy"].startswith("Leave it out. Taken here: ")
    before = alpha.version
    alpha.refresh_from_db()
    assert alpha.version == before
