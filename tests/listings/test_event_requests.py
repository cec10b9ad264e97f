"""A game that a marketplace does not list: it is asked to add it, and the id that it tells becomes the mapping."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from listings.models import Listing, MarketplaceCommand
from listings.selectors import event_requests, mappings_waiting
from listings.services import execute
from listings.services.event_requests import request_answered
from listings.services.mapping import mapping_options
from listings.services.mapping_request import event_request
from listings.services.mapping_undo import event_mapping_undo
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import EventWords, RemoteEvent
from marketplaces.errors import TemporaryError
from portfolios.models import EventMapping, Game, GameStatus
from portfolios.selectors import event_mapping_get, event_request_get
from portfolios.services.mapping import event_mapping_confirm
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import bearer, browser
from tests.listings.test_mapping_undo import root
from tests.market import Market

pytestmark = pytest.mark.django_db
URL = "/settings/connections/mapping/"


@pytest.fixture
def asks(market: Market) -> Market:
    """Alpha adds events that it is asked for, and does not list the game."""
    market.alpha.events, market.alpha.adds_events = [], True
    return market


def waiting(market: Market) -> MarketplaceCommand:
    """Publications of two seats on Alpha and two more, of which the first is returned."""
    for seats in (market.holding.seats[:2], market.holding.seats[2:]):
        market.publish(seats, account_ids=[market.accounts["alpha"].pk])
    market.work()
    found = mappings_waiting(market.holding.actor)
    assert len(found) == 2
    return found[0]


def requested(market: Market) -> EventMapping:
    """It is asked for, and both publications went out."""
    event_request(actor=market.holding.actor, command_id=waiting(market).pk)
    market.work()
    return EventMapping.objects.get()


def told(market: Market, event_id: str = "E-77", **words: Any) -> None:
    """Alpha's listings say of which event they are, from now on."""
    game = market.holding.game
    name = f"{game.opponent.name} at {game.home_team.name}"
    event = replace(EventWords(name, game.venue.name, starts_at=game.starts_at), **words)
    there = market.alpha.listings
    for key, one in there.items():
        there[key] = replace(one, event_id=event_id, event=event)


def sweep(market: Market) -> None:
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    MarketplaceCommand.objects.filter(kind="sync_account").delete()
    accounts_reconcile_due()
    market.work()


def test_it_is_asked_for_and_all_that_waited_goes_out_in_words(asks: Market) -> None:
    game = asks.holding.game
    sent = event_request(actor=asks.holding.actor, command_id=waiting(asks).pk)
    assert [command.state for command in sent] == ["pending", "pending"]
    asks.work()
    assert set(Listing.objects.values_list("status", flat=True)) == {"active"}
    assert [one.event_id for one in asks.alpha.listings.values()] == ["", ""]
    mapping = EventMapping.objects.get()
    assert (mapping.game, mapping.platform, mapping.paper, mapping.requested) == (game, "alpha", True, True)
    assert (mapping.confirmed_at, mapping.remote_event_id) == (None, "")
    assert mapping.requested_by == f"user:{asks.holding.user.pk}"
    assert mapping.requested_as.startswith(f"{game.home_team.name} vs {game.opponent.name}, {game.venue.name}, ")
    assert AuditEntry.objects.filter(verb="event_mapping.request", object_id=str(mapping.pk)).count() == 1
    assert event_mapping_get(game, "alpha", paper=True) is None
    # In the other market it was not asked for.
    assert event_request_get(game, "alpha", paper=False) is None
    assert Alert.objects.filter(kind="command.needs_person").exclude(state="recovered").count() == 0


