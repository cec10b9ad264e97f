"""Until when a listing is on sale and by when a sale is handed over, by the API: with how each is known."""

from datetime import date, timedelta
from decimal import Decimal

from listings.models import Listing, Sale
from marketplaces.models import HandOverVersion, ListUntilVersion
from seatsync.core.clock import now
from tests.api.conftest import As
from tests.market import Market

DATED = {"valid_from": date(2024, 1, 1), "source": "its help", "checked_on": date(2024, 1, 1)}


def test_a_listing_says_when_it_comes_down_and_takes_its_holders_own_cut_off(market: Market, as_: As) -> None:
    ListUntilVersion.objects.create(platform="alpha", hours=Decimal(30), basis="stops", **DATED)
    own = (now() + timedelta(hours=5)).replace(microsecond=0)
    seats = [str(seat.pk) for seat in market.holding.seats]
    wish = {
        "seat_ids": seats, "account_ids": [str(market.accounts["alpha"].pk)], "price": "84.00", "floor": "50.00",
        "ceiling": "200.00",
    }  # fmt: skip
    late = as_("owner").post("/listings/", {**wish, "list_until": (now() - timedelta(hours=1)).isoformat()})
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "list_until")
    (made,) = as_("owner").post("/listings/", {**wish, "list_until": own.isoformat()}).json()
    assert made["comes_down"]["bound"] == "own"
    path = f"/listings/{made['id']}/until/"
    assert as_("viewer").post(path, {"list_until": None, "version": made["version"]}).status_code == 403
    assert as_("other").post(path, {"list_until": None, "version": made["version"]}).status_code == 404
    changed = as_("owner").post(path, {"list_until": None, "version": made["version"]}).json()
    assert changed["list_until"] is None
    assert (changed["comes_down"]["bound"], changed["comes_down"]["why"]) == (
        "exchange", "Alpha stops mobile transfer sales 30 h before the game",
    )  # fmt: skip
    assert as_("owner").post(path, {"list_until": None, "version": made["version"]}).status_code == 409
    shown = as_("owner").get("/listings/").json()["results"]
    assert [one["comes_down"] for one in shown] == [changed["comes_down"]]
    Listing.objects.update(status="cancelled")
    assert as_("owner").get(f"/listings/{made['id']}/").json()["comes_down"] is None


def test_publishing_too_late_is_a_conflict_that_names_the_rule(market: Market, as_: As) -> None:
    ListUntilVersion.objects.create(platform="alpha", hours=Decimal(300), basis="stops", **DATED)
    wish = {
        "seat_ids": [str(seat.pk) for seat in market.holding.seats],
        "account_ids": [str(market.accounts["alpha"].pk)], "price": "84.00", "floor": "50.00", "ceiling": "200.00",
    }  # fmt: skip
    refused = as_("owner").post("/listings/", wish)
    assert refused.status_code == 409
    (problem,) = refused.json()["errors"]
    assert problem["field"] == "account_ids"
    assert "Alpha stops mobile transfer sales 300 h before the game" in problem["detail"]


def test_a_sale_says_by_when_and_how_that_is_known(market: Market, as_: As) -> None:
    HandOverVersion.objects.create(platform="alpha", kind="steps", steps=[[0, "before", 5]], **DATED)
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    sale = Sale.objects.get()
    said = as_("owner").get(f"/sales/{sale.pk}/").json()
    assert said["ship_by_reckoned"] is True
    assert said["ship_by_said"] == "by Alpha's rule (sold later: 5 h before the game): it tells none itself"
    # Not held to the document, which has no room for a buyer who is not told.
    delivery = as_("owner").client.get(f"/api/v1/sales/{sale.pk}/delivery/").json()
    assert (delivery["hand_over_by"], delivery["hand_over_said"]) == (said["ship_by"], said["ship_by_said"])
