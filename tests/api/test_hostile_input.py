"""What no honest client sends: every list, filter, cursor, body and token answers a problem that says what to do."""

import base64
import json
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import DataError
from django.test import RequestFactory
from structlog.testing import capture_logs

from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import mfa_token
from seatsync.core.clock import seconds_from_now
from seatsync.core.problems import exception_handler
from tests.api.conftest import Api, As
from tests.api.document import document
from tests.market import Market

pytestmark = pytest.mark.django_db


def cursor(position: str) -> str:
    return quote(base64.b64encode(f"p={position}".encode()).decode())


def lists() -> list[str]:
    """Every operation that answers with pages."""
    paths = document().spec["paths"]
    return [
        path.removeprefix("/api/v1")
        for path, item in paths.items()
        if any(words["name"] == "cursor" for words in item.get("get", {}).get("parameters", []))
    ]


def filters() -> list[tuple[str, str]]:
    """Every (path, query parameter) of the document."""
    return [
        (path.removeprefix("/api/v1"), words["name"])
        for path, item in document().spec["paths"].items()
        for words in item.get("get", {}).get("parameters", [])
        if words["in"] == "query"
    ]


def refused(answer: Any, status: int, field: str) -> None:
    assert answer.status_code == status, answer.content
    problems = answer.json()["errors"]
    assert field in [problem["field"] for problem in problems]
    assert all(problem["detail"] and problem["remedy"] for problem in problems)


@pytest.mark.parametrize("path", lists())
def test_every_list_refuses_limits_and_cursors_that_are_none(market: Market, as_: As, path: str) -> None:
    owner = as_("owner")
    for limit in ("²", "٣", "0", "201", "-1", "1e2", "", "9" * 5000, "\x00"):
        refused(owner.get(f"{path}?limit={quote(limit)}"), 422, "limit")
    for position in ("abc", "%00", "", "2026-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"):
        refused(owner.get(f"{path}?cursor={cursor(position)}"), 422, "cursor")
    for made_up in ("²", "%00", "cD0", "bz0lQzIlQjI%3D", "a" * 5000):
        answer = owner.get(f"{path}?cursor={made_up}")
        assert answer.status_code in {200, 422}


def test_there_are_lists_and_filters_to_try() -> None:
    assert len(lists()) >= 10
    assert len(filters()) >= 40


@pytest.mark.parametrize(("path", "name"), filters())
def test_no_filter_fails_on_text_that_no_database_takes(market: Market, as_: As, path: str, name: str) -> None:
    owner, path = as_("owner"), path.replace("{id}", str(market.holding.game.pk))
    game = f"&game={market.holding.game.pk}" if name != "game" else ""
    for value in ("\x00", "a\x00b", "\ud800", "²", "1" * 400, "-1e9999999", "NaN", "9" * 30, "[]", "💥" * 90):
        answer = owner.get(f"{path}?{name}={quote(value, errors='surrogatepass')}{game}")
        assert answer.status_code in {200, 404, 422}, (value[:20], answer.content)
        if "\x00" in value:
            refused(answer, 422, name)


@pytest.mark.parametrize("name", ["starts_after", "starts_before"])
@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
        "0001-01-01", "2026-13-01T00:00:00Z", "now",
    ],
)  # fmt: skip
def test_times_have_bounds(market: Market, as_: As, name: str, moment: str) -> None:
    refused(as_("owner").get(f"/games/?{name}={quote(moment)}"), 422, name)


def test_a_brake_ends_within_the_bounds(market: Market, as_: As) -> None:
    wish = {"scope": "holder", "scope_id": str(market.holding.user.pk), "state": "HALTED"}
    for until in ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "soon"):
        refused(as_("owner").post("/trading-states/", {**wish, "until": until}), 422, "until")


@pytest.mark.parametrize("query", ["", "?game=", "?game=no-id", "?game=%00", "?zone=%00"])
def test_the_market_says_that_the_game_is_missing(market: Market, as_: As, query: str) -> None:
    refused(as_("owner").get(f"/market/{query}"), 422, "game")


