"""Every field of every write, given what it is not for: never a 500, never half a change, and each refusal helps."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model
from django.urls import reverse

from listings.models import FoundListing, Listing, MarketplaceCommand, Payout, PushHalt, Sale, SeatTicket, TradingState
from marketplaces.models import InboundEvent, MarketplaceAccount
from portfolios.models import EventMapping, SeasonTicket, Seat, SectionMapping
from seatsync.accounts.models import User
from seatsync.core.models import AuditEntry
from tests.access.conftest import World
from tests.access.routes import ROUTES, addresses
from tests.access.test_matrix import address, ask, client_of, undone
from tests.api.document import PROBLEM, document

pytestmark = pytest.mark.django_db
METHODS = ("POST", "PUT", "PATCH", "DELETE")
NOWHERE = str(uuid4())
# Wrong in its type, in its size, in its place or in its time; what is wrong for one field may be right for another.
NOT_EVEN: tuple[Any, ...] = (None, "a\x00b", {"a": {"b": [1]}}, [[None]])
NUMBERS: tuple[Any, ...] = (-1, True, 2**63, 1e308, "1e999999999", "\u0661\u0662", " ")
TEXTS: tuple[Any, ...] = (" ", "\u202e\r\n<b>%s{0}\U0001f39f", "x" * 70_000)
LISTS: tuple[Any, ...] = ([], [NOWHERE, NOWHERE], "x")
MOMENT = "9999-12-31T23:59:59-12:00"
# By what the document says a field is; of one of which it says nothing, everything is tried.
HOSTILE: dict[str, tuple[Any, ...]] = {
    "integer": (*NOT_EVEN, *NUMBERS),
    "number": (*NOT_EVEN, *NUMBERS, "-0.005"),
    "decimal": (*NOT_EVEN, *NUMBERS, "-0.005"),
    "boolean": (*NOT_EVEN, 2**63, " "),
    "array": (*NOT_EVEN, *LISTS),
    "object": (*NOT_EVEN, *LISTS),
    "uuid": (*NOT_EVEN, 2**63, " ", NOWHERE),
    "date-time": (*NOT_EVEN, 1e308, " ", MOMENT),
    "date": (*NOT_EVEN, 1e308, " ", MOMENT),
    "enum": (*NOT_EVEN, True, " "),
    "string": (*NOT_EVEN, *TEXTS),
    "": (*NOT_EVEN, *NUMBERS, "-0.005", *TEXTS[1:], *LISTS[:2], MOMENT),
}
# What no refused request may change; proposals and attempts, which keep a trace of it, are not among them.
KEPT: tuple[type[Model], ...] = (
    Listing, Seat, Sale, MarketplaceCommand, MarketplaceAccount, SeasonTicket, FoundListing, Payout, PushHalt,
    SeatTicket, TradingState, InboundEvent, EventMapping, SectionMapping, User, AuditEntry,
)  # fmt: skip
# Whose refusals leave a trace that they are to leave: failed sign-ins.
TRACED = {"api:token", "api:token_mfa", "api:token_refresh"}
# Bodies that are right, where the matrix gets along without one.
BODIES: dict[tuple[str, str], Any] = {
    ("api:token", "POST"): {"email": "owner@example.com", "password": "not-the-password"},
    ("api:token_mfa", "POST"): {"mfa_token": "x", "code": "123456"},
    ("api:token_refresh", "POST"): {"refresh": "x"},
    ("api:me", "PATCH"): {"full_name": "Sam", "phone": "+12065550123"},
    ("api:season_tickets", "POST"): {
        "team": "@team", "season_year": 2026, "section": "140", "row": "2", "seat_from": 1, "seat_to": 2,
        "cost_basis": "500.00", "order_reference": "A-9",
    },
    ("api:accounts", "POST"): {"platform": "alpha", "mode": "paper", "token": "abc"},
    ("api:account_finish", "POST"): {"state": "x", "code": "y", "redirect_uri": "https://seats.example/"},
    ("api:listing_bulk", "POST"): {"act": "by_percent", "amount": "1.00", "listings": [{"id": "@listing"}]},
    ("api:sale_received", "POST"): {"amount": "10.00"},
    ("api:payout_received", "POST"): {"amount": "10.00"},
}  # fmt: skip


def writes() -> list[tuple[str, str]]:
    """Every (name of the address, method) that takes a body."""
    found = []
    for name, pattern in addresses():
        if not name.startswith("api:") or name == "api:unknown":
            continue
        path = reverse(name, kwargs=dict.fromkeys(pattern.pattern.regex.groupindex, NOWHERE))
        found += [(name, method) for method in METHODS if fields_of(method, path)]
    return found


def schema_of(schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return schema_of(schema["allOf"][0])
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document().spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema_of(found)


def fields_of(method: str, path: str) -> dict[str, Any]:
    """The fields of an operation's body, with what the document says of each; none where it takes no body."""
    operation = document().operation(method, path) or {}
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    found: dict[str, Any] = schema_of(schema).get("properties", {})
    return found