def test_the_id_that_a_created_listing_tells_is_the_mapping(asks: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    create = asks.alpha.create
    monkeypatch.setattr(asks.alpha, "create", lambda link, draft: replace(create(link, draft), event_id="E-77"))
    mapping = requested(asks)
    assert (mapping.remote_event_id, mapping.confirmed_by, mapping.requested) == ("E-77", "asked for", False)
    assert event_mapping_get(asks.holding.game, "alpha", paper=True) == mapping
    (entry,) = AuditEntry.objects.filter(verb="event_mapping.confirm", object_id=str(mapping.pk))
    assert (audit_read(entry) or {})["after"]["event"] == "E-77"
    assert event_requests(asks.holding.actor).count() == 0


def test_the_id_that_a_sweep_tells_is_the_mapping(asks: Market) -> None:
    requested(asks)
    sweep(asks)
    assert EventMapping.objects.get().confirmed_at is None
    told(asks)
    sweep(asks)
    mapping = EventMapping.objects.get()
    assert (mapping.remote_event_id, mapping.event_date) == ("E-77", asks.holding.game.game_date)
    assert mapping.confirmed_at is not None
    assert set(Listing.objects.values_list("status", flat=True)) == {"active"}


def test_what_a_later_search_shows_for_certain_is_the_mapping(asks: Market) -> None:
    event_request(actor=asks.holding.actor, command_id=waiting(asks).pk)
    game = asks.holding.game
    asks.alpha.events = [RemoteEvent("E-5", "Owls at Gulls", game.venue.name, game.starts_at)]
    asks.work()
    assert EventMapping.objects.get().remote_event_id == "E-5"
    assert {one.event_id for one in asks.alpha.listings.values()} == {"E-5"}


@pytest.mark.parametrize("how", ["another day", "another game's", "undone before"])
def test_what_is_put_under_another_game_comes_down_and_is_said(asks: Market, how: str) -> None:
    mapping, game = requested(asks), asks.holding.game
    words: dict[str, Any] = {}
    if how == "another day":
        words = {"starts_at": game.starts_at + timedelta(days=1)}
    elif how == "another game's":
        event_mapping_confirm(
            game=asks.holding.games[-1], platform="alpha", paper=True, remote_event_id="E-77", by="staff:1"
        )
    else:
        EventMapping.objects.filter(pk=mapping.pk).update(confirmed_by="undone by staff:1", remote_event_id="E-77")
    told(asks, **words)
    sweep(asks)
    assert event_mapping_get(game, "alpha", paper=True) is None
    assert event_request_get(game, "alpha", paper=True) is None
    assert asks.alpha.shown() == []
    assert set(Listing.objects.values_list("status", flat=True)) == {"cancelled"}
    alerts = Alert.objects.filter(kind="listing.other_event", user_id=asks.holding.user.pk)
    assert alerts.count() == 2
    assert "E-77" in alerts[0].body


def parted(market: Market, **words: Any) -> tuple[Listing, Listing]:
    """Alpha puts the second listing of one request under another event than the first, as a sweep is told."""
    requested(market)
    told(market)
    first, second = Listing.objects.order_by("pk")
    there = market.alpha.listings
    there[second.external_id] = replace(
        there[second.external_id], event_id="E-78", event=replace(there[second.external_id].event, **words)
    )
    sweep(market)
    assert EventMapping.objects.get().remote_event_id == "E-77"
    return first, second


def second_asked(listing: Listing) -> list[str]:
    """Who is asked about it."""
    found = Alert.objects.filter(kind="listing.second_event", object_id=str(listing.pk)).exclude(state="recovered")
    people = User.objects.filter(pk__in=found.values("user_id"))
    return sorted(people.values_list("email", flat=True))


def test_of_two_events_for_one_request_a_person_is_asked_and_the_sameness_ends_it(asks: Market) -> None:
    first, second = parted(asks)
    people = ["co@example.com", "owner@example.com", "viewer@example.com"]
    assert (second_asked(first), second_asked(second)) == ([], people)
    body = Alert.objects.filter(kind="listing.second_event").first()
    assert body is not None
    assert "131/27 lies under event E-78 there, and the game is mapped to event E-77" in body.body
    # Both stay up, and the next sweep asks nobody twice.
    sweep(asks)
    assert set(Listing.objects.values_list("status", flat=True)) == {"active"}
    assert Alert.objects.filter(kind="listing.second_event").count() == len(people)
    # They are put together there.
    told(asks)
    sweep(asks)
    assert second_asked(second) == []


def test_of_two_events_the_one_that_cannot_be_the_game_comes_down(asks: Market) -> None:
    later = asks.holding.game.starts_at + timedelta(days=3)
    first, second = parted(asks, starts_at=later)
    asks.work()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status, asks.alpha.shown()) == ("active", "cancelled", [first.external_id])
    assert (second_asked(second), Alert.objects.filter(kind="listing.other_event").exists()) == ([], True)
    # Published again they go under the event that is the game.
    (again,) = asks.publish(
        [row.seat for row in second.listing_seats.all()], account_ids=[asks.accounts["alpha"].pk]
    )  # fmt: skip
    asks.work()
    assert asks.alpha.listings[again.external_id].event_id == "E-77"


