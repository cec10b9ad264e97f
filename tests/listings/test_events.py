"""Which events there our games are: what cannot be told is asked of a person, and nobody asks more than he may."""

from dataclasses import replace

import pytest

from listings.models import FoundListing, Listing, MarketplaceCommand
from listings.selectors import mappings_waiting
from listings.services import events
from listings.services.events import events_learn
from listings.services.found import found_ask_again, found_not_ours
from listings.services.recognise import told_of_listing
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import Link, RemoteEvent, RemoteListing
from marketplaces.errors import MustWait
from marketplaces.models import LimitVersion
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for, over_link
from portfolios.models import EventMapping
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from tests.listings.limited import ToldAt
from tests.market import Market

pytestmark = pytest.mark.django_db


def event_of(market: Market) -> RemoteEvent:
    game = market.holding.game
    return RemoteEvent("E-1", "Inland Owls at Harbor Gulls", game.venue.name, game.starts_at)


def foreign(market: Market) -> RemoteListing:
    """Two seats that somebody lists at Alpha, of an event that is named by its id alone."""
    (known, *_) = market.alpha.listings.values()
    other = replace(
        known, listing_id="L-77", external_id="theirs", event_id="E-77", section="999", row="1", seat_from="1",
        seat_to="2", quantity=2,
    )  # fmt: skip
    market.alpha.listings["theirs"], market.alpha.seats["theirs"] = other, [1, 2]
    return other


def searches(market: Market) -> int:
    return [call for call, _ in market.alpha.calls].count("search_events")


def test_an_event_that_is_another_games_already_is_asked_of_its_holder(market: Market) -> None:
    later = market.holding.games[-1]
    event_mapping_confirm(game=later, platform="alpha", paper=True, remote_event_id="E-1", by="a person")
    market.alpha.events = [event_of(market)]
    market.published()
    (waiting,) = mappings_waiting(market.holding.actor)
    assert (waiting.state, waiting.payload["wants"]) == ("needs_person", "event")
    assert "E-1 is mapped to another game" in waiting.last_error
    assert Listing.objects.get(platform="alpha").status == "error"
    assert EventMapping.objects.get(platform="alpha").game_id == later.pk


def test_i09_of_two_events_that_both_are_the_game_none_is_taken_unasked(market: Market) -> None:
    market.alpha.events = [event_of(market), replace(event_of(market), event_id="E-2")]
    market.published()
    (waiting,) = mappings_waiting(market.holding.actor)
    assert "2 events at Alpha can be told for certain" in waiting.last_error
    assert not EventMapping.objects.filter(platform="alpha").exists()
    assert market.alpha.shown() == []


def test_no_more_is_asked_in_a_row_than_the_limit_lets_one(market: Market) -> None:
    market.published()
    market.alpha.events = []
    account, adapter = market.accounts["alpha"], adapter_get("alpha")
    told = [told_of_listing(foreign(market))]
    LimitVersion.objects.create(
        platform="alpha", per_second="0.001", burst=4, reserved=2, valid_from="2024-01-01", source="test",
        checked_on="2024-01-01",
    )  # fmt: skip
    valkey().flushdb()

    def learn(link: Link) -> None:
        events_learn(adapter=adapter, link=link, account=account, told=told, alive=lambda: None)

    with pytest.raises(MustWait) as waits:
        over_link(account, learn, reading="sweep")
    assert searches(market) == 2
    assert waits.value.retry_after_s is not None


def test_a_sweep_is_not_put_back_for_its_searches_for_ever(market: Market) -> None:
    market.published()
    market.alpha.events = []
    market.alpha.script["search_events"] = [MustWait("not yet", retry_after_s=5.0)]
    account, adapter = market.accounts["alpha"], adapter_get("alpha")
    link = replace(link_for(account), answers=ToldAt(now() - events.LEARN_FOR))
    told = [told_of_listing(foreign(market))]
    events_learn(adapter=adapter, link=link, account=account, told=told, alive=lambda: None)
    assert searches(market) == 1


def test_what_is_not_ours_is_looked_for_no_more(market: Market) -> None:
    market.published()
    market.alpha.events = []
    foreign(market)

    def swept() -> int:
        market.alpha.calls.clear()
        MarketplaceCommand.objects.filter(kind="sync_account").delete()
        accounts_reconcile_due()
        market.work()
        return searches(market)

    assert swept() > 0
    found = FoundListing.objects.get()
    found_not_ours(actor=market.holding.actor, found_ids=[found.pk])
    assert swept() == 0
    found_ask_again(actor=market.holding.actor, found_id=found.pk)
    assert swept() > 0


def test_seats_in_signs_that_only_look_like_numbers_count_as_not_told(market: Market) -> None:
    market.published()
    told = told_of_listing(replace(foreign(market), seat_from="\u00b2", seat_to="\u2461", quantity=2))

    assert (told.seats, told.ends) == ((), ("\u00b2", "\u2461"))
