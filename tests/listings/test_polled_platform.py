"""A marketplace that calls nobody: its sales are found by asking, and everything else follows as ever."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from listings.models import Listing, ListingStatus, Sale, SaleState
from listings.services.outbox import commands_drain
from listings.services.publish import listing_publish
from listings.services.sync import accounts_sync_due
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services import links
from marketplaces.services.connect import connect_token
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.limiters import valkey
from tests.builders import Holding, build_holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def holding(db: None) -> Holding:
    valkey().flushdb()
    return build_holding()


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, settings: Settings, holding: Holding) -> Simulator:
    """The simulator in this process, which knows the holding's game."""
    made = Simulator()
    settings.SIMULATOR_URL = "http://simulator.test"
    monkeypatch.setattr(links, "transport_override", SimulatorTransport(made))
    game = holding.game
    control(
        "events",
        events=[{
            "event_id": 501, "name": f"{game.opponent.name} at {game.home_team.name}", "venue": game.venue.name,
            "city": game.venue.city, "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone,
        }],
    )  # fmt: skip
    return made


def control(name: str, **wish: object) -> None:
    links.shared_client().post(f"http://simulator.test/_sim/{name}", json=wish).raise_for_status()


def published(holding: Holding) -> dict[str, Listing]:
    accounts = [
        connect_token(actor=holding.actor, platform=platform, mode=Mode.PAPER, token="")
        for platform in ("seatgeek", "vividseats")
    ]
    made = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats], account_ids=[one.pk for one in accounts],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return {listing.platform: Listing.objects.get(pk=listing.pk) for listing in made}


def work() -> None:
    for _ in range(10):
        if not commands_drain():
            return


@pytest.mark.usefixtures("simulator")
def test_a_sale_that_is_found_by_asking_takes_everything_else_down(holding: Holding) -> None:
    listings = published(holding)
    assert {name: listing.status for name, listing in listings.items()} == {
        "seatgeek": ListingStatus.ACTIVE, "vividseats": ListingStatus.ACTIVE,
    }  # fmt: skip
    control("sell", platform="vividseats", external_id=listings["vividseats"].external_id, quantity=4)
    MarketplaceAccount.objects.update(last_sync_at=None)
    assert accounts_sync_due() == 1
    work()
    sale = Sale.objects.get()
    assert (sale.platform, sale.quantity, sale.proceeds) == ("vividseats", 4, Decimal("302.40"))
    # What the buyer paid is never told there: the proceeds stand for the gross.
    assert (sale.gross, sale.fees) == (sale.proceeds, Decimal("0.00"))
    assert sale.state == SaleState.CONFIRMED
    assert {seat.state for seat in holding.seats_of(holding.game)} == {"sold"}
    listings = {listing.platform: listing for listing in Listing.objects.all()}
    assert (listings["seatgeek"].status, listings["vividseats"].status) == (ListingStatus.CANCELLED, ListingStatus.SOLD)
