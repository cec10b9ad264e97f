"""What a price would bring, before anything is listed."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

import pytest

from marketplaces.adapters.gametime.adapter import Gametime
from marketplaces.contracts import Capability, Constraints
from marketplaces.models import FeeVersion, LeastPriceVersion, MarketplaceAccount
from marketplaces.services.bounds import event_bounds_keep
from portfolios.services.mapping import event_mapping_confirm
from tests.api.conftest import As
from tests.market import Market


def test_each_account_that_could_list_it_tells_what_would_reach_the_seller(market: Market, as_: As) -> None:
    FeeVersion.objects.filter(platform="beta").delete()
    lines = as_("owner").get("/listings/net/?price=84.05").json()
    assert [(line["platform"], line["net"], line["fee_percent"]) for line in lines] == [
        ("alpha", "75.64", "10.000"), ("beta", None, None),
    ]  # fmt: skip
    MarketplaceAccount.objects.filter(platform="beta").update(needs_reconnect=True)
    assert len(as_("owner").get("/listings/net/?price=84").json()) == 1
    assert as_("other").get("/listings/net/?price=84").json() == []


def test_what_gametime_is_asked_for_a_ticket_is_what_it_brings(market: Market, as_: As) -> None:
    holder = market.holding
    MarketplaceAccount.objects.create(tenant_id=holder.ticket.tenant_id, user=holder.user, platform="gametime")
    (fee,) = Gametime.traits.fees
    FeeVersion.objects.create(platform="gametime", side="seller", **asdict(fee))
    lines = as_("owner").get("/listings/net/?price=84.05").json()
    nets = {line["platform"]: (line["net"], line["fee_percent"]) for line in lines}
    assert nets["gametime"] == ("84.05", "0.000")


def test_with_its_seats_who_previews_fees_is_asked_and_each_line_says_how_it_is_known(market: Market, as_: As) -> None:
    market.alpha.takes, market.beta.lacks = Decimal(13), frozenset({Capability.PREVIEW})
    seats = "&".join(f"seat_ids={seat.pk}" for seat in market.holding.seats[:2])
    lines = as_("owner").get(f"/listings/net/?price=84.00&{seats}").json()
    assert [(line["platform"], line["net"], line["basis"], line["said"], line["fee_from"]) for line in lines] == [
        ("alpha", "73.08", "preview", "previewed by Alpha", None),
        ("beta", "75.60", "fee_schedule", "from Beta's fee schedule of 1 Jan 2024", "2024-01-01"),
    ]  # fmt: skip
    assert as_("other").get(f"/listings/net/?price=84.00&{seats}").status_code == 404
    wrong = as_("owner").get("/listings/net/?price=84.00&seat_ids=none")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "seat_ids")


@pytest.mark.parametrize("query", ["", "price=", "price=-1", "price=0", "price=abc", "price=1e400", "price=1.234"])
def test_a_price_that_is_none_is_refused(market: Market, as_: As, query: str) -> None:
    answer = as_("owner").get(f"/listings/net/?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "price")


def test_what_a_price_must_keep_to_is_told_of_the_seats_game(market: Market, as_: As) -> None:
    game, day = market.holding.game, date(2026, 3, 1)
    LeastPriceVersion.objects.create(
        team=game.home_team, min_price=Decimal("70.00"), valid_from=day, source="terms", checked_on=day
    )
    event_mapping_confirm(game=game, platform="alpha", paper=True, remote_event_id="A-1", by="test")
    event_bounds_keep(platform="alpha", paper=True, event_id="A-1", told=Constraints(min_price=Decimal("60.00")))
    assert [line["bounds"]["least_price"] for line in as_("owner").get("/listings/net/?price=84").json()] == [None] * 2
    seats = "&".join(f"seat_ids={seat.pk}" for seat in market.holding.seats[:2])
    lines = [line["bounds"] for line in as_("owner").get(f"/listings/net/?price=84&{seats}").json()]
    assert [(line["min_price"], line["least_price"], line["stands"]) for line in lines] == [
        ("60.00", "70.00", True), (None, "70.00", False),
    ]  # fmt: skip
    low = as_("owner").get(f"/listings/net/?price=69&{seats}").json()
    assert [line["outside"].partition(".00 ")[2][:25] for line in low] == ["is below the least price."] * 2
    (alpha, _) = market.published()
    told = as_("owner").get(f"/listings/{alpha.pk}/bounds/").json()
    assert (told["floor"], told["bounds"]["least_price_of"]) == ("50.00", "Harbor Gulls")
    assert as_("other").get(f"/listings/{alpha.pk}/bounds/").status_code == 404
    refusal = as_("owner").post(f"/listings/{alpha.pk}/price/", {"price": "65.00", "version": 1, "confirmed": True})
    assert (refusal.status_code, refusal.json()["errors"][0]["field"]) == (422, "price")
    assert "Harbor Gulls asks for $70.00 or more per ticket since 1 Mar 2026 (terms)." in refusal.json()["detail"]
