"""Staff undoes a mapping: what is offered under it comes down, and nothing makes the same one again by itself."""

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Listing
from listings.selectors import mappings_waiting
from listings.services.mapping import mapping_confirm
from listings.services.mapping_undo import event_mapping_undo, section_mapping_undo
from marketplaces.contracts import RemoteEvent
from portfolios.models import EventMapping, SectionMapping
from seatsync.accounts.models import User
from seatsync.core.errors import Conflict, NotAllowed, NotFound
from seatsync.core.ids import uuid7
from seatsync.core.models import AuditEntry
from tests.builders import verified_client
from tests.market import Market

pytestmark = pytest.mark.django_db


def matched(market: Market) -> EventMapping:
    """Alpha has the very game, so that it was confirmed by itself."""
    game = market.holding.game
    market.alpha.events = [RemoteEvent("E-1", "Inland Owls at Harbor Gulls", game.venue.name, game.starts_at)]
    market.published(market.holding.seats[:2])
    return EventMapping.objects.get(platform="alpha")


def root() -> Client:
    return verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))


def test_what_is_offered_under_an_undone_event_comes_down_there_and_nowhere_else(market: Market) -> None:
    mapping = matched(market)
    assert event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk) == 1
    market.work()
    stand = {listing.platform: listing.status for listing in Listing.objects.all()}
    assert stand == {"alpha": "cancelled", "beta": "active"}
    assert market.alpha.shown() == []
    assert AuditEntry.objects.filter(verb="event_mapping.undo", object_id=str(mapping.pk)).count() == 1


def test_what_was_undone_is_not_matched_by_itself_again(market: Market) -> None:
    mapping = matched(market)
    event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk)
    market.work()
    market.published(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    (command,) = mappings_waiting(market.holding.actor)
    assert command.last_error == "What this game was mapped to at Alpha was undone; confirm which event it is."
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, event_id="E-1")
    market.work()
    assert len(market.alpha.shown()) == 1
    mapping.refresh_from_db()
    assert mapping.confirmed_by == f"user:{market.holding.user.pk}"


def test_an_undone_mapping_keeps_its_event_from_no_other_game(market: Market) -> None:
    mapping = matched(market)
    event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk)
    other = market.holding.games[-1]
    EventMapping.objects.create(
        game=other, platform="alpha", paper=True, remote_event_id="E-1", confirmed_at=market.holding.moment
    )
    assert EventMapping.objects.filter(remote_event_id="E-1").count() == 2


def test_an_undone_section_comes_down_and_is_asked_for_anew(market: Market) -> None:
    market.alpha.sections = ("131", "Lower Box 131")
    market.published(market.holding.seats[:2])
    mapping = SectionMapping.objects.get(platform="alpha")
    # Of another section nothing comes down.
    other = Listing.objects.get(platform="alpha")
    other.pk, other._state.adding, other.section, other.external_id = uuid7(), True, "999", "other"
    other.listing_id = "another"
    other.save()
    assert section_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk) == 1
    market.work()
    assert market.alpha.shown() == []
    market.published(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    (command,) = mappings_waiting(market.holding.actor)
    assert command.payload["wants"] == "section"
    mapping_confirm(actor=market.holding.actor, command_id=command.pk, section="Lower Box 131")
    market.work()
    assert [listing.section for listing in market.alpha.listings.values()][-1] == "Lower Box 131"


def test_only_staff_undoes_and_only_once(market: Market) -> None:
    mapping = matched(market)
    for actor in (market.holding.actor, market.holding.co_owner, market.holding.outsider):
        with pytest.raises(NotAllowed):
            event_mapping_undo(actor=actor, mapping_id=mapping.pk)
    assert Listing.objects.get(platform="alpha").status == "active"
    event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk)
    with pytest.raises(Conflict):
        event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk)
    with pytest.raises(NotFound):
        section_mapping_undo(actor=market.holding.staff, mapping_id=uuid7())


def test_the_admin_undoes_says_what_came_down_and_does_not_rewrite_what_stands(market: Market) -> None:
    mapping, client = matched(market), root()
    page = reverse("admin:portfolios_eventmapping_changelist")
    answer = client.post(page, {"action": "undo", "_selected_action": [str(mapping.pk)]}, follow=True)
    assert "1 undone; 1 listings come down." in answer.text
    again = client.post(page, {"action": "undo", "_selected_action": [str(mapping.pk)]}, follow=True)
    assert "It was undone before." in again.text
    change = reverse("admin:portfolios_eventmapping_change", args=[mapping.pk])
    given = {"game": str(mapping.game_id), "platform": "alpha", "remote_event_id": "E-5"}
    assert client.post(change, given).status_code == 302
    mapping.refresh_from_db()
    assert (mapping.remote_event_id, mapping.confirmed_by[:6]) == ("E-5", "staff:")
    assert mapping.confirmed_at is not None
    client.post(change, {**given, "remote_event_id": "E-6"})
    mapping.refresh_from_db()
    assert mapping.remote_event_id == "E-5"
    assert "E-5" in client.get(f"{page}?q=owls").text
    assert "E-5" not in client.get(f"{page}?q=pelicans").text


def test_what_was_given_up_without_knowing_what_came_of_it_comes_down_too(market: Market) -> None:
    mapping = matched(market)
    here = Listing.objects.filter(platform="alpha")
    here.update(status="error")
    assert event_mapping_undo(actor=market.holding.staff, mapping_id=mapping.pk) == 1
    market.work()
    assert (here.get().status, market.alpha.shown()) == ("cancelled", [])
