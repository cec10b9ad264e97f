"""At a game's place and hour a marketplace may sell something else: only what its name says too is the game."""

from decimal import Decimal

import pytest

from listings.models import Listing, ListingStatus
from listings.selectors import mappings_waiting
from listings.services.mapping import mapping_options
from listings.services.publish import listing_publish
from marketplaces.contracts import Capability
from marketplaces.registry import adapter_list
from marketplaces.simulator.app import Simulator
from portfolios.models import EventMapping
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
SEARCHING = sorted(
    adapter.traits.key for adapter in adapter_list() if Capability.SEARCH_EVENTS in adapter.traits.capabilities
)
BESIDE = [
    "Harbor Park Club Lounge Pass (no game ticket)", "Inland Owls at Harbor Gulls - Suite Hospitality",
    "City Marathon Finish at Harbor Park", "Harbor Gulls at Inland Owls Watch Party",
    "CANCELLED: Inland Owls at Harbor Gulls", "Inland Owls at Harbor Gulls Batting Practice",
]  # fmt: skip


def _sold_there(holding: Holding, names: list[str]) -> None:
    """What is on there at the place and the start of the game, the game's own event among it or not."""
    game = holding.game
    control(
        "events",
        events=[
            {
                "event_id": 501 + number, "name": name, "venue": game.venue.name, "city": game.venue.city,
                "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone,
            }
            for number, name in enumerate(names)
        ],
    )  # fmt: skip


def _published(holding: Holding, platform: str, monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setenv(f"{platform.upper()}_CLIENT_ID", "ours")
    account = connected(holding, platform)
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    listing.refresh_from_db()
    return listing


@pytest.mark.parametrize("platform", SEARCHING)
@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_the_game_is_asked_of_a_person(
    simulator: Simulator, holding: Holding, platform: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sold_there(holding, [name])
    listing = _published(holding, platform, monkeypatch)
    assert (listing.status, EventMapping.objects.count()) == (ListingStatus.ERROR, 0)
    assert not [row for row in simulator.ledger.listings.values() if row.state == "active"]
    # A marketplace's limit on searches is over by then.
    later = simulator.clock() + 60
    monkeypatch.setattr(simulator, "clock", lambda: later)
    (command,) = mappings_waiting(holding.actor)
    options = mapping_options(actor=holding.actor, command_id=command.pk)
    assert [found.event.name for found in options.events] == [name]


@pytest.mark.parametrize("platform", SEARCHING)
def test_the_game_is_told_from_what_stands_beside_it(
    simulator: Simulator, holding: Holding, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sold_there(holding, ["Inland Owls at Harbor Gulls", *BESIDE])
    listing = _published(holding, platform, monkeypatch)
    assert listing.status == ListingStatus.ACTIVE
    (mapping,) = EventMapping.objects.all()
    assert (mapping.remote_event_id, mapping.confirmed_by) == ("501", "exact match")
    assert {row.event_id for row in simulator.ledger.listings.values()} == {501}