def test_a_created_listing_that_tells_a_second_event_asks_as_well(
    asks: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, ids = asks.alpha.create, iter(["E-77", "E-78"])
    monkeypatch.setattr(asks.alpha, "create", lambda link, draft: replace(create(link, draft), event_id=next(ids)))
    monkeypatch.setattr(execute, "event_mapping_get", lambda *given, **named: None)
    requested(asks)
    assert EventMapping.objects.get().remote_event_id == "E-77"
    first, second = Listing.objects.order_by("pk")
    assert [bool(second_asked(one)) for one in (first, second)].count(True) == 1


def test_nothing_is_answered_that_was_not_asked(asks: Market) -> None:
    asks.alpha.events = None
    (listing,) = asks.publish(account_ids=[asks.accounts["alpha"].pk])
    asks.work()
    told(asks)
    assert not request_answered(Listing.objects.get(pk=listing.pk), next(iter(asks.alpha.listings.values())))
    assert not EventMapping.objects.exists()


def test_undone_takes_down_what_went_out_under_it_and_asks_anew(asks: Market) -> None:
    mapping = requested(asks)
    assert event_mapping_undo(actor=asks.holding.staff, mapping_id=mapping.pk) == 2
    asks.work()
    assert asks.alpha.shown() == []
    assert event_request_get(asks.holding.game, "alpha", paper=True) is None
    with pytest.raises(Conflict, match="undone before"):
        event_mapping_undo(actor=asks.holding.staff, mapping_id=mapping.pk)
    asks.publish(asks.holding.seats[:2], account_ids=[asks.accounts["alpha"].pk])
    asks.work()
    (again,) = mappings_waiting(asks.holding.actor)
    assert "was undone" in again.last_error
    # A person's new word counts.
    event_request(actor=asks.holding.actor, command_id=again.pk)
    asks.work()
    assert len(asks.alpha.shown()) == 1


@pytest.mark.parametrize("status", [GameStatus.POSTPONED, GameStatus.CANCELLED])
def test_a_game_without_a_known_date_cannot_be_asked_for(asks: Market, status: str) -> None:
    command = waiting(asks)
    Game.objects.filter(pk=asks.holding.game.pk).update(status=status)
    with pytest.raises(Conflict, match=f"The game is {status}"):
        event_request(actor=asks.holding.actor, command_id=command.pk)
    assert mapping_options(actor=asks.holding.actor, command_id=command.pk).request == ""
    assert not EventMapping.objects.exists()


def test_a_request_is_of_the_date_that_the_game_had(asks: Market) -> None:
    requested(asks)
    game = asks.holding.game
    Game.objects.filter(pk=game.pk).update(game_date=game.game_date + timedelta(days=1))
    game.refresh_from_db()
    assert event_request_get(game, "alpha", paper=True) is None


def test_a_marketplace_that_adds_no_events_says_so(asks: Market) -> None:
    asks.alpha.adds_events = False
    command = waiting(asks)
    with pytest.raises(InvalidInput, match="Alpha adds no events that sellers ask for"):
        event_request(actor=asks.holding.actor, command_id=command.pk)
    page = browser().get(URL, {"command": str(command.pk)}).text
    assert "ask Alpha to add it" not in page
    answer = browser().post(URL, {"command": str(command.pk), "wants": "request"})
    assert answer.status_code == 422
    assert "adds no events" in answer.text


def test_what_is_shown_there_and_likely_the_game_is_chosen_and_not_asked_for(asks: Market) -> None:
    game = asks.holding.game
    command = waiting(asks)
    asks.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)]
    with pytest.raises(Conflict, match="shows Inland Owls at Harbor Gulls"):
        event_request(actor=asks.holding.actor, command_id=command.pk)
    asks.alpha.script["search_events"] = [TemporaryError("503 busy")]
    with pytest.raises(Conflict, match="could not be asked"):
        event_request(actor=asks.holding.actor, command_id=command.pk)
    assert not EventMapping.objects.exists()
    # Support answers for it.
    event_request(actor=asks.holding.staff, command_id=command.pk)
    assert EventMapping.objects.get().requested_by.startswith("staff:")


