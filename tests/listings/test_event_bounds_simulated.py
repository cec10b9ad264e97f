"""What the simulated platforms take for an event, through the real adapters: kept, and told when they refuse (I-12)."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Listing, MarketplaceCommand
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from marketplaces.bounds import bounds_of
from marketplaces.contracts import Capability
from marketplaces.models import EventBounds, MarketplaceAccount
from marketplaces.registry import adapter_keys, platform_can, platform_name
from marketplaces.simulator.app import Simulator
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput
from seatsync.core.limiters import valkey
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import work

pytestmark = pytest.mark.django_db
TELLING = [key for key in adapter_keys() if platform_can(key, Capability.CONSTRAINTS)]


def offered(holding: Holding, account: MarketplaceAccount, seats: list[Seat], price: str = "84.00") -> Listing:
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in seats], account_ids=[account.pk], price=Decimal(price),
        floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    return listing


def takes(platform: str) -> str:
    name = platform_name(platform)
    return f"{name} takes $100.00 to $100,000.00 per ticket for this game, told {now():%-d %b}."


@pytest.mark.parametrize("platform", TELLING)
def test_i12_the_first_publication_asks_and_sends_nothing_that_is_not_taken(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    event = simulator.ledger.events[501]
    event.min_price_cents, event.max_quantity = 10_000, 3
    account = connected(holding, platform)
    listing = offered(holding, account, holding.seats[:2])
    assert (listing.status, simulator.ledger.listings) == ("error", {})
    assert takes(platform) in listing.status_reason
    row = EventBounds.objects.get()
    assert (row.mapping.game, row.remote_event_id, row.min_price, row.max_price, row.max_quantity) == (
        holding.game, "501", Decimal("100.00"), Decimal("100000.00"), 3,
    )  # fmt: skip
    assert set(row.splits) == {"any", "none", "pairs", "avoid_one", "avoid_one_and_three"}
    with pytest.raises(InvalidInput) as caught:
        offered(holding, account, holding.seats[2:])
    assert takes(platform) in caught.value.problems[0].detail


@pytest.mark.parametrize("platform", TELLING)
def test_i12_a_publication_that_was_overtaken_tells_its_holder_what_is_taken(
    holding: Holding, simulator: Simulator, client: Client, platform: str
) -> None:
    account = connected(holding, platform)
    assert offered(holding, account, holding.seats[:2]).status == "active"
    simulator.ledger.events[501].min_price_cents = 10_000
    listing = offered(holding, account, holding.seats[2:])
    assert listing.status == "error"
    assert listing.status_reason.startswith("not published: 4")
    assert listing.status_reason.endswith(takes(platform))
    client.force_login(holding.user)
    page = client.get(reverse("listings:listing_detail", args=[listing.pk])).text
    assert takes(platform) in page
    # It is mended at a price that is taken, and no other.
    url = reverse("listings:listing_mend", args=[listing.pk])
    sent = {"version": listing.version, "split_type": "any", "confirmed": "on"}
    assert client.post(url, {**sent, "price": "99.00"}).status_code == 422
    assert client.post(url, {**sent, "price": "100.00"}).status_code == 302
    work()
    listing.refresh_from_db()
    assert (listing.status, listing.live_price) == ("active", Decimal("100.00"))


@pytest.mark.parametrize("platform", TELLING)
def test_i12_a_price_that_was_overtaken_tells_its_holder_what_is_taken(
    holding: Holding, simulator: Simulator, platform: str
) -> None:
    listing = offered(holding, connected(holding, platform), holding.seats[:2])
    simulator.ledger.events[501].min_price_cents = 10_000
    listing_reprice(actor=holding.actor, listing_id=listing.pk, price=Decimal("80.00"), version=None)
    work()
    command = MarketplaceCommand.objects.get(kind="reprice")
    assert command.state == "needs_person"
    assert command.last_error.endswith(takes(platform))
    assert takes(platform) in Alert.objects.get(user_id=holding.user.pk, object_id=str(command.pk)).body
    assert bounds_of(holding.game, platform, paper=True).event_said == takes(platform)
    with pytest.raises(InvalidInput):
        listing_reprice(actor=holding.actor, listing_id=listing.pk, price=Decimal("82.00"), version=None)
    # Its tokens are there again.
    valkey().flushdb()
    listing_reprice(
        actor=holding.actor, listing_id=listing.pk, price=Decimal("101.00"), version=None, confirmed=True
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    assert listing.live_price == Decimal("101.00")