DEEP = "[" * 20_000
BODIES = {
    "nested too deeply": (DEEP, "application/json", 400, "body"),
    "an object nested too deeply": ('{"phone":' * 5_000, "application/json", 400, "body"),
    "not JSON": ("{", "application/json", 400, "body"),
    "nothing": ("", "application/json", 422, "body"),
    "no UTF-8": (b'{"full_name": "\xff"}', "application/json", 400, "body"),
    "a charset of bytes": (b'{"full_name": "A"', "application/json; charset=zip", 400, "body"),
    "a charset that is none": (b'{"full_name": "A"', "application/json; charset=undefined", 400, "body"),
    "infinity": ('{"full_name": Infinity}', "application/json", 400, "body"),
    "a number of 5000 digits": (f'{{"full_name": {"9" * 5000}}}', "application/json", 400, "body"),
    "a null character": ('{"full_name": "a\\u0000"}', "application/json", 422, "full_name"),
    "half a character": ('{"full_name": "a\\ud800"}', "application/json", 422, "full_name"),
    "half a character in a name": ('{"phone": "\\ud800"}', "application/json", 422, "phone"),
    "a list": ("[]", "application/json", 422, "body"),
    "a form": ("full_name=A", "application/x-www-form-urlencoded", 415, "Content-Type"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_no_input(market: Market, as_: As, name: str) -> None:
    body, kind, status, field = BODIES[name]
    owner = as_("owner")
    answer = owner.client.generic("PATCH", "/api/v1/me/", body, content_type=kind)
    if name == "nothing":  # a profile with no field changed
        assert answer.status_code in {200, 400, 422}
        return
    owner.document.check("PATCH", "/api/v1/me/", answer)
    refused(answer, status, field)


def test_what_is_repeated_of_the_input_can_be_written_down(market: Market, as_: As) -> None:
    """A choice that is not there is named in the answer, and half a character has no bytes."""
    wish = {"method": "\ud800", "confirmation": "x"}
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    answer = as_("owner").post(f"/sales/{market.sale().pk}/fulfil/", wish)
    refused(answer, 422, "method")


@pytest.mark.parametrize("key", ["", " ", "a\x00b", "x" * 201, "a\nb"])
def test_keys_that_are_none(market: Market, as_: As, key: str) -> None:
    refused(as_("owner").patch("/me/", {}, **{"Idempotency-Key": key}), 422, "Idempotency-Key")


def signed(**changes: Any) -> str:
    kid, _, secret = django_settings.JWT_SECRET_KEYS[0].partition(":")
    user = User.objects.get(email="owner@example.com")
    claims = {
        "sub": str(user.pk), "tid": str(user.memberships.get().tenant_id), "typ": "access", "pwd": "x",
        "exp": seconds_from_now(60), **changes,
    }  # fmt: skip
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})


@pytest.mark.parametrize(
    "changes",
    [{"sub": "nobody"}, {"sub": "²"}, {"sub": "a\x00"}, {"tid": "none"}, {"tid": None}, {"fam": "x"}, {"fam": [1]}],
)
@pytest.mark.parametrize("kind", ["access", "refresh", "mfa"])
def test_signed_tokens_with_ids_that_are_none(market: Market, changes: dict[str, Any], kind: str) -> None:
    token = signed(**changes, typ=kind)
    if kind == "access":
        answer, field = Api(token).get("/me/"), "Authorization"
    elif kind == "refresh":
        answer, field = Api().post("/auth/token/refresh/", {"refresh": token}), "refresh"
    else:
        answer, field = Api().post("/auth/token/mfa/", {"mfa_token": token, "code": "123456"}), "mfa_token"
    refused(answer, 401, field)
    assert answer.headers["WWW-Authenticate"]


def test_a_token_nested_too_deeply(market: Market) -> None:
    head = base64.urlsafe_b64encode(DEEP.encode()).decode().rstrip("=")
    refused(Api(f"{head}.e30.e30").get("/me/"), 401, "Authorization")


def test_a_second_step_of_somebody_who_is_gone(market: Market) -> None:
    gone = User.objects.create_user("gone@example.com", "a-long-password-1")
    tenant_id = market.holding.ticket.tenant_id
    tokens = [mfa_token(gone, tenant_id), mfa_token(market.holding.user, User.objects.values_list("pk", flat=True)[0])]
    gone.delete()
    asleep = User.objects.get(email="co@example.com")
    tokens.append(mfa_token(asleep, tenant_id))
    User.objects.filter(pk=asleep.pk).update(is_active=False)
    changed = User.objects.get(email="viewer@example.com")
    tokens.append(mfa_token(changed, tenant_id))
    changed.set_password("another-long-password-2")
    changed.save()
    for token in tokens:
        refused(Api().post("/auth/token/mfa/", {"mfa_token": token, "code": "123456"}), 401, "mfa_token")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("value out of range"), 422), (ValidationError({"price": ["Too long."]}), 422),
        (ValidationError("No."), 422), (RecursionError("maximum recursion depth exceeded"), 400),
    ],
)  # fmt: skip
def test_what_no_edge_caught_is_a_logged_refusal_all_the_same(error: Exception, status: int) -> None:
    with capture_logs() as logs:
        answer = exception_handler(error, {"request": RequestFactory().get("/api/v1/games/")})
    assert answer is not None
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    problems = answer.data["errors"]
    assert problems
    assert all(problem["field"] and problem["detail"] and problem["remedy"] for problem in problems)
    assert [entry["event"] for entry in logs] == ["problem.late"]
    assert "out of range" not in json.dumps(answer.data)
