"""A brake that stands on one thing alone is named by it, wherever it is shown, and lifted from there."""

from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import TradingState, TradingStateKind
from listings.selectors import brake_lines
from listings.services.halts import push_halt_set
from listings.services.trading import trading_state_set
from portfolios.services.corrections import season_ticket_remove
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from tests.market import Market
from tests.queries import queries_of


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def brakes(market: Market) -> None:
    """One on the game, one on the season ticket, one on an account."""
    holding = market.holding
    put = partial(trading_state_set, actor=holding.actor, reason="flu")
    put(scope="game", scope_id=holding.game.pk, season_ticket_id=holding.ticket.pk, state="NO_NEW_LISTINGS")
    put(scope="season", scope_id=holding.ticket.pk, state="RAISE_ONLY")
    put(scope="account", scope_id=market.accounts["alpha"].pk, state="RAISE_ONLY")


def test_the_page_names_what_a_brake_stands_on_and_lifts_it(market: Market) -> None:
    brakes(market)
    client, holding = enter(market.holding.actor), market.holding
    page = client.get(reverse("listings:trading_detail")).content.decode()
    for what in (
        f"{holding.game}, seats {holding.ticket.section}/{holding.ticket.row}/{holding.ticket.seat}",
        f"Season ticket {holding.ticket}",
        "Alpha (paper)",
    ):
        assert f'aria-label="Lift the brake on {what}"' in page
    assert reverse("analytics:game_detail", args=[holding.game.pk]) in page
    (row,) = TradingState.objects.filter(scope="game")
    lifted = client.post(reverse("listings:trading_lift", args=[row.pk]), follow=True).content.decode()
    assert "The brake is lifted." in lifted
    assert lifted.count("Lift the brake on") == 2
    row.refresh_from_db()
    assert (row.state, TradingState.objects.count()) == ("ACTIVE", 3)


@pytest.mark.parametrize(("who", "status"), [("other", 404), ("outsider", 404), ("viewer", 403)])
def test_nobody_else_lifts_a_brake(market: Market, who: str, status: int) -> None:
    brakes(market)
    (row,) = TradingState.objects.filter(scope="game")
    answer = enter(getattr(market.holding, who)).post(reverse("listings:trading_lift", args=[row.pk]))
    row.refresh_from_db()
    assert (answer.status_code, row.state) == (status, "NO_NEW_LISTINGS")


def test_a_game_says_what_stops_its_sale_alone(market: Market) -> None:
    client, url = enter(market.holding.actor), reverse("analytics:game_detail", args=[market.holding.game.pk])
    assert "Lift it in the settings" not in client.get(url).content.decode()
    brakes(market)
    page = client.get(url).content.decode()
    for sentence in ("This game: flu.", "This season ticket: flu.", "One of the accounts: flu."):
        assert sentence in page
    TradingState.objects.update(state="ACTIVE")
    assert "Lift it in the settings" not in client.get(url).content.decode()


def test_with_its_season_ticket_a_brake_goes(market: Market) -> None:
    brakes(market)
    season_ticket_remove(actor=market.holding.actor, ticket_id=market.holding.ticket.pk)
    assert [line.state.scope for line in brake_lines(market.holding.actor)] == ["account"]


def test_many_brakes_of_a_shared_ticket_ask_no_more_than_one(market: Market) -> None:
    client, asked = enter(market.holding.co_owner), []
    client.get(reverse("listings:trading_detail"))
    for game in market.holding.games[:3]:
        trading_state_set(
            actor=market.holding.actor, scope="game", scope_id=game.pk, state="RAISE_ONLY", reason="x",
            season_ticket_id=market.holding.ticket.pk,
        )  # fmt: skip
        asked.append(len(queries_of(client, reverse("listings:trading_detail"))[0]))
    assert len(brake_lines(market.holding.co_owner)) == 3
    assert asked[1] == asked[2] == asked[0]


def test_the_page_says_what_holds_now_and_what_a_choice_would_do(market: Market) -> None:
    """What stands selected is what a person comes for, so each choice says what it does, and which one holds."""
    client, url = enter(market.holding.actor), reverse("listings:trading_detail")
    page = client.get(url).content.decode()
    assert "You stop nothing of what you sell" in page
    assert '<option value="ACTIVE">Resume: sell as usual (as now)</option>' in page
    assert '<option value="HALTED" selected>Halt: nothing new goes up, no price changes</option>' in page
    for state, does in (("HALTED", "is halted"), ("RAISE_ONLY", "only raises prices")):
        client.post(reverse("listings:trading_set"), {"state": state, "reason": ""})
        page = client.get(url).content.decode()
        assert f"<strong>Your selling {does}</strong>, set" in page
        assert '<option value="ACTIVE" selected>Resume: sell as usual</option>' in page
        assert page.count("(as now)") == 1
        assert f'<option value="{state}">{TradingStateKind(state).choice} (as now)</option>' in page
    assert "What support has stopped it alone lets go" not in page
    push_halt_set(actor=market.holding.staff, platform="alpha", reason="their prices are wrong")
    assert "What support has stopped it alone lets go" in client.get(url).content.decode()
