"""Working against the simulator in this process (the fixture `simulator`)."""

from typing import Any

from listings.services.outbox import commands_drain
from marketplaces.services import links


def control(name: str, **wish: object) -> Any:
    """What the control address answers."""
    return links.shared_client().post(f"http://simulator.test/_sim/{name}", json=wish).raise_for_status().json()


def work() -> None:
    for _ in range(10):
        if not commands_drain():
            return
