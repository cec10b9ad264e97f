"""Tasks for one's own hands lead to the game's own page, though the account has no interface that could tell it."""

from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from django.test import TestCase

from listings.models import Listing
from listings.selectors import hand_tasks
from listings.services.hand_words import words_of
from listings.services.publish import listing_publish
from marketplaces.services import links
from marketplaces.services.connect import connect_assisted
from portfolios.models import EventMapping, Seat
from tests.builders import Holding

pytestmark = pytest.mark.django_db
PAGE, SITE = "https://www.ticketmaster.com/event/G5", "https://www.ticketmaster.com/"
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, holding: Holding) -> list[httpx.Request]:
    """What is asked of Discovery from now on, with SeatSync's own key; it knows the holding's game."""
    requests: list[httpx.Request] = []

    def discovery(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"_embedded": {"events": [event_of(holding)]}})

    answers_with(monkeypatch, discovery)
    return requests


def event_of(holding: Holding, **changes: object) -> dict[str, object]:
    game = holding.game
    return {
        "id": "G5", "name": f"{game.home_team.name} vs. {game.opponent.name}", "url": PAGE,
        "dates": {"start": {"dateTime": f"{game.starts_at:%Y-%m-%dT%H:%M:%SZ}"}},
        "_embedded": {"venues": [{"name": game.venue.name}]},
    } | changes  # fmt: skip


def answers_with(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setenv("TICKETMASTER_CLIENT_ID", "own-key")
    monkeypatch.setattr(links, "transport_override", httpx.MockTransport(answer))


def offer(holding: Holding, seats: list[Seat], platform: str = "ticketmaster") -> Listing:
    """These seats are to be listed there by hand."""
    account = connect_assisted(actor=holding.actor, platform=platform)
    with TestCase.captureOnCommitCallbacks(execute=True):
        (made,) = listing_publish(
            actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[account.pk],
            price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
    return made


def link_of(holding: Holding, listing: Listing) -> str:
    return words_of(hand_tasks(holding.actor).get(listing=listing)).link


def test_where_events_are_searched_with_our_own_key_a_task_leads_to_the_games_page(
    holding: Holding, asked: list[httpx.Request]
) -> None:
    first = offer(holding, holding.seats[:2])
    assert link_of(holding, first) == PAGE
    (request,) = asked
    assert (request.url.host, request.url.params["apikey"]) == ("app.ticketmaster.com", "own-key")
    assert "authorization" not in request.headers
    (mapping,) = EventMapping.objects.all()
    assert (mapping.game, mapping.remote_event_id, mapping.paper) == (holding.game, "G5", False)
    # What is known is not asked again, and what needs an account is not asked at all.
    assert link_of(holding, offer(holding, holding.seats[2:])) == PAGE
    offer(holding, holding.seats_of(holding.games[-1])[:2], "stubhub")
    assert len(asked) == 1


@pytest.mark.parametrize("status", [200, 401, 429, 503])
def test_where_it_is_not_told_the_task_is_there_all_the_same_and_nobody_is_alarmed(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answers_with(monkeypatch, lambda _: httpx.Response(status, json={}))
    made = offer(holding, holding.seats[:2])
    assert link_of(holding, made) == SITE
    assert not EventMapping.objects.exists()
    made.account.refresh_from_db()
    assert (made.account.last_error, made.account.needs_reconnect) == ("", False)


def test_an_event_that_may_be_another_is_not_taken_for_the_game(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one place and hour: which is his a person would have to say, and no task of his says so unasked."""
    both = [event_of(holding), event_of(holding, id="G6")]
    answers_with(monkeypatch, lambda _: httpx.Response(200, json={"_embedded": {"events": both}}))
    assert link_of(holding, offer(holding, holding.seats[:2])) == SITE
    assert not EventMapping.objects.exists()


def test_without_a_key_of_ours_nobody_is_asked(
    holding: Holding, asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETMASTER_CLIENT_ID", "")
    assert link_of(holding, offer(holding, holding.seats[:2])) == SITE
    assert asked == []
