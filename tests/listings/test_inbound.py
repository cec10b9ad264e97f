"""What a marketplace tells of listings, and what nobody knows: its holder hears of each thing, and of the same once."""

import pytest

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


def test_something_unknown_of_another_thing_is_told_beside_the_first(market: Market) -> None:
    for name in ("R-1", "R-2", ""):
        market.announce(name, "", kind="unknown")
    market.process()
    assert told(market) == [("R-1", 1), ("R-2", 1), ("object", 1)]
    again(market)
    assert told(market) == [("R-1", 2), ("R-2", 2), ("object", 2)]
