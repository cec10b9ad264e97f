"""What a marketplace tells of listings, and what nobody knows: its holder hears of each thing, and of the same once."""

from decimal import Decimal

import pytest

from listings.models import FoundListing, FoundState, Listing, MarketplaceCommand, Sale
from marketplaces.contracts import EventWords, RemoteListing, RemoteListingState
from marketplaces.errors import TemporaryError
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.services.understand import inbound_replay
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
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


@pytest.mark.parametrize("kind", ["sale", "sale_update"])
def test_a_word_of_a_known_sale_that_cannot_be_read_takes_nothing_of_the_rest_down(market: Market, kind: str) -> None:
    """What a known sale took is settled: an update of it, or its webhook replayed, is no sale of other seats."""
    alpha, beta = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    market.work()
    market.alpha.script["fetch_sale"] = [TemporaryError("busy")]
    if kind == "sale":
        (event,) = InboundEvent.objects.all()
        inbound_replay(actor=market.holding.staff, event_id=event.pk)
    else:
        market.announce(remote.sale_id, alpha.external_id, kind=kind)
    market.process()
    market.work()
    assert market.beta.seats[beta.external_id] == [3, 4]
    beta.refresh_from_db()
    assert (beta.status, Sale.objects.count()) == ("active", 1)


def test_what_came_over_an_account_that_was_left_is_not_worked_off_anew(market: Market) -> None:
    """Its seats may be on sale elsewhere by now, and nobody could say what became of the sale that it tells of."""
    alpha, beta = market.published()
    market.announce("gone", alpha.external_id)
    market.accounts["alpha"].inbound.update(state="done", received_at=now())
    Listing.objects.filter(pk=alpha.pk).update(status="cancelled")
    MarketplaceAccount.objects.filter(pk=market.accounts["alpha"].pk).update(is_active=False, access_token="")
    (event,) = InboundEvent.objects.all()
    with pytest.raises(Conflict, match="not connected"):
        inbound_replay(actor=market.holding.staff, event_id=event.pk)
    market.process()
    market.work()
    assert market.beta.shown() == [beta.external_id]
    assert set(Seat.objects.filter(game=market.holding.game).values_list("state", flat=True)) == {"available"}
