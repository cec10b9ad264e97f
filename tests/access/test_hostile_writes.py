"""Every field of every write, given what it is not for: never a 500, never half a change, and each refusal helps."""

from collections.abc import Iterator
from copy import deepcopy
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
HOSTILE: tuple[Any, ...] = (
    None, " ", -1, True, 2**63, 1e308, "1e999999999", "-0.005", "\u0661\u0662", "a\x00b", "\u202e\r\n<b>%s{0}",
    "x" * 70_000, {"a": {"b": [1]}}, [[None]], [NOWHERE, NOWHERE], NOWHERE, "9999-12-31T23:59:59-12:00",
)  # fmt: skip
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


def spoilt(body: dict[str, Any], fields: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body with one field spoilt at a time, and fields of what it lists: (the field's name, the body)."""
    for name, schema in fields.items():
        inner = schema_of(schema_of(schema).get("items", {})).get("properties", {})
        for value in HOSTILE:
            yield name, {**body, name: value}
            first = (body.get(name) or [{}])[0] if inner else {}
            for part in inner:
                changed = deepcopy(body)
                changed[name] = [{**first, part: value}]
                yield f"{name}.0.{part}", changed


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
    world.ids["team"] = str(world.market.holding.game.home_team_id)
    route = ROUTES[name]
    client = client_of(world, "staff" if method in route.staff_methods else "owner", api=True)
    client.raise_request_exception = False
    path = address(world, name, route)
    body = world.filled(BODIES.get((name, method), route.body))
    before, broken, refused = rows(), list[tuple[Any, ...]](), 0
    for field, wish in spoilt(body, fields_of(method, path)):
        with undone():
            answer = ask(client, method, path, wish, api=True)
            refused += answer.status_code >= 400
            wrong = trouble(answer)
            if not wrong and answer.status_code >= 400 and name not in TRACED and rows() != before:
                wrong = "changed something"
        if wrong:
            broken.append((wrong, field, repr(wish)[:120], answer.status_code, answer.content[:200]))
    assert broken == []
    assert refused, "whatever it is given is right"


def test_there_are_writes_to_spoil() -> None:
    assert len(writes()) > 30
