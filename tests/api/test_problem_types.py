"""Every kind of problem has one address, one title and one meaning."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from rest_framework import exceptions

from seatsync.core.errors import SeatSyncError
from seatsync.core.problem_types import problem_types
from seatsync.core.problems import exception_handler
from tests.api.conftest import As
from tests.api.test_edge import JSON
from tests.market import Market

pytestmark = pytest.mark.django_db


ROOT = Path(__file__).resolve().parents[2]
APPS = ("seatsync", "portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics")
# Where a refusal is written: what of the call is its code.
WRITERS = {"problem_view": 2, "_plain": 1}


def ours(kind: type[SeatSyncError] = SeatSyncError) -> Iterator[type[SeatSyncError]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from ours(sub)


def written() -> Iterator[str]:
    """Every code that our own refusals write out."""
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITERS:
                code = node.args[WRITERS[node.func.id]]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_code_that_is_written_somewhere_is_a_kind() -> None:
    codes = set(written())
    assert {"bad_signature", "too_large", "server_error", "parse_error"} <= codes, "the scan sees both writers"
    assert codes <= set(problem_types())


def test_every_refusal_of_the_framework_is_a_kind() -> None:
    found = [one for one in vars(exceptions).values() if isinstance(one, type)]
    refusals = {one for one in found if issubclass(one, exceptions.APIException)} - {exceptions.APIException}
    assert {exceptions.Throttled, exceptions.NotAuthenticated, exceptions.UnsupportedMediaType} <= refusals
    for one in refusals:
        # Raised as it is, or with what the framework gives it.
        named = {exceptions.MethodNotAllowed: ("PUT",), exceptions.UnsupportedMediaType: ("text/html",)}
        answer = exception_handler(one(*named.get(one, ())), {"request": None})
        assert answer is not None
        assert answer.data["title"] == problem_types()[answer.data["code"]].title


def test_every_error_of_ours_is_of_a_kind_with_its_title_and_status() -> None:
    found = {error: problem_types()[error.code] for error in ours()}
    assert {kind.code for kind in found.values()} >= {"stale_version", "token_refused", "model_refused"}
    for error, kind in found.items():
        assert (error.title, error.status) == (kind.title, kind.status), error


def test_each_kind_is_described_under_the_address_that_problems_name(client: Client) -> None:
    kinds = client.get("/api/v1/problems/").json()
    assert [kind["code"] for kind in kinds] == list(problem_types())
    for kind in kinds:
        assert kind["detail"]
        assert kind["title"]
        assert client.get(kind["type"]).json() == kind
    assert client.get("/api/v1/problems/craigslist/").status_code == 404


def test_a_refusal_leads_to_its_kind(market: Market, as_: As) -> None:
    alpha, _ = market.published()
    owner, nobody = as_("owner"), Client()
    price = f"/listings/{alpha.pk}/price/"
    refused = {
        "stale_version": owner.post(price, {"price": "80.00", "version": 99}),
        "precondition_failed": owner.post(price, {"price": "80.00"}, **{"If-Match": '"v99"'}),
        "invalid_input": owner.post(price, {"price": "x", "version": 1}),
        "parse_error": owner.post(price, "{"),
        "not_found": owner.get("/nothing/"),
        "not_allowed": as_("viewer").post(price, {"price": "80.00", "version": alpha.version}),
        "not_authenticated": nobody.get("/api/v1/me/"),
        "token_refused": nobody.get("/api/v1/me/", headers={"Authorization": "Bearer x"}),
        "method_not_allowed": owner.delete("/teams/"),
        "unsupported_media_type": nobody.post("/api/v1/auth/token/", "x", content_type="text/plain"),
        "sign_in_refused": nobody.post("/api/v1/auth/token/", {"email": "a@example.com", "password": "x"}, JSON),
    }
    for code, answer in refused.items():
        said = answer.json()
        kind = nobody.get(said["type"]).json()
        assert (said["code"], said["title"], said["status"]) == (code, kind["title"], kind["status"])
