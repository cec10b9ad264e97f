"""Working against the simulator in this process (the fixture `simulator`)."""

from datetime import date
from typing import Any

from listings.services.outbox import commands_drain
from marketplaces.models import LimitVersion
from marketplaces.registry import adapter_keys
from marketplaces.services import links


def control(name: str, **wish: object) -> Any:
    """What the control address answers."""
    return links.shared_client().post(f"http://simulator.test/_sim/{name}", json=wish).raise_for_status().json()


def unlimited() -> None:
    """As many tokens as are wanted, at every platform."""
    for key in adapter_keys():
        LimitVersion.objects.create(
            platform=key, per_second=10_000, burst=10_000, valid_from=date(2020, 1, 1), source="test",
            checked_on=date(2020, 1, 1),
        )  # fmt: skip


def work() -> None:
    for _ in range(10):
        if not commands_drain():
            return
