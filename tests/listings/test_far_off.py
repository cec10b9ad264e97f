"""Amounts that can hardly be meant are asked about before anything is kept of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Payout, Sale
from listings.services.by_hand import hand_sold
from listings.services.charged_by_hand import sale_charged
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import payout_receive
from listings.services.sale_report import sale_report
from marketplaces.models import MarketplaceAccount
from seatsync.accounts.services.tokens import tokens_issue
from seatsync.core.errors import InvalidInput
from tests.hands import up
from tests.market import Market

pytestmark = pytest.mark.django_db
Say = Callable[..., Any]


@pytest.fixture
def sale(market: Market, assisted: MarketplaceAccount) -> Sale:
    """Two seats that sold there by hand, of which $151.20 is to come."""
    _, beta = up(market, assisted)
    return hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=[seat.pk for seat in market.holding.seats[:2]],
        price=Decimal("84.00"), order="A-1001", proceeds=Decimal("151.20"),
    )  # fmt: skip


def came(market: Market, sale: Sale, **said: Any) -> Any:
    return sale_paid(actor=market.holding.actor, sale_id=sale.pk, handed_over=True, **said)


def put_right(market: Market, sale: Sale, **said: Any) -> Any:
    payout = Payout.objects.filter(lines__sale=sale).first() or came(market, sale)
    return payout_receive(actor=market.holding.actor, payout_id=payout.pk, **said)


def charged(market: Market, sale: Sale, *, amount: Decimal, **said: Any) -> Any:
    return sale_charged(
        actor=market.holding.actor, sale_id=sale.pk, what="charged", reason="late", amount=amount, **said
    )


def reported(market: Market, sale: Sale, *, amount: Decimal, **said: Any) -> Any:
    return sale_report(
        actor=market.holding.actor, sale_id=sale.pk, what="penalty", reason="they wrote so", charge=amount, **said
    )


@pytest.mark.parametrize(
    ("say", "amount", "field", "words"),
    [
        (came, "500000", "amount", "$500,000.00 is 3,307 times what was expected, $151.20."),
        (put_right, "500000", "amount", "$500,000.00 is 3,307 times what was expected, $151.20."),
        (charged, "99999999", "amount", "$99,999,999.00 is 661,376 times what the sale brings, $151.20."),
        (reported, "99999999", "charge", "$99,999,999.00 is 661,376 times what the sale brings, $151.20."),
    ],
)
def test_what_is_many_times_what_was_expected_is_asked_about_and_kept_once_it_is_meant(
    market: Market, sale: Sale, say: Say, amount: str, field: str, words: str
) -> None:
    if say is put_right:
        came(market, sale)
    payouts = Payout.objects.count()
    with pytest.raises(InvalidInput) as caught:
        say(market, sale, amount=Decimal(amount))
    said, meant = caught.value.problems
    assert (said.field, said.detail, meant.field) == (field, words, "confirmed")
    sale.refresh_from_db()
    assert (Payout.objects.count(), sale.charged, sale.told_charge) == (payouts, Decimal(0), None)
    say(market, sale, amount=Decimal(amount), confirmed=True)
    sale.refresh_from_db()
    kept = sale.told_charge if say is reported else abs(Payout.objects.latest("created_at").net)
    assert kept == Decimal(amount)


@pytest.mark.parametrize(("say", "amount"), [(came, "453.60"), (charged, "756.00"), (reported, "756.00")])
def test_what_a_marketplace_may_well_pay_or_charge_is_not_asked_about(
    market: Market, sale: Sale, say: Say, amount: str
) -> None:
    """Three times what was to come, and five times of it as a charge: penalties of twice a sale are usual."""
    say(market, sale, amount=Decimal(amount))


def test_of_a_sale_whose_proceeds_are_not_told_its_price_is_what_was_expected(market: Market, sale: Sale) -> None:
    Sale.objects.update(proceeds_told=False)
    with pytest.raises(InvalidInput, match=r"times what was expected, \$168\.00\."):
        came(market, sale, amount=Decimal("1000.00"))
    # Where that is not told either, what was asked there; else what tickets bring at most, as a rule.
    Sale.objects.update(gross=0, fees=0, proceeds=0)
    with pytest.raises(InvalidInput, match=r"times what was expected, \$168\.00\."):
        came(market, sale, amount=Decimal("1000.00"))
    Sale.objects.update(listing=None)
    with pytest.raises(InvalidInput, match=r"\$7,000\.00 is more than 2 tickets usually bring\."):
        came(market, sale, amount=Decimal("7000.00"))
    came(market, sale, amount=Decimal("1000.00"))


def test_the_page_keeps_what_was_typed_and_asks_for_a_tick(market: Market, sale: Sale, client: Client) -> None:
    client.force_login(market.holding.user)
    url = reverse("listings:sale_received", args=[sale.pk])
    asked = client.post(url, {"amount": "500000", "handed_over": "on"})
    assert asked.status_code == 422
    assert "3,307 times what was expected" in asked.text
    assert 'value="500000"' in asked.text
    assert 'name="confirmed"' in asked.text
    assert not Payout.objects.exists()
    # What is wrong otherwise asks for no tick.
    assert 'name="confirmed"' not in client.post(url, {"amount": "much"}).text
    client.post(url, {"amount": "500000", "handed_over": "on", "confirmed": "on"})
    assert Payout.objects.get().net == Decimal("500000.00")
    for name, field in (("sale_charged", "amount"), ("sale_report", "charge")):
        page = reverse(f"listings:{name}", args=[sale.pk])
        assert 'name="confirmed"' not in client.get(page).text
        what = "charged" if name == "sale_charged" else "penalty"
        refused = client.post(page, {"what": what, field: "99999999", "reason": "late"})
        assert (refused.status_code, 'name="confirmed"' in refused.text) == (422, True)


def test_the_api_takes_that_it_is_meant(market: Market, sale: Sale) -> None:
    access = tokens_issue(market.holding.user, market.holding.ticket.tenant_id).access
    api = Client(headers={"Authorization": f"Bearer {access}"})
    body = {"amount": "500000.00", "handed_over": True}
    url = reverse("api:sale_received", args=[sale.pk])
    refused = api.post(url, body, content_type="application/json")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["amount", "confirmed"]
    answer = api.post(url, body | {"confirmed": True}, content_type="application/json")
    assert (answer.status_code, answer.json()["net"]) == (200, "500000.00")


def test_what_is_in_the_field_is_what_came(market: Market, sale: Sale, client: Client) -> None:
    """One field, with what was to come in it, and one button: nothing beside it can be overlooked."""
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:payout_list") + "?show=awaited").text
    assert 'name="amount" value="151.20"' in page
    assert "Say that it came" in page
    client.post(reverse("listings:sale_received", args=[sale.pk]), {"amount": "151.20", "handed_over": "on"})
    payout = Payout.objects.get()
    # It is what was to come, and no amount of its own.
    assert (payout.net, payout.received) == (Decimal("151.20"), None)


def test_of_what_its_holder_says_that_came_nobody_told_gross_or_fees(
    market: Market, sale: Sale, client: Client
) -> None:
    came(market, sale, amount=Decimal("140.00"))
    charged(market, sale, amount=Decimal("10.00"))
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:payout_list")).text
    assert "$168.00" not in page
    assert "$16.80" not in page
    assert page.count("not told") == 10
    access = tokens_issue(market.holding.user, market.holding.ticket.tenant_id).access
    api = Client(headers={"Authorization": f"Bearer {access}"})
    assert [row["parts_told"] for row in api.get(reverse("api:payouts")).json()["results"]] == [False, False]


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("840.00", "$840.00 is 10 times what it is up for, $84.00."),
        ("8.40", "$8.40 is less than a third of what it is up"),
    ],
)
def test_a_price_far_from_what_it_is_up_for_is_asked_about(
    market: Market, assisted: MarketplaceAccount, client: Client, price: str, words: str
) -> None:
    _, beta = up(market, assisted)
    client.force_login(market.holding.user)
    url = reverse("listings:listing_sold", args=[beta.pk])
    said = {"seats": [str(seat.pk) for seat in market.holding.seats[:2]], "price": price, "order": "A-1"}
    refused = client.post(url, said)
    assert (refused.status_code, Sale.objects.count()) == (422, 0)
    assert words in refused.text
    assert 'name="confirmed"' in refused.text
    client.post(url, said | {"confirmed": "on"})
    assert Sale.objects.get().gross == Decimal(price) * 2


def test_hardly_anything_left_of_the_price_is_asked_about(
    market: Market, assisted: MarketplaceAccount, client: Client
) -> None:
    _, beta = up(market, assisted)
    client.force_login(market.holding.user)
    url = reverse("listings:listing_sold", args=[beta.pk])
    said = {"seats": [str(seat.pk) for seat in market.holding.seats[:2]], "price": "84.00", "order": "A-1"}
    for low in ("0", "55.99"):
        refused = client.post(url, said | {"proceeds": low})
        assert (refused.status_code, Sale.objects.count()) == (422, 0), low
        assert f"${Decimal(low):.2f} is less than a third of what they sold for, $168.00." in refused.text
        assert 'name="confirmed"' in refused.text
    client.post(url, said | {"proceeds": "0", "confirmed": "on"})
    assert Sale.objects.get().proceeds == Decimal("0.00")
