"""A holding, and the simulator in this process that knows its game."""

import pytest
from pytest_django import Settings

from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.limiters import valkey
from tests.builders import Holding, build_holding
from tests.listings.simulated import control


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