def test_what_was_confirmed_meanwhile_or_waits_for_a_section_is_not_asked_for(asks: Market) -> None:
    command = waiting(asks)
    event_mapping_confirm(game=asks.holding.game, platform="alpha", paper=True, remote_event_id="E-3", by="staff:1")
    with pytest.raises(Conflict, match="E-3"):
        event_request(actor=asks.holding.actor, command_id=command.pk)
    command.payload = {**command.payload, "wants": "section"}
    command.save(update_fields=["payload"])
    with pytest.raises(InvalidInput, match="waits for a section"):
        event_request(actor=asks.holding.actor, command_id=command.pk)


def test_nobody_asks_for_another(asks: Market) -> None:
    command = waiting(asks)
    people: dict[str, Actor] = {name: getattr(asks.holding, name) for name in ("co_owner", "other", "outsider")}
    for actor in people.values():
        with pytest.raises(NotFound):
            event_request(actor=actor, command_id=command.pk)
    event_request(actor=asks.holding.actor, command_id=command.pk)
    assert event_requests(asks.holding.actor).count() == 1
    assert event_requests(people["outsider"]).count() == 0
    assert browser("other").post(URL, {"command": str(command.pk), "wants": "request"}).status_code == 404


def test_the_page_offers_it_and_shows_what_was_sent(asks: Market) -> None:
    command, game = waiting(asks), asks.holding.game
    opened = browser().get(URL, {"command": str(command.pk)}).text
    assert "It is not there: ask Alpha to add it" in opened
    words = f"{game.home_team.name} vs {game.opponent.name}, {game.venue.name}"
    assert words in opened
    answer = browser().post(URL, {"command": str(command.pk), "wants": "request"}, follow=True).text
    assert "Alpha is asked to add the game. 2 listings sent again." in answer
    assert "Asked for, not there yet" in answer
    assert words in answer
    asks.work()
    listing = Listing.objects.first()
    assert listing is not None
    shown = browser().get(f"/portfolio/listings/{listing.pk}/").text
    assert "asked to add this game" in shown
    assert words in shown
    told(asks)
    sweep(asks)
    assert "Asked for, not there yet" not in browser().get(URL).text
    assert "asked to add this game" not in browser().get(f"/portfolio/listings/{listing.pk}/").text


def test_staff_find_what_is_asked_for_and_undo_it(asks: Market) -> None:
    mapping, client = requested(asks), root()
    page = reverse("admin:portfolios_eventmapping_changelist")
    assert mapping.requested_as in client.get(page, {"requested_at__isempty": "0", "confirmed_at__isempty": "1"}).text
    assert mapping.requested_as not in client.get(page, {"requested_at__isempty": "1"}).text
    answer = client.post(page, {"action": "undo", "_selected_action": [str(mapping.pk)]}, follow=True)
    assert "1 undone; 2 listings come down." in answer.text
    # Or they give its id themselves.
    change = reverse("admin:portfolios_eventmapping_change", args=[mapping.pk])
    given = {"game": str(mapping.game_id), "platform": "alpha", "paper": "on", "remote_event_id": "E-5"}
    assert client.post(change, given).status_code == 302
    assert event_mapping_get(asks.holding.game, "alpha", paper=True) == mapping


