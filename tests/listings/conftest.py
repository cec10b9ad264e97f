"""A holding, and the simulator in this process that knows its game."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from pytest_django import Settings

from marketplaces import selectors
from marketplaces.models import MarketplaceAccount
from marketplaces.services import limits, links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core import limiters
from seatsync.core.limiters import valkey
from tests.builders import Holding, build_holding
from tests.hands import assist
from tests.listings.ended import Ended
from tests.listings.limited import Counted
from tests.listings.selling import Seller, sell_and_hand_over
from tests.listings.simulated import event_tell, unlimited
from tests.market import Market


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
    # Its clock is moved by hand and Valkey's is not: the simulator alone holds us to limits here.
    monkeypatch.setattr(limits, "paces_kept", lambda _: {})
    monkeypatch.setattr(limits, "hold", lambda *_: None)
    unlimited()
    event_tell(holding.game)
    return made


@pytest.fixture
def line(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Everything that is sent from now on."""
    counted = Counted(simulator)
    monkeypatch.setattr(links, "transport_override", counted)
    return counted


@pytest.fixture
def paces(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of single requests, and holds, count."""
    monkeypatch.setattr(limits, "paces_kept", selectors.paces_kept)
    monkeypatch.setattr(limits, "hold", limiters.hold)


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    """The clock stands, and is moved by hand."""
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def seller(
    travel: time_machine.Traveller, holding: Holding, simulator: Simulator, request: pytest.FixtureRequest
) -> Seller:
    """A holder who has sold two seats at a simulated platform (StubHub, if none is named) and handed them over."""
    return sell_and_hand_over(holding, simulator, travel, getattr(request, "param", "stubhub"))


@pytest.fixture
def assisted(market: Market) -> MarketplaceAccount:
    """An account at beta that gives its holder no interface."""
    return assist(market)


@pytest.fixture
def ended(market: Market) -> Ended:
    """Two of four seats, sold on alpha for 151.20 to the holder."""
    alpha, _ = market.published(market.holding.seats[:2])
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    market.work()
    return Ended(market, remote)
