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
            "starts_at": f"{game.starts_at:%Y-%m-%dT%H:%M:%SZ}", "score": 93,
            "reason": "both teams, the place's name 71 alike, the same start",
        }],
        "sections": [],
        "chosen": "E-1",
        "request": "",
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


def test_sections_come_with_how_alike_they_are_and_the_queue_is_searched(market: Market, as_: As) -> None:
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    seats = market.holding.seats
    market.published(seats[:2])
    market.published(seats[2:])
    first, second = as_("owner").get("/mapping/").json()["results"]
    assert (first["wants"], first["publications"], second["publications"]) == ("section", 2, 2)
    assert as_("owner").get(f"/mapping/{first['command']}/").json() == {
        "events": [],
        "sections": [
            {"name": "Lower Box 131", "score": 90, "fits": True,
             "reason": "the same number, without words on one side"},
            {"name": "Upper 332", "score": 0, "reason": "another number", "fits": False},
        ],
        "chosen": "Lower Box 131",
        "request": "",
    }  # fmt: skip
    for query, count in (("search=harbor owls", 2), ("search=131", 2), ("search=pelicans", 0), ("wants=event", 0),
                         ("platform=alpha", 2), ("platform=beta", 0)):  # fmt: skip
        assert len(as_("owner").get(f"/mapping/?{query}").json()["results"]) == count, query
    for query in ("wants=seat", "platform=nowhere", "search=%00", f"search={'x' * 81}"):
        assert as_("owner").get(f"/mapping/?{query}").status_code in {400, 422}, query


def test_a_game_that_is_not_there_is_asked_for(market: Market, as_: As) -> None:
    market.alpha.events, market.alpha.adds_events = [], True
    market.published()
    game = market.holding.game
    (row,) = as_("owner").get("/mapping/").json()["results"]
    words = as_("owner").get(f"/mapping/{row['command']}/").json()["request"]
    assert words.startswith(f"{game.home_team.name} vs {game.opponent.name}, {game.venue.name}, ")
    wish = {"command": row["command"], "request": True}
    assert as_("other").post("/mapping/", wish).status_code == 404
    both = as_("owner").post("/mapping/", {**wish, "event_id": "E-1"})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "request")
    (sent,) = as_("owner").post("/mapping/", wish).json()
    assert (sent["id"], sent["state"]) == (row["command"], "pending")
    market.work()
    assert as_("owner").get("/mapping/").json()["results"] == []
    (asked,) = as_("owner").get("/mapping/requests/").json()["results"]
    assert (asked["platform"], asked["paper"], asked["game"]) == ("alpha", True, str(game.pk))
    assert (asked["asked_for"], bool(asked["requested_at"])) == (words, True)
    for query, count in (("platform=alpha", 1), ("platform=beta", 0), (f"game={game.pk}", 1), ("paper=false", 0)):
        assert len(as_("owner").get(f"/mapping/requests/?{query}").json()["results"]) == count, query
    assert as_("other").get("/mapping/requests/").json()["results"] == []


def test_a_marketplace_that_adds_no_games_refuses(market: Market, as_: As) -> None:
    market.alpha.events = []
    market.published()
    (row,) = as_("owner").get("/mapping/").json()["results"]
    assert as_("owner").get(f"/mapping/{row['command']}/").json()["request"] == ""
    refused = as_("owner").post("/mapping/", {"command": row["command"], "request": True})
    assert refused.status_code == 422
    (problem,) = refused.json()["errors"]
    assert problem["detail"] == "Alpha adds no events that sellers ask for."