def kind_of(schema: dict[str, Any]) -> str:
    """By which of HOSTILE a field is tried."""
    found = schema_of(schema)
    if "enum" in found:
        return "enum"
    kinds = [found.get("format", ""), found.get("type", "")]
    return next((kind for kind in kinds if kind in HOSTILE and kind), "")


@dataclass(frozen=True)
class Spot:
    """A field of a body, or one of what a list in it holds."""

    name: str
    kind: str
    part: str = ""

    @property
    def field(self) -> str:
        """As a refusal names it."""
        return f"{self.name}.0.{self.part}" if self.part else self.name

    def put(self, body: dict[str, Any], value: Any) -> None:
        if not self.part:
            body[self.name] = value
            return
        held = body.get(self.name)
        first = held[0] if isinstance(held, list) and held and isinstance(held[0], dict) else {}
        body[self.name] = [{**first, self.part: value}]


def spots_of(fields: dict[str, Any]) -> tuple[list[Spot], list[Spot]]:
    """The fields themselves, and those of what their lists hold: to be spoilt apart from each other."""
    parts = [
        Spot(name, kind_of(inner), part)
        for name, schema in fields.items()
        for part, inner in schema_of(schema_of(schema).get("items", {})).get("properties", {}).items()
    ]
    return [Spot(name, kind_of(schema)) for name, schema in fields.items()], parts


def rounds(spots: list[Spot]) -> Iterator[dict[Spot, Any]]:
    """Each value of each field once, as many of them at a time as there are fields."""
    for number in range(max((len(HOSTILE[spot.kind]) for spot in spots), default=0)):
        yield {spot: HOSTILE[spot.kind][number] for spot in spots if number < len(HOSTILE[spot.kind])}


def spoilt(body: dict[str, Any], spoils: dict[Spot, Any]) -> dict[str, Any]:
    changed = deepcopy(body)
    for spot, value in spoils.items():
        spot.put(changed, value)
    return changed


def settled(answer: Any) -> set[str]:
    """The fields that were refused together, before anything was done: alone each of them is refused as well."""
    named = {one["field"] for one in answer.json()["errors"]} if answer.status_code in {400, 422} else set()
    # What names one field may be a service's refusal, which another field brought about.
    return named if len(named) > 1 else set()


def rows() -> list[Any]:
    """Each table's size and the sum of its rows' hashes."""
    asked = " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(sum(hashtext(one::text)::bigint), 0) FROM {table} AS one"
        for table in (model._meta.db_table for model in KEPT)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return list(cursor.fetchall())


def trouble(answer: Any) -> str:
    """What is wrong with an answer; empty: nothing."""
    if answer.status_code >= 500:
        return "failed"
    if answer.status_code < 400:
        return ""
    if answer.headers["Content-Type"] != PROBLEM:
        return "no problem"
    said = answer.json()
    if answer.status_code in {400, 422} and not said["errors"]:
        return "names no field"
    if not all(one["field"] and one["detail"] and one["remedy"] for one in said["errors"]):
        return "does not help"
    return "repeats too much" if len(answer.content) > 20_000 else ""


@pytest.mark.parametrize(("name", "method"), writes())
def test_no_write_breaks_over_any_field(world: World, name: str, method: str) -> None:
    """All fields at once, and each one alone with what was not refused of it then: that much reaches the service."""
    world.ids["team"] = str(world.market.holding.game.home_team_id)
    route = ROUTES[name]
    client = client_of(world, "staff" if method in route.staff_methods else "owner", api=True)
    client.raise_request_exception = False
    path = address(world, name, route)
    body = world.filled(BODIES.get((name, method), route.body))
    before, broken, refused = rows(), list[tuple[Any, ...]](), 0

    def told(spoils: dict[Spot, Any]) -> set[str]:
        nonlocal refused
        with undone():
            answer = ask(client, method, path, spoilt(body, spoils), api=True)
            refused += answer.status_code >= 400
            wrong = trouble(answer)
            if not wrong and answer.status_code >= 400 and name not in TRACED and rows() != before:
                wrong = "changed something"
        if wrong:
            said = {spot.field: repr(value)[:80] for spot, value in spoils.items()}
            broken.append((wrong, said, answer.status_code, answer.content[:200]))
            return set()
        return settled(answer)

    for spots in spots_of(fields_of(method, path)):
        for spoils in rounds(spots):
            known = told(spoils) if len(spoils) > 1 else set()
            for spot, value in spoils.items():
                if spot.field not in known:
                    told({spot: value})
    assert broken == []
    assert refused, "whatever it is given is right"


def test_there_are_writes_to_spoil() -> None:
    assert len(writes()) > 30
