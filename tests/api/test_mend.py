"""What was refused is changed and sent again, by a client of the API."""

from decimal import Decimal

from listings.models import Listing, MarketplaceCommand
from marketplaces.errors import PermanentError
from tests.api.conftest import As
from tests.market import Market


def refused(market: Market) -> Listing:
    market.alpha.script["create"] = [PermanentError("the price is too high")]
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    return Listing.objects.get(status="error")


def test_publishing_again_sends_the_refused_one_as_it_is_by_now(market: Market, as_: As) -> None:
    listing = refused(market)
    low = as_("owner").post(f"/listings/{listing.pk}/publish/", {"price": "49.00"})
    assert (low.status_code, low.json()["errors"][0]["field"]) == (422, "price")
    answer = as_("owner").post(f"/listings/{listing.pk}/publish/", {"price": "80.00", "split_type": "pairs"})
    body = answer.json()
    assert (answer.status_code, body["id"], body["status"]) == (200, str(listing.pk), "publishing")
    assert (body["price"], body["split_type"]) == ("80.00", "pairs")
    market.work()
    assert market.alpha.listings[listing.external_id].price == Decimal("80.00")


def test_its_price_is_changed_alone_and_then_tried_again(market: Market, as_: As) -> None:
    listing = refused(market)
    answer = as_("owner").post(f"/listings/{listing.pk}/price/", {"price": "80.00", "version": listing.version})
    assert (answer.status_code, answer.json()["status"]) == (200, "error")
    command = MarketplaceCommand.objects.get()
    assert as_("owner").post(f"/commands/{command.pk}/retry/").json()["state"] == "pending"
    market.work()
    listing.refresh_from_db()
    assert (listing.status, listing.live_price) == ("active", Decimal("80.00"))
