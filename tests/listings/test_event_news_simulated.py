"""I-08 against the simulator: each platform that tells of events, through its real adapter and the real sweep."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from listings.models import Listing, ListingStatus
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sync import account_sync_sales
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_keys, platform_can, platform_name
from marketplaces.simulator.app import Simulator
from portfolios.models import EventMapping
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.simulated import control, settled, work

pytestmark = pytest.mark.django_db
TELLING = [key for key in adapter_keys() if platform_can(key, Capability.EVENT_STANDING)]


def offered_at(holding: Holding, *platforms: str) -> None:
    """The first coming game's seats are on sale there."""
    accounts = []
    for platform in platforms:
        made = control("accounts", platform=platform)
        accounts.append(
            MarketplaceAccount.objects.create(
                tenant_id=holding.ticket.tenant_id, user=holding.user, platform=platform,
                access_token=made["access_token"], refresh_token=made.get("refresh_token", ""),
                account_id=made["account_id"], sales_synced_until=now(), stock_taken_at=now(),
            )
        )  # fmt: skip
    listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], price=Decimal("84.00"),
        account_ids=[account.pk for account in accounts], floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    assert set(Listing.objects.values_list("status", flat=True)) == {ListingStatus.ACTIVE}


def move(how: str, **more: Any) -> None:
    control("move", event_id=501, how=how, timezone="America/Los_Angeles", **more)


def sweep() -> None:
    accounts_reconcile_due()
    work()


def shown(simulator: Simulator) -> list[str]:
    return sorted(item.platform for item in simulator.ledger.listings.values() if item.state == "active")


@pytest.mark.parametrize("platform", TELLING)
def test_i08_a_date_that_one_platform_changes_takes_the_game_down_at_all(
    platform: str, holding: Holding, simulator: Simulator
) -> None:
    other = "seatgeek" if platform == "stubhub" else "stubhub"
    offered_at(holding, platform, other)
    later = holding.game.starts_at + timedelta(days=9)
    move("redate", platform=platform, starts_at=later.isoformat())
    # The publication asked for the event a moment ago, and it may be asked for once in five seconds at Vivid Seats.
    simulator.clock = lambda: now().timestamp() + 10
    sweep()
    assert shown(simulator) == []
    alert = Alert.objects.get(kind="game.moved", user_id=holding.user.pk)
    assert f"{platform_name(platform)} says that it is on" in alert.title
    assert "2 listings were taken down" in alert.body


@pytest.mark.parametrize("how", ["postpone", "cancel"])
@pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "ticketmaster"])
def test_i08_what_one_platform_postpones_or_calls_off_is_asked_about(
    platform: str, how: str, holding: Holding, simulator: Simulator
) -> None:
    offered_at(holding, platform)
    move(how, platform=platform)
    sweep()
    assert shown(simulator) == []
    words = {"postpone": "it is postponed", "cancel": "it is called off"}[how]
    assert words in Alert.objects.get(kind="game.moved", user_id=holding.user.pk).title
    kept = EventMapping.objects.get(platform=platform)
    assert kept.told_word.lower()[:6] == how[:6]


def test_an_event_that_stands_holds_nothing(holding: Holding, simulator: Simulator) -> None:
    offered_at(holding, "stubhub", "ticketmaster")
    sweep()
    assert shown(simulator) == ["stubhub", "ticketmaster"]
    assert list(EventMapping.objects.order_by("platform").values_list("told_state", "told_word")) == [
        ("on", "Normal"), ("on", "onsale"),
    ]  # fmt: skip


def test_what_is_offered_under_an_event_that_was_merged_stays_up(holding: Holding, simulator: Simulator) -> None:
    """StubHub names another event with the listing from then on: it is the same game."""
    offered_at(holding, "stubhub")
    settled()
    game = holding.game
    control("events", events=[{
        "event_id": 502, "name": f"{game.opponent.name} at {game.home_team.name}", "venue": game.venue.name,
        "city": game.venue.city, "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone,
    }])  # fmt: skip
    control("merge", event_id=501, into=502, platform="stubhub")
    Listing.objects.update(updated_at=now() - timedelta(days=1))
    sweep()
    assert set(Listing.objects.values_list("status", flat=True)) == {ListingStatus.ACTIVE}
    assert shown(simulator) == ["stubhub"]
    # It is sold as any other.
    control("sell", platform="stubhub", external_id=Listing.objects.get().external_id)
    account_sync_sales(account=MarketplaceAccount.objects.get())
    assert Listing.objects.get().status == ListingStatus.SOLD
