"""The inbox by the API: what waits, and what can be done by which address."""

from listings.models import Listing, MarketplaceCommand
from marketplaces.errors import PermanentError
from tests.api.conftest import As
from tests.market import Market


def test_what_waits_is_told_with_the_addresses_that_act(market: Market, as_: As) -> None:
    market.alpha.script["create"] = [PermanentError("the row is unknown")]
    market.published(market.holding.seats[:2])
    command = MarketplaceCommand.objects.get(state="needs_person")
    found = as_("owner").get("/inbox/").json()
    assert found["count"] == 1
    (item,) = found["items"]
    assert (item["kind"], item["object_id"], item["due"], item["severity"]) == (
        "command",
        str(command.pk),
        None,
        "action",
    )
    again, let_be = item["acts"]
    assert again["api"] == f"/api/v1/commands/{command.pk}/retry/"
    assert as_("other").get("/inbox/").json() == {"count": 0, "items": []}
    path = let_be["api"].removeprefix("/api/v1")
    assert as_("other").post(path, {}).status_code == 404
    assert as_("owner").post(path, {}).json()["state"] == "superseded"
    assert as_("owner").post(path, {}).status_code == 409
    market.work()
    assert Listing.objects.get(platform="alpha").status == "cancelled"
    assert as_("owner").get("/inbox/").json()["items"] == []
