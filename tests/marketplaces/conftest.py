"""One simulated world a test: a clock that stands, an event, a seller at each platform, no socket and no database."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from marketplaces.contracts import AppCredentials, Counted, Draft, Grant, Link, ListingRef
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport

BASE = "http://simulator.test"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "marketplaces"
EXPECTED = "expected.json"
SECRET = "hook-secret"
START = datetime(2026, 4, 10, 23, 5, tzinfo=UTC)


@dataclass
class Kept:
    """An account's file in memory; empty: its holder has said that nothing is listed there."""

    kept: bytes | None = None
    there: bytes | None = None
    taken: Counted = field(default_factory=Counted)
    tries: list[bytes] = field(default_factory=list)

    def last(self) -> bytes | None:
        return self.kept

    def counted(self) -> Counted:
        return self.taken

    def keep(self, content: bytes | None, counted: Counted) -> None:
        self.kept, self.taken = content, counted

    def trying(self, content: bytes) -> None:
        self.tries.append(content)

    def never_left(self, content: bytes) -> None:
        self.tries.remove(content)

    def tried(self) -> list[bytes]:
        return self.tries

    def sent(self) -> bool:
        self.there, self.tries = self.kept, []
        return True

    def arrived(self) -> bytes | None:
        return self.there

    def note_arrived(self, content: bytes) -> None:
        self.there, self.tries = content, []


@dataclass
class World:
    """The simulator, its clock, and what it delivered."""

    moment: float = datetime(2026, 4, 1, 12, 0, tzinfo=UTC).timestamp()
    delivered: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulator = Simulator(seed=7, clock=lambda: self.moment, sender=self._receive)
        self.http = httpx.Client(
            transport=SimulatorTransport(self.simulator), event_hooks={"request": [self.requests.append]}
        )
        event = {
            "event_id": 501, "name": "Boston Red Sox at New York Yankees", "venue": "Yankee Stadium", "city": "Bronx",
            "starts_at": START.isoformat(), "timezone": "America/New_York", "min_price": "5.00", "max_price": "900.00",
        }  # fmt: skip
        self.control("events", {"events": [event]})

    def _receive(self, url: str, headers: dict[str, str], body: str) -> int:
        self.delivered.append((url, headers, body))
        return self.answers.pop(0) if self.answers else 200

    def control(self, what: str, body: dict[str, Any]) -> Any:
        answer = self.http.post(f"{BASE}/_sim/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self, platform: str) -> Any:
        return self.http.get(f"{BASE}/_sim/state").json()[platform]

    def link(self, platform: str, **account: Any) -> Link:
        """A line to a new account."""
        made = self.control("accounts", {"platform": platform, "webhook_secret": SECRET, **account})
        grant = Grant(made["access_token"], made.get("refresh_token", ""), None, made["account_id"])
        app = AppCredentials("seatsync-paper", "seatsync-paper-secret")
        return Link(self.http, f"{BASE}/{platform}", grant, app, SECRET, Kept(b"", b""))

    def fault(self, **values: Any) -> None:
        self.control("faults", {"add": [values]})

    def sell(self, platform: str, quantity: int, external_id: str = "a" * 32, **more: Any) -> Any:
        return self.control("sell", {"platform": platform, "external_id": external_id, "quantity": quantity, **more})


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.http.close()


@pytest.fixture
def draft() -> Draft:
    return Draft(
        external_id="a" * 32, event_id="501", event_name="Boston Red Sox at New York Yankees",
        venue="Yankee Stadium, Bronx, NY", starts_at=START, local_date="2026-04-10", local_time="19:05:00",
        section="120A", row="12", seats=(1, 2, 3, 4), price=Decimal("84.10"), currency="USD", split="any",
        in_hand_at=datetime(2026, 4, 1, tzinfo=UTC), face_value=Decimal("60.00"),
    )  # fmt: skip


@pytest.fixture
def ref(draft: Draft) -> ListingRef:
    return ListingRef(draft.external_id, "", draft.event_id, draft.quantity, draft.split)


def fixture(platform: str, name: str) -> bytes:
    return (FIXTURES / platform / f"{name}.json").read_bytes()


def fixture_names() -> list[tuple[str, str]]:
    found = FIXTURES.glob("*/*.json")
    return sorted((path.parent.name, path.stem) for path in found if path.name != EXPECTED)


def fixture_platforms() -> list[str]:
    return sorted({platform for platform, _ in fixture_names()})


def expected(platform: str) -> dict[str, list[dict[str, str]]]:
    """What each payload of a platform becomes: one notice or more, by the payload's name."""
    told: dict[str, list[dict[str, str]]] = json.loads((FIXTURES / platform / EXPECTED).read_text())
    return told


def requested(draft: Draft) -> Draft:
    return replace(draft, event_id="")


def last_body(world: World, method: str) -> Any:
    return json.loads(next(item for item in reversed(world.requests) if item.method == method).read())
