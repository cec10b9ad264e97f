"""Text that no database or parser takes (a NUL, a novel, a number of a thousand digits) is refused, never a 500."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.access.conftest import World
from tests.access.routes import ROUTES, Kind
from tests.access.test_matrix import address, ask, client_of, undone
from tests.api.document import document

pytestmark = pytest.mark.django_db
ODD = {"nul": "a\x00b", "novel": "x" * 70_000, "digits": "9" * 1_000, "other digits": "²"}
# What pages read from their address.
PAGE_QUERY = {
    "analytics:search": ("q",), "analytics:season_detail": ("show", "opponent", "sort"),
    "analytics:game_net": ("price",),
    "listings:listing_list": ("show", "status", "platform", "opponent"), "listings:sale_list": ("state", "page"),
    "live:alert_list": ("show", "page"), "marketplaces:connect_finish": ("state", "code"), "account_login": ("next",),
}  # fmt: skip
# What pages take as input.
PAGE_FIELDS = {
    "analytics:game_publish": ("seats", "accounts", "price", "floor", "ceiling", "floor_basis", "split_type"),
    "portfolios:seats_state": ("seats", "state", "reason"),
    "listings:listing_reprice": ("price", "version", "confirmed"),
    "listings:listing_bulk": ("listing", "act", "amount"), "listings:listing_delist": ("reason",),
    "listings:sale_fulfil": ("method", "confirmation", "transfer_urls"),
    "listings:trading_set": ("state", "reason"), "marketplaces:account_connect": ("platform", "mode", "token"),
    "accounts:profile_edit": ("full_name", "phone"), "account_login": ("login", "password", "next"),
    "account_signup": ("email", "password1", "password2"), "account_reset_password": ("email",),
    "account_email": ("email",), "account_change_password": ("oldpassword", "password1"),
}  # fmt: skip
REQUIRED = {"state": "HALTED", "reason": "x", "method": "mobile_transfer", "price": "80.00", "version": "1"}


def told(client: Client, method: str, path: str, body: Any, *, api: bool) -> int:
    client.raise_request_exception = False
    with undone():
        status: int = ask(client, method, path, body, api=api).status_code
    return status


def with_query(path: str, wish: dict[str, str]) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode(wish)}"


def pages(world: World) -> Iterator[tuple[str, str]]:
    for name, route in ROUTES.items():
        if not name.startswith("api:") and route.kind is not Kind.WEBHOOK:
            yield name, address(world, name, route)


def wishes(known: dict[str, tuple[str, ...]], name: str, text: str) -> list[dict[str, str]]:
    """Each known name alone, and everything that any page knows at once."""
    every = {field for fields in known.values() for field in fields}
    return [*({field: text} for field in known.get(name, ())), dict.fromkeys(sorted(every), text)]


@pytest.mark.parametrize("odd", ODD)
def test_no_page_breaks_over_what_its_address_says(world: World, odd: str) -> None:
    owner, nobody = (client_of(world, who, api=False) for who in ("owner", "nobody"))
    broken = []
    for name, path in pages(world):
        for wish in wishes(PAGE_QUERY, name, ODD[odd][:4_000]):
            client = nobody if name.startswith("account_") else owner
            if told(client, "GET", with_query(path, wish), {}, api=False) >= 500:
                broken.append((name, *wish))
    assert broken == []


@pytest.mark.parametrize("odd", ODD)
def test_no_page_breaks_over_what_is_posted(world: World, odd: str) -> None:
    owner, nobody = (client_of(world, who, api=False) for who in ("owner", "nobody"))
    broken = []
    for name, path in pages(world):
        client = nobody if name in {"account_login", "account_signup", "account_reset_password"} else owner
        for wish in wishes(PAGE_FIELDS, name, ODD[odd]):
            body = {**REQUIRED, **world.filled(ROUTES[name].body), **wish}
            if told(client, "POST", path, body, api=False) >= 500:
                broken.append((name, *wish))
    assert broken == []


def operations(world: World) -> Iterator[tuple[str, str, dict[str, Any], list[str], dict[str, Any]]]:
    """Method, address, its own body, the names in its query, and the fields of its body, of the whole API."""
    for name, route in ROUTES.items():
        if not name.startswith("api:") or route.kind is Kind.UNKNOWN:
            continue
        path = address(world, name, route)
        for method in ("GET", "POST", "PATCH"):
            operation = document().operation(method, path)
            if operation is None:
                continue
            query = [found["name"] for found in operation.get("parameters", []) if found["in"] == "query"]
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            named = document().spec["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
            yield method, path, world.filled(route.body), query, named.get("properties", {})


@pytest.mark.parametrize("odd", ODD)
def test_no_operation_breaks(world: World, odd: str) -> None:
    owner, broken, asked = client_of(world, "owner", api=True), [], 0
    for method, path, body, query, fields in operations(world):
        for name in {*query, "cursor", "ordering"}:
            asked += 1
            status = told(owner, method, with_query(path, {name: ODD[odd][:4_000]}), body, api=True)
            broken += [(method, path, name)] if status >= 500 else []
        for name, schema in fields.items():
            asked += 1
            text = [ODD[odd]] if schema.get("type") == "array" else ODD[odd]
            status = told(owner, method, path, {**body, name: text}, api=True)
            broken += [(method, path, f"body {name}")] if status >= 500 else []
    assert broken == []
    assert asked > 80
