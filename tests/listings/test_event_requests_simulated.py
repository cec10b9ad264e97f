"""A game that the simulated StubHub does not list, over HTTP: asked for, sent in words, added, and mapped."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import time_machine

from listings.models import Listing, MarketplaceCommand
from listings.selectors import mappings_waiting
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_keys, platform_can
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from portfolios.models import EventMapping, Venue
from seatsync.core.clock import now
from tests.builders import Holding, browser
from tests.listings.selling import connected
from tests.listings.simulated import work
from tests.marketplaces.specs import violations

pytestmark = pytest.mark.django_db
INVENTORY, URL = "stubhub-inventory.json", "/settings/connections/mapping/"


@dataclass
class Heard(SimulatorTransport):
    """What is sent to the simulator, with its body."""

    simulator: Simulator
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.sent.append((f"{request.method} {request.url.path}", json.loads(body) if body[:1] == b"{" else None))
        return super().handle_request(request)

    def bodies(self, call: str) -> list[Any]:
        """What went with each of these calls."""
        return [body for made, body in self.sent if made == call]


@pytest.fixture
def heard(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Heard:
    simulator.ledger.events.clear()
    found = Heard(simulator)
    monkeypatch.setattr(links, "transport_override", found)
    return found


def offer(holding: Holding, account: MarketplaceAccount, first: int) -> Listing:
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[first : first + 2]],
        account_ids=[account.pk], price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    return listing


def test_stubhub_alone_adds_events_that_sellers_ask_for() -> None:
    assert [key for key in adapter_keys() if platform_can(key, Capability.REQUEST_EVENT)] == ["stubhub"]


def test_a_game_that_is_not_there_is_asked_for_sold_and_mapped(
    holding: Holding, simulator: Simulator, heard: Heard
) -> None:
    venue = holding.game.venue
    Venue.objects.filter(pk=venue.pk).update(city="Harbor City", state="WA")
    account = connected(holding, "stubhub")
    with time_machine.travel(now(), tick=False) as travel:
        listing = offer(holding, account, 0)
        assert listing.status == "error"
        command = mappings_waiting(holding.actor).get()
        answer = browser().post(URL, {"command": str(command.pk), "wants": "request"}, follow=True)
        assert "StubHub is asked to add the game. 1 listing sent again." in answer.text
        work()
        listing.refresh_from_db()
        assert (listing.status, len(simulator.ledger.listings)) == ("active", 1)
        # As it was published: the vendor's own schema of it, and the words that were said to be sent.
        (body,) = heard.bodies("POST /stubhub/v2/sellerlistings")
        assert violations(INVENTORY, "PostRequestedEventSellerListingRequest", body) == []
        game = holding.game
        assert body["event"]["name"] == f"{game.home_team.name} vs {game.opponent.name}"
        assert body["venue"] == {"name": venue.name, "city": "Harbor City", "state_province": "WA"}
        asked_bounds = heard.bodies("PUT /stubhub/v2/listingconstraints")
        assert asked_bounds
        assert [violations(INVENTORY, "PutRequestedEventRequest", told) for told in asked_bounds] == [[]] * len(
            asked_bounds
        )
        asked = EventMapping.objects.get()
        assert (asked.requested, asked.remote_event_id) == (True, "")
        assert asked.requested_as in browser().get(URL).text
        (event,) = simulator.ledger.events.values()
        assert event.coming
        # It is there after a while, and the next sweep is told its number.
        travel.shift(timedelta(seconds=simulator.ledger.settings.add_event_s + 60))
        simulator.tick()
        Listing.objects.update(updated_at=now() - timedelta(minutes=5))
        MarketplaceCommand.objects.filter(kind="sync_account").delete()
        assert accounts_reconcile_due() == 1
        work()
        asked.refresh_from_db()
        assert (asked.remote_event_id, asked.confirmed_by) == (str(event.id), "asked for")
        assert "Asked for, not there yet" not in browser().get(URL).text
        # What is published from now on names it.
        assert offer(holding, account, 2).status == "active"
        (known,) = heard.bodies(f"POST /stubhub/v2/events/{event.id}/sellerlistings")
        assert violations(INVENTORY, "PostSellerListingRequest", known) == []
        listing.refresh_from_db()
        assert listing.status == "active"


def test_an_event_that_stubhub_knows_by_these_words_is_mapped_at_once(
    holding: Holding, simulator: Simulator, heard: Heard
) -> None:
    """Its search may not show what it has; the created listing tells it."""
    account = connected(holding, "stubhub")
    offer(holding, account, 0)
    game = holding.game
    links.shared_client().post(
        "http://simulator.test/_sim/events",
        json={"events": [{
            "event_id": 777, "name": f"{game.home_team.name} vs {game.opponent.name}", "venue": game.venue.name,
            "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone, "status": "Draft",
        }]},
    ).raise_for_status()  # fmt: skip
    command = mappings_waiting(holding.actor).get()
    browser().post(URL, {"command": str(command.pk), "wants": "request"})
    work()
    mapping = EventMapping.objects.get()
    assert (mapping.remote_event_id, mapping.confirmed_by) == ("777", "asked for")
