"""Seats that are priced in a currency that a marketplace does not take are refused before anything is written."""

from decimal import Decimal

import pytest
from django.urls import reverse

from listings.models import Listing, MarketplaceCommand, PriceProposal
from listings.services.net_preview import nets_preview
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.selectors import accounts_able
from portfolios.models import Seat
from seatsync.core.errors import InvalidInput
from seatsync.core.limiters import valkey
from tests.builders import bearer, browser
from tests.market import Market

pytestmark = pytest.mark.django_db
SAID = "Alpha takes prices in USD alone, and these seats are priced in CAD."
REMEDY = "Leave Alpha out: seats are priced in the currency of their season ticket."


@pytest.fixture
def market(market: Market) -> Market:
    """The seats are priced in Canadian dollars, and beta alone takes these."""
    valkey().flushdb()
    Seat.objects.update(currency="CAD")
    market.beta.currencies = ("USD", "CAD")
    return market


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.ASSISTED])
def test_they_are_not_published_where_they_are_not_taken(market: Market, mode: Mode) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(mode=mode)
    market.accounts["alpha"].refresh_from_db()
    with pytest.raises(InvalidInput) as refused:
        market.publish(account_ids=[market.accounts["alpha"].pk])
    assert [(one.field, one.detail, one.remedy) for one in refused.value.problems] == [("accounts", SAID, REMEDY)]
    assert not Listing.objects.exists()
    assert not MarketplaceCommand.objects.exists()
    # Where they are taken they go up.
    (listing,) = market.publish(account_ids=[market.accounts["beta"].pk])
    market.work()
    assert (listing.currency, len(market.beta.shown()), market.alpha.calls) == ("CAD", 1, [])


def test_the_page_and_the_api_say_so_beside_the_field(market: Market) -> None:
    seats = [str(seat.pk) for seat in market.holding.seats[:2]]
    accounts = [str(account.pk) for account in market.accounts.values()]
    asked = {"price": "84.00", "floor": "50.00", "ceiling": "200.00", "split_type": "any", "floor_basis": "list"}
    page = browser().post(
        reverse("analytics:game_publish", args=[market.holding.game.pk]),
        {**asked, "seats": seats, "accounts": accounts},
    )
    assert (page.status_code, SAID in page.text, REMEDY in page.text) == (422, True, True)
    answer = bearer().post(
        "/api/v1/listings/", {**asked, "seat_ids": seats, "account_ids": accounts},
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["detail"], problem["remedy"]) == ("account_ids", SAID, REMEDY)
    assert not Listing.objects.exists()


def test_it_is_said_while_a_price_is_thought_of_and_nobody_is_asked(market: Market) -> None:
    chosen = [seat.pk for seat in market.holding.seats[:2]]
    lines = nets_preview(
        actor=market.holding.actor, accounts=list(accounts_able(market.holding.actor)), price=Decimal("84.00"),
        seat_ids=chosen,
    )  # fmt: skip
    seats = [str(seat_id) for seat_id in chosen]
    assert {line.account.platform: line.outside for line in lines} == {"alpha": f"{SAID} {REMEDY}", "beta": ""}
    assert market.alpha.calls == []
    page = browser().get(
        reverse("analytics:game_net", args=[market.holding.game.pk]), {"price": "84.00", "seats": seats}
    )
    assert f"{SAID} {REMEDY}" in page.text
    told = bearer().get("/api/v1/listings/net/", {"price": "84.00", "seat_ids": seats}).json()
    assert {line["platform"]: line["outside"] for line in told} == {"alpha": f"{SAID} {REMEDY}", "beta": ""}


def test_many_at_once_are_not_priced_anew_in_it(market: Market) -> None:
    """Of what went up when more currencies were taken there."""
    market.alpha.currencies = ("USD", "CAD")
    alpha, beta = market.published()
    market.alpha.currencies = ("USD",)
    chosen = {"listing": [f"{one.pk}:{one.version}" for one in (alpha, beta)], "act": "to", "amount": "80"}
    page = browser().post(reverse("listings:listing_bulk"), {**chosen})
    assert (SAID in page.text, "Take the listing down there." in page.text) == (True, True)
    page = browser().post(reverse("listings:listing_bulk"), {**chosen, "sure": "1"})
    assert SAID in page.text
    alpha.refresh_from_db()
    beta.refresh_from_db()
    assert (alpha.price, beta.price) == (Decimal("84.00"), Decimal("80.00"))
    (verdict,) = [one for one in PriceProposal.objects.get(listing=alpha).verdicts if not one["allowed"]]
    assert verdict["guard"] == "event_bounds"


def test_one_that_waited_is_refused_before_it_is_sent(market: Market) -> None:
    market.alpha.currencies = ("USD", "CAD")
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.alpha.currencies = ("USD",)
    market.work()
    listing = Listing.objects.get()
    assert (listing.status, listing.status_reason) == ("error", f"not published: {SAID} {REMEDY}")
    assert [call for call, _ in market.alpha.calls if call == "create"] == []


def test_a_refusal_names_amounts_in_the_currency_of_the_seats(market: Market) -> None:
    beta = [market.accounts["beta"].pk]
    with pytest.raises(InvalidInput) as refused:
        market.publish(price="210.00", account_ids=beta)
    assert [one.detail for one in refused.value.problems] == ["C$210.00 is outside C$50.00 to C$200.00."]
    market.beta.lacks = frozenset({Capability.PREVIEW})
    with pytest.raises(InvalidInput) as refused:
        market.publish(price="52.00", floor_basis="net", account_ids=beta)
    said = "C$52.00 brings C$46.80 at Beta, below your floor of C$50.00."
    assert [one.detail for one in refused.value.problems] == [said]