def test_who_asks_a_second_time_is_told_that_it_is_asked_for(asks: Market) -> None:
    command = waiting(asks)
    event_request(actor=asks.holding.actor, command_id=command.pk)
    wish = {"command": str(command.pk), "wants": "request"}
    again = browser().post(URL, wish, follow=True)
    assert (again.status_code, "Alpha is asked to add this game already, since" in again.text) == (200, True)
    late = browser().post(URL, {**wish, "wants": "event_id", "typed": "E-1"}, follow=True).text
    assert "Alpha is asked to add this game already" in late
    opened = browser().get(URL, {"command": str(command.pk)})
    assert (opened.status_code, "Alpha is asked to add this game already" in opened.text) == (200, True)
    api = bearer().post("/api/v1/mapping/", {"command": str(command.pk), "request": True}, "application/json")
    assert (api.status_code, api.json()["errors"][0]["field"]) == (409, "command")
    assert browser("other").post(URL, wish).status_code == 404
    event_mapping_confirm(game=asks.holding.game, platform="alpha", paper=True, remote_event_id="E-3", by="staff:1")
    assert "mapped to event E-3 at Alpha already" in browser().post(URL, wish, follow=True).text


def test_a_listing_in_words_is_not_shown_as_on_sale_until_its_game_is_there(asks: Market) -> None:
    requested(asks)
    listing, game = Listing.objects.first(), asks.holding.game
    assert listing is not None
    pages = ("/portfolio/listings/", f"/portfolio/listings/{listing.pk}/", f"/portfolio/games/{game.pk}/", "/")
    api = f"/api/v1/listings/{listing.pk}/"
    for url in pages:
        assert "waits for the game there" in browser().get(url).text, url
    assert bearer().get(api).json()["awaits_event"] is True
    wish = {"price": "80.00", "version": listing.version}
    assert bearer().post(f"{api}price/", wish, "application/json").json()["awaits_event"] is True
    shown = browser().post(
        reverse("listings:listing_bulk"), {"listing": str(listing.pk), "act": "to", "amount": "82"}
    ).text  # fmt: skip
    assert "Buyers see it once Alpha has added the game." in shown
    asks.work()
    told(asks)
    sweep(asks)
    for url in pages:
        assert "waits for the game there" not in browser().get(url).text, url
    assert bearer().get(api).json()["awaits_event"] is False


def test_the_games_page_says_who_is_asked_to_add_it(asks: Market) -> None:
    mapping = requested(asks)
    url = f"/portfolio/games/{asks.holding.game.pk}/"
    assert "does not list the game yet: asked to add it on" in browser().get(url).text
    assert mapping.requested_as in browser().get(url).text
    told(asks)
    sweep(asks)
    assert "does not list the game yet" not in browser().get(url).text


def test_the_queue_fetches_itself_and_asks_no_marketplace_for_that(asks: Market) -> None:
    command = waiting(asks)
    opened = browser().get(URL, {"command": str(command.pk)}).text
    assert f'hx-get="{URL}?command={command.pk}"' in opened
    assert f'id="mapping-open-{command.pk}" hx-preserve' in opened
    asks.alpha.calls.clear()
    part = browser().get(URL, {"command": str(command.pk)}, headers={"HX-Request": "true"}).text
    assert "<html" not in part
    # What is open there stays as it is: it is not sent anew.
    assert f'id="mapping-open-{command.pk}" hx-preserve' in part
    assert "It is not there: ask Alpha to add it" not in part
    assert [name for name, *_ in asks.alpha.calls if name == "search_events"] == []
    event_request(actor=asks.holding.actor, command_id=command.pk)
    later = browser().get(URL, {"command": str(command.pk)}, headers={"HX-Request": "true"}).text
    assert "Asked for, not there yet" in later
    assert "asked to add this game already" in later
