"""I-20 of mappings: the paper market has events and sections of its own, and its word counts in it alone."""

import re
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from listings.models import Listing, ListingStatus, MarketplaceCommand
from listings.services.delist import listings_delist
from listings.services.mapping_undo import event_mapping_undo, section_mapping_undo
from listings.services.mend import listing_mend
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import EventStanding, EventState, Link, PrimaryLeft, RemoteEvent
from marketplaces.errors import PermanentError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.availability import availability_read
from portfolios.models import EventMapping, SectionMapping
from portfolios.selectors import game_mapped_to, section_mapped_to
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db
PAPER, REAL = "P-1", "R-1"
migration = import_module("listings.migrations.0023_mappings_of_paper")


def event_id(market: Market, link: Link) -> str:
    return REAL if link.base_url == market.alpha.live_base_url else PAPER


@pytest.fixture
def real(market: Market, monkeypatch: pytest.MonkeyPatch) -> MarketplaceAccount:
    """The holder sells at Alpha for real too, where the same game is another event than in the paper market."""
    game = market.holding.game

    def search(link: Link, query: Any) -> list[RemoteEvent]:
        words = "Inland Owls at Harbor Gulls"
        return [RemoteEvent(event_id(market, link), words, game.venue.name, game.starts_at)]

    market.alpha.events, market.alpha.standings = [], {}
    monkeypatch.setattr(market.alpha, "search_events", search)
    paper = market.accounts["alpha"]
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    return MarketplaceAccount.objects.create(
        tenant_id=paper.tenant_id, user=market.holding.user, platform="alpha", mode=Mode.LIVE, account_id="real-1",
        access_token="real", sales_synced_until=now(), stock_taken_at=now(),
    )  # fmt: skip


@pytest.fixture
def offers(market: Market, real: MarketplaceAccount) -> tuple[Listing, Listing]:
    """Two seats on sale in the paper market, two for real."""
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.publish(market.holding.seats[2:], account_ids=[real.pk])
    market.work()
    paper, own = Listing.objects.get(mode="paper"), Listing.objects.get(mode="live")
    assert (paper.status, own.status) == (ListingStatus.ACTIVE, ListingStatus.ACTIVE)
    return paper, own


def sweep(market: Market) -> None:
    EventMapping.objects.update(told_at=None)
    MarketplaceCommand.objects.filter(kind="sync_account").delete()
    accounts_reconcile_due()
    market.work()


def test_i20_a_game_is_another_event_in_either_market(market: Market, offers: tuple[Listing, Listing]) -> None:
    paper, own = offers
    there = market.alpha.listings
    assert (there[paper.external_id].event_id, there[own.external_id].event_id) == (PAPER, REAL)
    assert game_mapped_to("alpha", REAL, paper=False) == market.holding.game
    assert game_mapped_to("alpha", PAPER, paper=False) is None
    assert game_mapped_to("alpha", REAL, paper=True) is None
    sections = SectionMapping.objects.filter(platform="alpha")
    assert sorted(sections.values_list("paper", flat=True)) == [False, True]


@pytest.mark.parametrize(("says", "down", "up"), [(PAPER, "paper", "live"), (REAL, "live", "paper")])
def test_i20_what_one_market_says_of_the_game_holds_its_own_listings_alone(
    market: Market, offers: tuple[Listing, Listing], says: str, down: str, up: str
) -> None:
    assert market.alpha.standings is not None
    start = market.holding.game.starts_at
    market.alpha.standings |= {
        key: EventStanding(key, EventState.CANCELLED if key == says else EventState.ON, "so", starts_at=start)
        for key in (PAPER, REAL)
    }
    sweep(market)
    assert Listing.objects.get(mode=up).status == ListingStatus.ACTIVE
    assert Listing.objects.get(mode=down).status == ListingStatus.CANCELLED
    assert Alert.objects.filter(kind="game.moved", user_id=market.holding.user.pk).exists()
    # The other market's own word is news when it comes.
    market.alpha.standings |= {
        key: EventStanding(key, EventState.CANCELLED, "so", starts_at=start) for key in (PAPER, REAL)
    }
    sweep(market)
    assert Listing.objects.get(mode=up).status == ListingStatus.CANCELLED


def test_i20_a_mapping_that_is_undone_takes_down_what_is_offered_in_its_market(
    market: Market, offers: tuple[Listing, Listing]
) -> None:
    staff = market.holding.staff
    assert event_mapping_undo(actor=staff, mapping_id=EventMapping.objects.get(paper=True).pk) == 1
    market.work()
    assert Listing.objects.get(mode="live").status == ListingStatus.ACTIVE
    assert section_mapping_undo(actor=staff, mapping_id=SectionMapping.objects.get(paper=False).pk) == 1
    assert section_mapped_to(market.holding.game.venue, "alpha", "131", paper=True) == "131"
    assert section_mapped_to(market.holding.game.venue, "alpha", "131", paper=False) == ""


