"""A simulator in this process, with one event that every platform knows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.contracts import AppCredentials, Draft, Grant, Link, MarketplaceAdapter
from marketplaces.simulator.app import Simulator, SimulatorTransport
from seatsync.core.http import http_client

BASE = "http://simulator"
SECRET = "hook-secret"
STARTS = datetime(2026, 7, 1, 2, 10, tzinfo=UTC)


class Bench:
    """The simulator, its outbound webhooks and a client to both its sides."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.simulator = Simulator(post=self._post)
        self.http = http_client(SimulatorTransport(self.simulator))
        self.control("events", events=[{
            "id": 501, "name": "Harbor Gulls vs Inland Owls", "venue": "Harbor Park", "starts_at": STARTS.isoformat(),
            "local_date": "2026-06-30",
        }])  # fmt: skip

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.sent.append((url, headers, body))
        return self.statuses.pop(0) if self.statuses else 200

    def control(self, name: str, **wish: Any) -> Any:
        answer = self.http.post(f"{BASE}/_sim/{name}", json=wish)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"{BASE}/_sim/state").json()
        return found

    def link(self, adapter: MarketplaceAdapter) -> Link:
        key = adapter.traits.key
        account = self.control("accounts", platform=key, webhook_url="http://us/hook", webhook_secret=SECRET)
        grant = Grant(account["access_token"], account["refresh_token"])
        return Link(self.http, f"{BASE}/{key}", grant, AppCredentials("seatsync-paper", "s"), SECRET)


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench()
    yield found
    found.http.close()


def draft(external_id: str = "a" * 32, *, seats: tuple[int, ...] = (1, 2, 3, 4), price: str = "84.50") -> Draft:
    return Draft(
        external_id=external_id, event_id="501", event_name="Harbor Gulls vs Inland Owls", venue="Harbor Park",
        starts_at=STARTS, local_date="2026-06-30", local_time="19:10:00", section="131", row="27", seats=seats,
        price=Decimal(price), currency="USD", split="any",
    )  # fmt: skip
