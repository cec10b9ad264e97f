"""Brakes by the API: what it says of one lifts it, and a ticket stands beside a game alone."""

import uuid

import pytest

from listings.models import TradingState
from seatsync.live.models import LiveEvent
from tests.api.conftest import As
from tests.listings.test_brakes_shown import brakes
from tests.market import Market


def test_what_the_api_says_of_a_brake_lifts_it(market: Market, as_: As) -> None:
    brakes(market)
    owner, holding = as_("owner"), market.holding
    found = owner.get("/trading-states/").json()["results"]
    assert {(row["scope"], row["scope_id"], row["season_ticket_id"]) for row in found} == {
        ("game", str(holding.game.pk), str(holding.ticket.pk)), ("season", str(holding.ticket.pk), None),
        ("account", str(market.accounts["alpha"].pk), None),
    }  # fmt: skip
    for row in found:
        wish = {name: row[name] for name in ("scope", "scope_id", "season_ticket_id")}
        answer = owner.post("/trading-states/", {**wish, "state": "ACTIVE"})
        assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (200, row["id"], "ACTIVE")
    assert TradingState.objects.count() == 3


@pytest.mark.parametrize("scope", ["season", "holder", "account"])
def test_a_season_ticket_beside_another_scope_is_refused(market: Market, as_: As, scope: str) -> None:
    holding = market.holding
    places = {"season": holding.ticket.pk, "holder": holding.user.pk, "account": market.accounts["alpha"].pk}
    wish = {"scope": scope, "scope_id": str(places[scope]), "state": "ACTIVE"}
    answer = as_("owner").post("/trading-states/", {**wish, "season_ticket_id": str(uuid.uuid4())})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "season_ticket_id")
    assert not TradingState.objects.exists()
    assert as_("owner").post("/trading-states/", wish).status_code == 200


def test_a_stranger_is_told_of_nobodys_season_ticket(market: Market, as_: As) -> None:
    LiveEvent.objects.all().delete()
    wish = {"scope": "holder", "scope_id": market.holding.other.id, "state": "ACTIVE"}
    answer = as_("other").post("/trading-states/", {**wish, "season_ticket_id": str(market.holding.ticket.pk)})
    assert answer.status_code == 422
    assert not LiveEvent.objects.exists()
