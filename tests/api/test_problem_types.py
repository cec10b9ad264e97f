"""Every kind of problem has one address, one title and one meaning."""

from collections.abc import Iterator

import pytest
from django.test import Client

from seatsync.core.errors import SeatSyncError
from seatsync.core.problem_types import problem_types
from tests.api.conftest import As
from tests.api.test_edge import JSON
from tests.market import Market

pytestmark = pytest.mark.django_db


def ours(kind: type[SeatSyncError] = SeatSyncError) -> Iterator[type[SeatSyncError]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from ours(sub)


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
