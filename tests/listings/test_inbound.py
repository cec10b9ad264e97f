"""What a marketplace tells of listings, and what nobody knows: its holder hears of each thing, and of the same once."""

from decimal import Decimal

import pytest

from listings.models import FoundListing, FoundState, Listing, MarketplaceCommand
from marketplaces.contracts import EventWords, RemoteListing, RemoteListingState
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def told(market: Market) -> list[tuple[str, int]]:
    """What each open notice concerns, as its words say it, and how often it came."""
    rows = Alert.objects.filter(kind="marketplace.notice", user_id=market.holding.user.pk).order_by("raised_at")
    return [(row.body.rpartition(" ")[2].rstrip("."), row.count) for row in rows]


def again(market: Market) -> None:
    """All that came is worked off once more."""
    market.accounts["alpha"].inbound.update(state="received")
    market.process()


def test_a_change_of_another_listing_is_told_beside_the_first(market: Market) -> None:
    one, _ = market.published(market.holding.seats[:2])
    other, _ = market.published(market.holding.seats[2:])
    for listing in (one, other):
        market.announce(listing.listing_id, listing.external_id, kind="listing_update")
    market.process()
    assert told(market) == [(one.listing_id, 1), (other.listing_id, 1)]
    again(market)
    assert told(market) == [(one.listing_id, 2), (other.listing_id, 2)]
    # The same listing by one of its names alone.
    market.announce(one.listing_id, "", kind="listing_update")
    market.announce("", other.external_id, kind="listing_update")
    market.process()
    assert told(market) == [(one.listing_id, 3), (other.listing_id, 3)]


def test_listings_of_which_we_know_nothing_are_told_apart_however_long_their_names(market: Market) -> None:
    for name in ("X" * 79 + "1", "X" * 79 + "2"):
        market.announce(name, "", kind="listing_update")
    market.process()
    assert [count for _, count in told(market)] == [1, 1]
    again(market)
    assert [count for _, count in told(market)] == [2, 2]


def test_a_listing_of_our_seats_that_nobody_here_made_is_kept_in_step_as_soon_as_we_hear_of_it(market: Market) -> None:
    """Its marketplace tells of it: until the next sweep its seats would be sold there and elsewhere."""
    game = market.holding.game
    event = EventWords(f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat())
    market.alpha.listings["H-1"] = RemoteListing(
        listing_id="H-1", external_id="H-1", event_id="", section="131", row="27", seat_from="1", seat_to="2",
        quantity=2, price=Decimal("70.00"), currency="USD", state=RemoteListingState.ACTIVE, event=event,
    )  # fmt: skip
    market.alpha.seats["H-1"] = [1, 2]
    for _ in range(2):
        market.announce("H-1", "", kind="listing_update")
        market.process()
    market.work()
    listing = Listing.objects.get(platform="alpha")
    assert (listing.made_there, listing.status, listing.price) == (True, "active", Decimal("70.00"))
    assert Alert.objects.filter(kind="listing.adopted", object_id=str(listing.pk)).exists()
    assert sweeps(market) == ["done"]
    # What is known already, and said to be none of his, orders no sweep however often it is told.
    FoundListing.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, remote_id="X-1", quantity=1, price=Decimal("80.00"),
        state=FoundState.NOT_OURS, first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    market.announce("X-1", "", kind="listing_update")
    market.process()
    assert sweeps(market) == ["done"]
    market.announce("X-2", "", kind="listing_update")
    market.process()
    assert sorted(sweeps(market)) == ["done", "pending"]


def sweeps(market: Market) -> list[str]:
    """The states of all sweeps of the account that were ordered."""
    ordered = MarketplaceCommand.objects.filter(kind="sync_account", account=market.accounts["alpha"])
    return list(ordered.values_list("state", flat=True))


def test_something_unknown_of_another_thing_is_told_beside_the_first(market: Market) -> None:
    for name in ("R-1", "R-2", ""):
        market.announce(name, "", kind="unknown")
    market.process()
    assert told(market) == [("R-1", 1), ("R-2", 1), ("object", 1)]
    again(market)
    assert told(market) == [("R-1", 2), ("R-2", 2), ("object", 2)]
