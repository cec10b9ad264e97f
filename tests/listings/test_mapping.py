"""The mapping queue: a person confirms which event or section there is ours, within what can be right."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from listings.models import Listing, MarketplaceCommand
from listings.selectors import mappings_waiting
from listings.services.events import event_problem
from listings.services.mapping import mapping_confirm, mapping_options, section_fits
from listings.services.mapping_undo import event_mapping_undo
from marketplaces.contracts import RemoteEvent
from marketplaces.errors import TemporaryError
from portfolios.models import EventMapping, OwnerState, Seat, SectionMapping, Venue, VenueSection
from portfolios.services.mapping import event_mapping_confirm, section_mapping_confirm
from seatsync.accounts.models import Role
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import bearer, browser, person
from tests.market import Market

pytestmark = pytest.mark.django_db
URL = "/settings/connections/mapping/"


def event(market: Market, **changes: Any) -> RemoteEvent:
    """The game as Alpha knows it: under a name of the stadium that we do not use."""
    game = market.holding.game
    known = RemoteEvent("E-1", "Inland Owls at Harbor Gulls", "Harbor Field", game.starts_at)
    return replace(known, **changes)


def waiting(market: Market, *events: RemoteEvent) -> MarketplaceCommand:
    """A publication that Alpha could not match, beside one on Beta that went well."""
    market.alpha.events = list(events)
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    return command


def listing_on_alpha() -> Listing:
    return Listing.objects.get(platform="alpha")


def test_a_holder_confirms_the_event_and_the_listing_goes_out(market: Market) -> None:
    command = waiting(market, event(market))
    assert listing_on_alpha().status == "error"
    page = browser().get(URL).content.decode()
    assert "Alpha: Inland Owls at Harbor Gulls" in page
    assert "No event at Alpha can be told for certain to be this game" in page
    opened = browser().get(URL, {"command": str(command.pk)}).content.decode()
    assert 'value="E-1" checked' in opened
    answer = browser().post(URL, {"command": str(command.pk), "wants": "event_id", "chosen": "E-1"}, follow=True)
    assert "Confirmed. 1 listing sent again." in answer.content.decode()
    market.work()
    assert listing_on_alpha().status == "active"
    mapping = EventMapping.objects.get(platform="alpha")
    assert (mapping.remote_event_id, mapping.confirmed_by) == ("E-1", f"user:{market.holding.user.pk}")
    assert AuditEntry.objects.filter(verb="event_mapping.confirm", object_id=str(mapping.pk)).count() == 1
    assert "Nothing waits for a mapping." in browser().get(URL).content.decode()
    assert Alert.objects.get(kind="command.needs_person").state == "recovered"


def test_i33_what_may_be_the_game_is_shown_at_the_venues_time(market: Market) -> None:
    Venue.objects.update(timezone="Asia/Tokyo")
    command = waiting(market, event(market))
    there = market.holding.game.starts_at + timedelta(hours=9)
    opened = browser().get(URL, {"command": str(command.pk)}).content.decode()
    assert f"Harbor Field, {there:%-I:%M} {there:%p} JST".casefold() in opened.casefold()


def test_i33_an_event_is_compared_by_its_day_at_the_venue(market: Market) -> None:
    """In the evening of the first it is the second in UTC."""
    game = market.holding.game
    game.starts_at, game.game_date = datetime(2031, 7, 2, 2, 10, tzinfo=UTC), date(2031, 7, 1)
    assert event_problem(event(market), game) == ""
    assert event_problem(event(market, starts_at=game.starts_at + timedelta(hours=8)), game) == "it is on 2 Jul 2031"


def test_a_holder_confirms_a_section_and_the_listing_goes_out_under_that_name(market: Market) -> None:
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    options = mapping_options(actor=market.holding.actor, command_id=command.pk)
    assert [choice.name for choice in options.sections] == ["Lower Box 131", "Upper 332"]
    answer = browser().post(URL, {"command": str(command.pk), "wants": "section", "chosen": "Lower Box 131"})
    assert answer.status_code == 302
    market.work()
    assert [listing.section for listing in market.alpha.listings.values()] == ["Lower Box 131"]
    assert AuditEntry.objects.filter(verb="section_mapping.confirm").count() == 1


@pytest.mark.parametrize(
    ("chosen", "words"),
    [("", "No section was chosen."), ("Upper 332", "does not name your section 131"), ("Box 131", "has no section")],
)
def test_a_section_that_cannot_be_ours_is_refused(market: Market, chosen: str, words: str) -> None:
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    answer = browser().post(URL, {"command": str(command.pk), "wants": "section", "typed": chosen})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not SectionMapping.objects.filter(platform="alpha").exists()


def test_where_no_sections_are_listed_a_typed_name_must_hold_the_number(market: Market) -> None:
    VenueSection.objects.all().delete()
    market.published()
    command = mappings_waiting(market.holding.actor).filter(account__platform="alpha").get()
    with pytest.raises(InvalidInput, match="does not name your section"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 132")
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 131")
    assert SectionMapping.objects.get(platform="alpha").remote_section == "Lower Box 131"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"starts_at": timedelta(days=1)}, "it is on"),
        ({"starts_at": timedelta(hours=5)}, "it "),
        ({"venue": "Mile High Stadium", "name": "Rodeo night"}, "it is at Mile High Stadium"),
    ],
)
def test_another_day_hour_or_place_cannot_be_the_game(market: Market, changes: dict[str, Any], words: str) -> None:
    game = market.holding.game
    if "starts_at" in changes:
        changes = {"starts_at": game.starts_at + changes["starts_at"]}
    there = event(market, **changes)
    assert words in event_problem(there, game)
    command = waiting(market, there)
    with pytest.raises(InvalidInput, match="cannot be this game"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    assert not EventMapping.objects.exists()
    assert "cannot be it" in browser().get(URL, {"command": str(command.pk)}).content.decode()


def test_of_two_games_of_one_day_only_the_nearer_one_is_ours(market: Market) -> None:
    second = event(market, event_id="E-2", starts_at=market.holding.game.starts_at + timedelta(hours=3))
    command = waiting(market, second, event(market))
    options = mapping_options(actor=market.holding.actor, command_id=command.pk)
    assert [(found.event.event_id, found.problem) for found in options.events] == [
        ("E-1", ""), ("E-2", "another event there starts nearer to it"),
    ]  # fmt: skip


def test_a_typed_number_is_read_back_unless_support_says_it(market: Market) -> None:
    command = waiting(market)
    with pytest.raises(InvalidInput, match="shows no event 'E-9'"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-9")
    mapping_confirm(actor=market.holding.staff, command_id=command.pk, event_id="E-9")
    market.work()
    assert EventMapping.objects.get().confirmed_by.startswith("staff:")
    assert listing_on_alpha().status == "active"


@pytest.mark.parametrize("wants", ["event", "section"])
def test_what_staff_or_somebody_else_has_confirmed_meanwhile_is_offered_and_one_tap_sends_it(
    market: Market, wants: str
) -> None:
    """Its holder does not know the number that support gave, and its marketplace shows nothing like the game."""
    game = market.holding.game
    if wants == "event":
        command = waiting(market)
        event_mapping_confirm(game=game, platform="alpha", paper=True, remote_event_id="E-9", by="staff:1")
        there = "E-9"
    else:
        market.alpha.sections = ("Lower Deck", "Upper 332")
        market.published()
        (command,) = mappings_waiting(market.holding.actor)
        there = "Lower Deck"
        section_mapping_confirm(
            venue=game.venue, section="131", platform="alpha", paper=True, remote_section=there, by="staff:1"
        )
    market.alpha.script["search_events"] = [TemporaryError("503 busy")] * 9
    options = mapping_options(actor=market.holding.actor, command_id=command.pk)
    assert options.chosen == there
    page = browser().get(URL, {"command": str(command.pk)}).text
    assert ("confirmed already" in page, "could not be asked" in page) == (True, False)
    field = "event_id" if wants == "event" else "section"
    answer = browser().post(URL, {"command": str(command.pk), "wants": field, "chosen": there})
    assert answer.status_code == 302
    market.work()
    assert listing_on_alpha().status == "active"


def test_a_tenants_own_support_answers_for_no_other_tenant_and_passes_the_check(market: Market) -> None:
    """People of every tenant sell under the answer."""
    support = person("support@example.com", market.holding.ticket.tenant, role=Role.SUPPORT)[1]
    command = waiting(market)
    with pytest.raises(InvalidInput, match="shows no event 'E-9'"):
        mapping_confirm(actor=support, command_id=command.pk, event_id="E-9")
    market.alpha.sections = ("131", "205")
    market.alpha.events = [event(market)]
    mapping_confirm(actor=support, command_id=command.pk, event_id="E-1")
    assert EventMapping.objects.get().remote_event_id == "E-1"


def test_a_tenants_own_support_names_no_section_that_is_not_there(market: Market) -> None:
    support = person("support@example.com", market.holding.ticket.tenant, role=Role.SUPPORT)[1]
    market.alpha.sections = ("Field Box 131", "Grandstand 205")
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    for chosen in ("Field Box 999", "Grandstand 205"):
        with pytest.raises(InvalidInput):
            mapping_confirm(actor=support, command_id=command.pk, section=chosen)
    assert not SectionMapping.objects.filter(platform="alpha").exists()


def test_a_marketplace_that_is_down_is_said_so_and_nothing_is_confirmed(market: Market) -> None:
    command = waiting(market, event(market))
    market.alpha.script["search_events"] = [TemporaryError("503 busy")] * 2
    page = browser().get(URL, {"command": str(command.pk)})
    assert page.status_code == 200
    assert "Alpha could not be asked: 503 busy. Try again in a minute." in page.content.decode()
    with pytest.raises(Conflict, match="could not be asked"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")


def test_what_was_confirmed_meanwhile_is_not_overwritten(market: Market) -> None:
    command = waiting(market, event(market))
    EventMapping.objects.create(
        game=market.holding.game,
        platform="alpha",
        paper=True,
        remote_event_id="E-7",
        confirmed_at=market.holding.moment,
    )
    with pytest.raises(Conflict, match="mapped to E-7 meanwhile"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-7")
    assert EventMapping.objects.get().remote_event_id == "E-7"


def test_nobody_confirms_for_another(market: Market) -> None:
    command = waiting(market, event(market))
    people: dict[str, Actor] = {name: getattr(market.holding, name) for name in ("co_owner", "other", "outsider")}
    for actor in people.values():
        with pytest.raises(NotFound):
            mapping_confirm(actor=actor, command_id=command.pk, event_id="E-1")
    assert browser("other").get(URL, {"command": str(command.pk)}).status_code == 404
    assert "Nothing waits for a mapping." in browser("other").get(URL).content.decode()


def test_game_page_needs_list_and_alert_name_the_game_and_lead_to_the_remedy(market: Market) -> None:
    command = waiting(market, event(market))
    remedy, game = f"{URL}?command={command.pk}", market.holding.game
    page = browser().get(f"/portfolio/games/{game.pk}/").content.decode()
    assert "Alpha does not offer 131/27 1-4" in page
    assert "Not published: No event at Alpha can be told for certain" in page
    assert f'href="{remedy}"' in page
    assert f'href="{remedy}"' in browser().get("/").content.decode()
    assert f'href="{remedy}"' in browser().get(f"/portfolio/listings/{command.listing_id}/").content.decode()
    alert = Alert.objects.get(kind="command.needs_person", user_id=market.holding.user.pk)
    assert alert.url == remedy
    assert (
        alert.title == f"Alpha could not publish 131 row 27 1-4, Inland Owls at Harbor Gulls on {game.game_date:%-d %b}"
    )
    assert ".." not in alert.body
    assert "Confirm the event and it is sent again." in alert.body


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [("131", "Lower Box 131", True), ("131A", "131", True), ("131", "1310", False),
     ("Bleachers", "Left Bleachers", True),
     ("Bleachers", "Terrace", False)],
)  # fmt: skip
def test_what_fits_a_section(ours: str, theirs: str, fits: bool) -> None:
    assert section_fits(ours, theirs) is fits


@pytest.mark.parametrize("how", ["by its name", "by what it was mapped to"])
def test_i01_a_section_is_not_mapped_to_anothers_place(market: Market, how: str) -> None:
    """Its seats would be on sale beside those of whoever holds that place."""
    market.alpha.sections = ("Lower Box 131",)
    venue = market.holding.game.venue
    if how == "by its name":
        VenueSection.objects.create(venue=venue, name="Lower  box 131", zone="Lower")
    else:
        SectionMapping.objects.create(
            venue=venue, section="1310", platform="alpha", paper=True, remote_section="Lower Box 131"
        )
    market.publish()
    market.work()
    (command,) = mappings_waiting(market.holding.actor)
    with pytest.raises(InvalidInput, match="Lower Box 131 there is section"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 131")
    assert not SectionMapping.objects.filter(platform="alpha", section="131").exists()


def test_a_choice_is_shown_with_its_score_and_its_reason_and_only_a_sure_one_is_chosen(market: Market) -> None:
    command = waiting(market, event(market, event_id="E-2", name="Gulls vs Pelicans"), event(market))
    page = browser().get(URL, {"command": str(command.pk)}).content.decode()
    assert "<strong>93</strong> of 100: both teams, the place&#x27;s name 71 alike, the same start" in page
    assert 'value="E-1" checked' in page
    assert 'value="E-2" checked' not in page
    assert page.index('value="E-1"') < page.index('value="E-2"')


def test_two_that_are_as_likely_are_left_to_the_person(market: Market) -> None:
    command = waiting(market, event(market), event(market, event_id="E-2"))
    page = browser().get(URL, {"command": str(command.pk)}).content.decode()
    assert "checked" not in page
    assert "None is sure enough to be chosen for you." in page


def test_however_sure_a_suggestion_is_nothing_is_confirmed_by_it(market: Market) -> None:
    """The automatic rule asks for the same place and the same start; this place has another name."""
    command = waiting(market, event(market))
    assert mapping_options(actor=market.holding.actor, command_id=command.pk).chosen == "E-1"
    market.hurry()
    market.work()
    assert not EventMapping.objects.exists()
    assert listing_on_alpha().status == "error"


def test_a_parking_place_is_no_game(market: Market) -> None:
    command = waiting(market, event(market, name="PARKING: Inland Owls at Harbor Gulls"))
    with pytest.raises(InvalidInput, match="it sells parking, no seats"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")


def test_a_parking_place_at_the_very_place_and_start_is_not_matched_by_itself(market: Market) -> None:
    place = market.holding.game.venue.name
    command = waiting(market, event(market, name="Parking Passes: Owls at Gulls", venue=place))
    assert command.payload["wants"] == "event"
    assert not EventMapping.objects.exists()


def test_what_a_place_is_called_there_is_learnt_from_what_was_confirmed(market: Market) -> None:
    command = waiting(market, event(market))
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    market.work()
    game = market.holding.games[-1]
    later = replace(event(market), event_id="E-9", starts_at=game.starts_at)
    market.alpha.events = [later]
    market.published(market.holding.seats_of(game), account_ids=[market.accounts["alpha"].pk])
    (waits,) = mappings_waiting(market.holding.actor)
    (candidate,) = mapping_options(actor=market.holding.actor, command_id=waits.pk).events
    assert (candidate.score, candidate.reason) == (100, "both teams, the same place, the same start")


def test_the_queue_asks_each_question_once_and_says_how_many_wait_for_it(market: Market) -> None:
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    seats = market.holding.seats
    market.published(seats[:2])
    market.published(seats[2:])
    page = browser().get(URL).content.decode()
    assert page.count('id="mapping-') == 1
    assert "2 publications wait for it, first 2 seats 131/27 1-2" in page
    assert 'id="mapping-' not in browser().get(URL, {"q": "pelicans"}).content.decode()
    assert browser().get(URL, {"q": "gulls 131"}).content.decode().count('id="mapping-') == 1
    assert browser().get(URL, {"q": "\x00"}).status_code == 200
    second = mappings_waiting(market.holding.actor).latest("created_at")
    opened = browser().get(URL, {"command": str(second.pk)}).content.decode()
    assert "Confirm the section and publish 2 listings" in opened
    browser().post(URL, {"command": str(second.pk), "wants": "section", "chosen": "Lower Box 131"})
    market.work()
    assert set(Listing.objects.filter(platform="alpha").values_list("status", flat=True)) == {"active"}


def test_a_confirmed_section_serves_the_next_publication(market: Market) -> None:
    market.alpha.sections = ("Lower Box 131",)
    market.published(market.holding.seats[:2])
    (command,) = mappings_waiting(market.holding.actor)
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 131")
    market.published(market.holding.seats[2:])
    assert not mappings_waiting(market.holding.actor).exists()


@pytest.mark.parametrize("door", ["page", "api"])
def test_of_two_publications_of_the_same_seats_one_confirmation_sends_one(market: Market, door: str) -> None:
    """The other one waits on, with the reason; a third, of other seats, goes."""
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    seats, alpha = market.holding.seats, [market.accounts["alpha"].pk]
    for pair in (seats[:2], seats[2:3], seats[:2]):
        market.publish(pair, account_ids=alpha)
        market.work()
    first, other, twin = Listing.objects.order_by("created_at")
    command = mappings_waiting(market.holding.actor).get(listing=first)
    if door == "page":
        body = {"command": str(command.pk), "wants": "section", "chosen": "Lower Box 131"}
        page = browser().post(URL, body, follow=True).text
        assert "Confirmed. 2 listings sent again." in page
        assert "is listed on Alpha already, by another listing. Take this listing down." in page
    else:
        answer = bearer(market.holding.user).post(
            reverse("api:mapping"), {"command": str(command.pk), "section": "Lower Box 131"},
            content_type="application/json",
        )  # fmt: skip
        assert sorted(one["state"] for one in answer.json()) == ["needs_person", "pending", "pending"]
    market.work()
    statuses = [Listing.objects.get(pk=one.pk).status for one in (first, other, twin)]
    assert statuses == ["active", "active", "error"]
    assert len(market.alpha.shown()) == 2
    waits = twin.commands.get(kind="create")
    assert (waits.state, waits.payload["wants"]) == ("needs_person", "")
    assert "already, by another listing" in waits.last_error
    assert "already, by another listing" in Alert.objects.get(object_id=str(waits.pk), state="firing").body
    assert not mappings_waiting(market.holding.actor).exists()


def test_a_publication_whose_seat_is_kept_meanwhile_waits_on(market: Market) -> None:
    market.alpha.sections = ("Upper 332", "Lower Box 131")
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.work()
    (command,) = mappings_waiting(market.holding.actor)
    Seat.objects.filter(pk=market.holding.seats[0].pk).update(state=OwnerState.ATTENDING)
    (kept,) = mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 131")
    market.work()
    assert (kept.state, listing_on_alpha().status, market.alpha.shown()) == ("needs_person", "error", [])
    assert SectionMapping.objects.filter(platform="alpha").exists()


@pytest.mark.parametrize("wants", ["event", "section"])
def test_of_two_people_who_answer_otherwise_at_once_the_second_is_told_and_nothing_is_overwritten(
    market: Market, monkeypatch: pytest.MonkeyPatch, wants: str
) -> None:
    """The marketplace is asked in between, which takes its time."""
    game, by = market.holding.game, "user:another"
    if wants == "event":
        market.alpha.events = [event(market), event(market, event_id="E-7")]
    else:
        market.alpha.sections = ("Upper 131", "Lower Box 131")
    market.published()
    (command,) = mappings_waiting(market.holding.actor)
    asked = "search_events" if wants == "event" else "constraints"
    real: Any = getattr(market.alpha, asked)

    def meanwhile(*args: Any) -> Any:
        if wants == "event":
            event_mapping_confirm(game=game, platform="alpha", paper=True, remote_event_id="E-7", by=by)
        else:
            section_mapping_confirm(
                venue=game.venue, section="131", platform="alpha", paper=True, remote_section="Upper 131", by=by
            )
        return real(*args)

    monkeypatch.setattr(market.alpha, asked, meanwhile)
    choice = {"event_id": "E-1"} if wants == "event" else {"section": "Lower Box 131"}
    with pytest.raises(Conflict, match=r"mapped to (E-7|Upper 131) meanwhile"):
        mapping_confirm(actor=market.holding.actor, command_id=command.pk, **choice)
    assert not EventMapping.objects.filter(remote_event_id="E-1").exists()
    assert not SectionMapping.objects.filter(remote_section="Lower Box 131").exists()
    assert listing_on_alpha().status == "error"


def test_what_is_undone_while_it_is_looked_up_is_not_matched_by_itself_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    game, real = market.holding.game, market.alpha.search_events
    market.alpha.events = [event(market, venue=game.venue.name)]

    def meanwhile(*args: Any) -> Any:
        mapping = event_mapping_confirm(game=game, platform="alpha", paper=True, remote_event_id="E-1", by="user:1")
        event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk)
        return real(*args)

    monkeypatch.setattr(market.alpha, "search_events", meanwhile)
    market.published()
    assert market.alpha.shown() == []
    assert EventMapping.objects.get().confirmed_at is None
