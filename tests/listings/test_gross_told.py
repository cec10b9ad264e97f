"""Whether a sale's price is known is said of each sale: some marketplaces tell none, their holders and mails may."""

from dataclasses import replace
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.urls import reverse

from listings.models import Sale, SaleState
from listings.selectors import hand_tasks
from listings.services.by_hand import hand_done, hand_sold
from listings.services.conflicts import conflict_told
from listings.services.publish import listing_publish
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import as_told
from marketplaces.contracts import RemoteSaleState
from marketplaces.services.connect import connect_assisted
from seatsync.accounts.models import User
from tests.builders import Holding, bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
NOT_TOLD = "Gross and fees</dt>"


@pytest.mark.parametrize("platform", ["gametime", "vividseats"])
def test_what_its_holder_says_is_told_where_its_marketplace_tells_none(holding: Holding, platform: str) -> None:
    # What a person lists with his hands is no practice.
    User.objects.filter(pk=holding.user.pk).update(kyc_status="approved")
    account = connect_assisted(actor=holding.actor, platform=platform)
    (made,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    hand_done(actor=holding.actor, command_id=hand_tasks(holding.actor).get(listing=made).pk)
    sale = hand_sold(
        actor=holding.actor, listing_id=made.pk, seat_ids=[seat.pk for seat in holding.seats[:2]],
        price=Decimal("84.00"), order="O-1", proceeds=Decimal("150.00"),
    )  # fmt: skip
    client = browser()
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert (NOT_TOLD in page, "Gross, as listed</dt><dd>$168.00" in page, "$18.00" in page) == (False, True, True)
    rows = client.get(reverse("listings:sale_list")).text
    assert ("$168.00" in rows, "not told" in rows) == (True, False)
    told = bearer().get(f"/api/v1/sales/{sale.pk}/").json()
    assert (told["gross"], told["gross_told"]) == ("168.00", True)


def test_a_price_that_nobody_tells_is_not_what_reaches_the_seller(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    guessed = replace(sold, gross=sold.proceeds, fees=Decimal("0.00"), gross_known=False)
    market.alpha.sales[sold.sale_id] = guessed
    market.webhook(guessed)
    sale = Sale.objects.get()
    assert (sale.gross_told, sale.price_told, sale.proceeds) == (False, False, Decimal("151.20"))
    page = browser().get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert (NOT_TOLD in page, "Gross, as listed" in page) == (True, False)
    assert bearer().get(f"/api/v1/sales/{sale.pk}/").json()["gross_told"] is False
    # What is done of our own row tells no price either; its marketplace may tell it later.
    sale_apply(account=sale.account, remote=as_told(sale))
    sale.refresh_from_db()
    assert not sale.gross_told
    sale_apply(account=sale.account, remote=sold)
    sale.refresh_from_db()
    assert (sale.gross_told, sale.gross, sale.fees) == (True, Decimal("168.00"), Decimal("16.80"))


def test_a_penalty_of_twice_the_price_is_reckoned_of_a_price_alone(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    twice = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(twice, platform=market.beta)
    sale = Sale.objects.get(platform="beta")
    assert sale.state == SaleState.CONFLICT
    costs = []
    for known in (True, False):
        sale.gross_told = known
        told = conflict_told(sale)
        assert told is not None
        costs.append("$336.00" in told.cost)
    assert costs == [True, False]


def test_sales_from_before_are_told_as_they_came(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    tell = import_module("listings.migrations.0042_sales_gross_told").tell
    cases = [
        ("vividseats", "PENDING_SHIPMENT", True, "0.00", False), ("gametime", "told by hand", True, "0.00", True),
        ("alpha", "told by mail", True, "0.00", False), ("vividseats", "told by mail", False, "16.80", True),
        ("alpha", "confirmed", True, "0.00", True),
    ]  # fmt: skip
    for platform, word, proceeds_told, fees, known in cases:
        Sale.objects.update(
            platform=platform, remote_status=word, proceeds_told=proceeds_told, fees=fees, gross_told=True,
            proceeds=Decimal("168.00") - Decimal(fees), rounding=0,
        )  # fmt: skip
        tell(apps, None)
        assert Sale.objects.get().gross_told == known, (platform, word)
