"""Adding a season ticket, by the API and on its page: whose schedule, which field, and who sees it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from portfolios.models import Game, SeasonTicket
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.errors import InvalidInput
from tests.builders import Holding, browser

pytestmark = pytest.mark.django_db
PAGE = "/portfolio/new/"


def wish(holding: Holding, **changes: object) -> dict[str, Any]:
    return {
        "team": str(holding.ticket.team_id), "season_year": 2026, "section": "200", "row": "9", "seat_from": 1,
        "seat_to": 2, "cost_basis": "$1,200.5", "order_reference": "ACC-9", **changes,
    }  # fmt: skip


def create(holding: Holding, **changes: Any) -> SeasonTicket:
    return season_ticket_create(
        actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id,
        **{
            "season_year": 2026, "section": "200", "row": "9", "seat_from": 1, "seat_to": 2,
            "cost_basis": Decimal("10.00"), "order_reference": "R", **changes,
        },
    )  # fmt: skip


def second_schedule(holding: Holding) -> None:
    game = holding.games[0]
    Game.objects.create(
        home_team=game.home_team, opponent=game.opponent, venue=game.venue, source="replayed",
        starts_at=game.starts_at + timedelta(days=90), game_date=game.game_date + timedelta(days=90), season_year=2026,
    )  # fmt: skip


def test_the_only_schedule_is_taken_whatever_its_source(holding: Holding) -> None:
    Game.objects.update(source="2024 season replayed")
    assert create(holding).total_games == len(holding.games)


def test_where_there_are_several_one_must_be_chosen(holding: Holding) -> None:
    second_schedule(holding)
    with pytest.raises(InvalidInput) as caught:
        create(holding)
    (problem,) = caught.value.problems
    assert (problem.field, problem.remedy) == ("source", 'Choose "" or "replayed".')
    with pytest.raises(InvalidInput) as caught:
        create(holding, source="another")
    assert caught.value.problems[0].remedy == 'Choose "" or "replayed".'
    assert create(holding, source="replayed").total_games == 1
    assert create(holding, source="", row="10").total_games == len(holding.games)


def test_a_season_without_games_names_those_with(holding: Holding) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(holding, season_year=1999)
    assert caught.value.problems[0].remedy == "Choose a season with a schedule: 2026."


def test_no_seat_has_a_number_that_no_column_holds(holding: Holding) -> None:
    with pytest.raises(InvalidInput) as caught:
        create(holding, seat_from=3_000_000_000, seat_to=3_000_000_000)
    assert caught.value.problems[0].field == "seat_to"


def test_the_page_adds_it_and_only_its_holder_sees_it(holding: Holding) -> None:
    owner = browser(holding.user)
    assert 'href="/portfolio/new/"' in owner.get("/portfolio/").text
    assert owner.get(PAGE).status_code == 200
    answer = owner.post(PAGE, wish(holding))
    ticket = SeasonTicket.objects.get(section="200")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/portfolio/{ticket.pk}/")
    assert (ticket.user_id, ticket.cost_basis, ticket.seat) == (holding.user.pk, Decimal("1200.50"), "1-2")
    assert ticket.seats.count() == 2 * len(holding.games)
    seen = {who: browser(_user(who)).get(answer.headers["Location"]).status_code for who in ("co", "other", "outsider")}
    assert seen == {"co": 404, "other": 404, "outsider": 404}
    again = owner.post(PAGE, wish(holding))
    assert again.status_code == 422
    assert "is in the ledger already" in again.text
    assert SeasonTicket.objects.filter(section="200").count() == 1


def _user(who: str) -> Any:
    from seatsync.accounts.models import User

    return User.objects.get(email=f"{who}@example.com")


def test_others_add_their_own_and_nobody_signs_in_first(holding: Holding) -> None:
    other = _user("other")
    page = browser(other).get("/portfolio/")
    assert "You hold no season ticket yet." in page.text
    assert page.text.count('href="/portfolio/new/"') == 2
    assert browser(other).post(PAGE, wish(holding)).status_code == 302
    assert SeasonTicket.objects.get(section="200").user_id == other.pk
    # A person of another tenant has no membership of this one, and adds nothing to it.
    assert browser(_user("outsider")).post(PAGE, wish(holding, row="10")).status_code == 404
    for answer in (Client().get(PAGE), Client().post(PAGE, wish(holding, row="11"))):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/login/")
    assert SeasonTicket.objects.filter(section="200").count() == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"section": ""}, "Nothing was entered. Write the section."),
        ({"seat_from": 5, "seat_to": 4}, "The seat range is not valid."),
        ({"seat_to": "99999999999"}, "No seat has this number."),
        ({"cost_basis": "a lot"}, "a lot"),
        ({"cost_basis": "-1"}, "The cost is negative."),
        ({"season_year": 1999}, "1999"),
        ({"team": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01"}, "cannot be chosen here. Choose among what is shown."),
        ({"order_reference": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_and_values_are_kept(holding: Holding, changes: dict[str, Any], says: str) -> None:
    answer = browser(holding.user).post(PAGE, wish(holding, **changes))
    assert answer.status_code == 422
    assert says in answer.text
    assert 'class="errors"' in answer.text
    assert 'value="9"' in answer.text
    assert not SeasonTicket.objects.filter(section="200").exists()


def test_the_page_asks_whose_schedule_only_where_there_are_several(holding: Holding) -> None:
    owner = browser(holding.user)
    assert 'name="source"' not in owner.get(PAGE).text
    second_schedule(holding)
    assert 'name="source"' in owner.get(PAGE).text
    assert owner.post(PAGE, wish(holding, source="replayed")).status_code == 302
    assert SeasonTicket.objects.get(section="200").total_games == 1


def test_without_a_schedule_the_page_says_why_there_is_no_form(db: None, holding: Holding) -> None:
    Game.objects.filter().update(home_team=holding.games[0].opponent, opponent=holding.games[0].home_team)
    type(holding.games[0].opponent).objects.update(venue=None)
    assert "No team has a schedule yet." in browser(holding.user).get(PAGE).text
