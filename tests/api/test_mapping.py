"""The mapping queue by the API."""

from marketplaces.contracts import RemoteEvent
from tests.api.conftest import As
from tests.market import Market


def test_what_waits_is_listed_and_confirmed(market: Market, as_: As) -> None:
    game = market.holding.game
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)]
    market.published()
    (row,) = as_("owner").get("/mapping/").json()["results"]
    assert (row["platform"], row["wants"], row["game"], row["section"]) == ("alpha", "event", str(game.pk), "131")
    assert as_("other").get("/mapping/").json()["results"] == []
    asked = f"/mapping/{row['command']}/"
    assert as_("owner").get(asked).json() == {
        "events": [{
            "event_id": "E-1", "name": "Inland Owls at Harbor Gulls", "venue": "Harbor Field", "problem": "",
            "starts_at": f"{game.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        }],
        "sections": [],
    }  # fmt: skip
    assert as_("other").get(asked).status_code == 404
    wish = {"command": row["command"], "event_id": "E-9"}
    refused = as_("owner").post("/mapping/", wish)
    assert refused.status_code == 422
    (problem,) = refused.json()["errors"]
    assert (problem["field"], problem["remedy"]) == ("event_id", "Choose one of those it shows, or ask support.")
    wish["event_id"] = "E-1"
    assert as_("other").post("/mapping/", wish).status_code == 404
    (sent,) = as_("owner").post("/mapping/", wish).json()
    assert (sent["id"], sent["state"]) == (row["command"], "pending")
    market.work()
    assert as_("owner").get("/mapping/").json()["results"] == []
    assert as_("owner").get(asked).status_code == 404
