"""I-09: a section goes to a marketplace under its confirmed name there, or not at all."""

import pytest

from listings.models import CommandState, Listing, ListingStatus, MarketplaceCommand
from listings.services.outbox import command_retry
from marketplaces.errors import UnknownOutcome
from portfolios.models import SectionMapping, VenueSection
from portfolios.services.mapping import section_mapping_confirm
from tests.market import Market

pytestmark = pytest.mark.django_db


def test_i09_the_venues_own_section_is_confirmed_once_by_itself(market: Market) -> None:
    market.published()
    mapping = SectionMapping.objects.get(platform="alpha")
    assert (mapping.section, mapping.remote_section, mapping.confirmed_by) == ("131", "131", "exact match")
    constraints_asked = market.alpha.calls.count(("create", market.alpha.shown()[0]))
    assert constraints_asked == 1


def test_i09_an_unmapped_section_is_not_published_until_a_person_confirms_it(market: Market) -> None:
    VenueSection.objects.all().delete()
    alpha, _ = market.published()
    assert market.alpha.shown() == market.beta.shown() == []
    alpha.refresh_from_db()
    assert alpha.status == ListingStatus.ERROR
    assert "Section 131 of Harbor Park is not mapped at Alpha" in alpha.status_reason
    section_mapping_confirm(
        venue=market.holding.game.venue,
        section="131",
        platform="alpha",
        paper=True,
        remote_section="Lower Box 131",
        by="staff",
    )
    command = MarketplaceCommand.objects.get(listing=alpha)
    assert command.state == CommandState.NEEDS_PERSON
    command_retry(actor=market.holding.actor, command_id=command.pk)
    market.work()
    assert [item.section for item in market.alpha.listings.values()] == ["Lower Box 131"]


def test_i09_a_name_that_the_platform_does_not_list_is_never_guessed(market: Market) -> None:
    market.alpha.sections = ("Lower Box 131", "132")
    market.published()
    assert market.alpha.shown() == []
    assert len(market.beta.shown()) == 1
    assert Listing.objects.get(platform="alpha").status == ListingStatus.ERROR


def test_i09_the_platforms_own_spelling_is_used(market: Market) -> None:
    VenueSection.objects.update(name="131A")
    market.alpha.sections = ("131",)
    market.published()
    assert len(market.alpha.shown()) == 1
    assert market.beta.shown() == []


def test_i09_what_waits_for_its_mapping_after_a_lost_answer_is_known_not_to_be_there(market: Market) -> None:
    """It was read back before its mapping was asked for: nothing of the earlier try is in doubt any more."""
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.alpha.script["create"] = [UnknownOutcome("timeout")]
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.outcome_unknown) == (CommandState.PENDING, True)
    SectionMapping.objects.all().delete()
    market.alpha.sections = ("132",)
    market.hurry()
    market.work()
    command.refresh_from_db()
    assert (command.state, command.payload["wants"]) == (CommandState.NEEDS_PERSON, "section")
    assert not command.outcome_unknown