def test_i20_what_the_paper_market_has_left_is_no_word_of_the_club(
    market: Market, offers: tuple[Listing, Listing]
) -> None:
    market.alpha.left = {PAPER: PrimaryLeft.FEW}
    availability_read()
    left = dict(EventMapping.objects.values_list("paper", "primary_left"))
    assert left == {True: "few", False: ""}
    asked = {what for call, what in market.alpha.calls if call == "primary_left"}
    assert asked == {PAPER, REAL}


def test_the_games_page_says_which_market_it_speaks_of(market: Market, offers: tuple[Listing, Listing]) -> None:
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(f"/portfolio/games/{market.holding.game.pk}/").text
    rows = page.partition("What marketplaces say of the game")[2].partition("</table>")[0].split("<tr>")
    assert {("paper" in row, PAPER in row, REAL in row) for row in rows if PAPER in row or REAL in row} == {
        (True, True, False), (False, False, True),
    }  # fmt: skip
    MarketplaceAccount.objects.exclude(mode=Mode.LIVE).update(is_active=False)
    page = client.get(f"/portfolio/games/{market.holding.game.pk}/").text
    assert (REAL in page, PAPER in page) == (True, False)


def test_mappings_that_were_there_before_are_the_paper_markets_unless_something_was_offered_for_real(
    market: Market, offers: tuple[Listing, Listing]
) -> None:
    EventMapping.objects.filter(paper=True).delete()
    SectionMapping.objects.filter(paper=True).delete()
    game, venue = market.holding.games[-1], market.holding.game.venue
    EventMapping.objects.create(game=game, platform="alpha", remote_event_id="E-9", confirmed_at=now())
    SectionMapping.objects.create(
        venue=venue, section="132", platform="alpha", remote_section="132", confirmed_at=now()
    )
    migration.divide(apps, None)
    assert dict(EventMapping.objects.values_list("remote_event_id", "paper")) == {REAL: False, "E-9": True}
    assert dict(SectionMapping.objects.values_list("section", "paper")) == {"131": False, "132": True}


def test_i20_what_was_refused_on_paper_is_not_sent_again_while_its_seats_are_on_sale_for_real(
    market: Market, real: MarketplaceAccount
) -> None:
    market.alpha.script["create"] = [PermanentError("the price is too high")]
    (refused,) = market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    market.publish(account_ids=[real.pk])
    with pytest.raises(Conflict, match="is offered for real at Alpha"):
        listing_mend(actor=market.holding.actor, listing_id=refused.pk)
    market.work()
    refused.refresh_from_db()
    assert refused.status == ListingStatus.ERROR
    assert [one.status for one in Listing.objects.filter(mode="live")] == [ListingStatus.ACTIVE]


def test_i20_no_seat_is_on_sale_on_paper_and_for_real_at_once(
    market: Market, real: MarketplaceAccount, offers: tuple[Listing, Listing]
) -> None:
    paper, seats = market.accounts["beta"], market.holding.seats
    later = market.holding.seats_of(market.holding.games[-1])
    with pytest.raises(InvalidInput, match="On paper and for real at once") as mixed:
        market.publish(later, account_ids=[paper.pk, real.pk])
    assert [problem.field for problem in mixed.value.problems] == ["accounts"]
    with pytest.raises(Conflict, match="is offered for real at Alpha"):
        market.publish(seats[2:], account_ids=[paper.pk])
    with pytest.raises(Conflict, match="is offered on paper at Alpha"):
        market.publish(seats[:2], account_ids=[real.pk])
    assert Listing.objects.count() == 2
    listings_delist(actor=market.holding.actor, listing_ids=[offers[1].pk])
    market.work()
    market.publish(seats[2:], account_ids=[paper.pk])
    # The page ticks the accounts that sell for real alone.
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(f"/portfolio/games/{market.holding.games[-1].pk}/").text
    assert "Accounts for practice (paper) are not ticked" in page
    boxes = re.findall(r'<input[^>]*name="accounts"[^>]*>', page)
    ticked = {re.findall(r'value="([^"]+)"', box)[0]: " checked" in box for box in boxes}
    assert ticked == {
        str(real.pk): True, str(market.accounts["alpha"].pk): False, str(paper.pk): False,
    }  # fmt: skip
