"""Every kind of refusal below /api/ and /webhooks/ is a problem; sizes; and entity tags both ways."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from tests.api.conftest import As
from tests.api.document import PROBLEM
from tests.market import Market

pytestmark = pytest.mark.django_db
JSON = "application/json"


def hook(market: Market) -> str:
    return reverse("marketplace_webhook", args=["alpha", market.accounts["alpha"].pk])


# (name, method, path, body, content type, headers, who, status, header that must be there)
TABLE: dict[str, tuple[str, str, Any, str, dict[str, str], str, int, str]] = {
    "no JSON": ("PATCH", "/api/v1/me/", "{", JSON, {}, "owner", 400, ""),
    "a host that is none": ("GET", "/api/v1/teams/", "", "", {"Host": "a b"}, "owner", 400, ""),
    "a hook's host that is none": ("POST", "@hook", "", "", {"Host": "a b"}, "", 400, ""),
    "no token": ("GET", "/api/v1/me/", "", "", {}, "", 401, "WWW-Authenticate"),
    "a wrong token": ("GET", "/api/v1/me/", "", "", {"Authorization": "Bearer x"}, "", 401, "WWW-Authenticate"),
    "a hook without its secret": ("POST", "@hook", "sale", "text/plain", {}, "", 401, "WWW-Authenticate"),
    "a viewer's delist": ("POST", "/api/v1/listings/@listing/delist/", "{}", JSON, {}, "viewer", 403, ""),
    "no such object": ("GET", "/api/v1/games/0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01/", "", "", {}, "owner", 404, ""),
    "no such path": ("GET", "/api/v1/nothing/", "", "", {}, "owner", 404, ""),
    "no such path to write to": ("POST", "/api/v1/nothing/", "{}", JSON, {}, "", 404, ""),
    "no such version": ("GET", "/api/v2/games/", "", "", {}, "owner", 404, ""),
    "no such api": ("POST", "/api/", "{}", JSON, {}, "", 404, ""),
    "no such hook": ("POST", "/webhooks/alpha/0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01/", "", "", {}, "", 404, ""),
    "no such hook's path": ("POST", "/webhooks/alpha/", "", "", {}, "", 404, ""),
    "a hook read": ("GET", "@hook", "", "", {}, "", 405, "Allow"),
    "a hook deleted": ("DELETE", "@hook", "", "", {}, "", 405, "Allow"),
    "a list deleted": ("DELETE", "/api/v1/teams/", "", "", {}, "owner", 405, "Allow"),
    "options": ("OPTIONS", "/api/v1/teams/", "", "", {}, "owner", 405, "Allow"),
    "XML wanted": ("GET", "/api/v1/teams/", "", "", {"Accept": "text/xml"}, "owner", 406, ""),
    "too much": ("PATCH", "/api/v1/me/", "x" * 300_000, JSON, {}, "owner", 413, ""),
    "too much to nowhere": ("POST", "/api/v1/nothing/", "x" * 300_000, JSON, {}, "", 413, ""),
    "too much for Django": ("PATCH", "/api/v1/me/", "x" * 3_000_000, JSON, {}, "owner", 413, ""),
    "too much of a hook": ("POST", "@hook", "x" * 1_000_001, JSON, {}, "", 413, ""),
    "too much of a hook for Django": ("POST", "@hook", "x" * 3_000_000, JSON, {}, "", 413, ""),
    "too much of a form": ("POST", "/api/v1/auth/token/", "a=" + "x" * 300_000, "text/plain", {}, "", 413, ""),
    "a form": ("POST", "/api/v1/auth/token/", "email=x", "application/x-www-form-urlencoded", {}, "", 415, ""),
    "a body of no type": ("PATCH", "/api/v1/me/", "{}", "nothing", {}, "owner", 415, ""),
    "no input": ("POST", "/api/v1/auth/token/", "{}", JSON, {}, "", 422, ""),
}


def asked(market: Market, as_: As, name: str) -> Any:
    method, path, body, kind, headers, who, _, _ = TABLE[name]
    listing = str(market.published()[0].pk) if "@listing" in path else ""
    token = {"Authorization": f"Bearer {as_(who).token}"} if who else {}
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    address = path.replace("@hook", hook(market)).replace("@listing", listing)
    return client.generic(method, address, body, content_type=kind or "text/plain", headers=token | headers)


def problem(answer: Any, status: int) -> Any:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM), answer.content[:300]
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "code", "instance", "request_id", "errors"} <= set(body)
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return body


@pytest.mark.parametrize("name", TABLE)
def test_a_refusal_is_a_problem(market: Market, as_: As, name: str) -> None:
    answer, (_, _, _, _, _, _, status, header) = asked(market, as_, name), TABLE[name]
    body = problem(answer, status)
    if header:
        assert answer.headers[header]
    if status == 413:
        assert body["errors"][0]["field"] == "body"
        assert "Send at most" in body["errors"][0]["remedy"]


def test_too_many_requests_say_how_long_to_wait(market: Market, as_: As, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    owner = as_("owner")
    owner.get("/me/")
    answer = owner.client.get("/api/v1/me/")
    problem(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("path", ["/api/v1/teams/", "@hook"])
def test_our_own_failure_is_a_problem(market: Market, as_: As, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret cause")

    monkeypatch.setattr("marketplaces.views.inbox_receive", fail)
    monkeypatch.setattr("seatsync.core.pagination.CursorPagination.paginate_queryset", fail)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {as_('owner').token}"})
    answer = client.generic("POST" if path == "@hook" else "GET", path.replace("@hook", hook(market)))
    problem(answer, 500)
    assert "secret cause" not in answer.content.decode()


def test_a_page_says_in_a_sentence_that_a_form_is_too_large(market: Market) -> None:
    client = Client()
    client.force_login(market.holding.user)
    sent = {"full_name": "x" * (django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    for path in (reverse("accounts:profile_edit"), reverse("account_login")):
        answer = client.post(path, "full_name=" + sent["full_name"], content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "text/plain; charset=utf-8")
        assert "1,000,000 bytes" in answer.content.decode()
    strange = client.get("/", headers={"Host": "a b"})
    assert (strange.status_code, strange.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_an_address_in_a_charset_that_is_none_is_read_all_the_same(market: Market, as_: As) -> None:
    for kind in ("application/json; charset=zip", "text/plain; charset=undefined"):
        answer = as_("owner").client.generic("GET", "/api/v1/games/?status=%C2%B2", "", content_type=kind)
        assert answer.status_code == 422


# ---- entity tags


def etag(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.headers["ETag"])


@pytest.mark.parametrize("wanted", ["{}", "W/{}", '"a", {}', '"a",W/{} , "b"', "*"])
def test_an_unchanged_answer_is_304_for_every_way_to_ask(market: Market, as_: As, wanted: str) -> None:
    owner = as_("owner")
    first = owner.get("/season-tickets/")
    again = owner.get("/season-tickets/", **{"If-None-Match": wanted.format(etag(first))})
    assert (again.status_code, again.content) == (304, b"")
    assert "Content-Type" not in again.headers
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Allow"] == first.headers["Allow"]
    assert again.headers["RateLimit-Limit"]


@pytest.mark.parametrize("wanted", ['"a"', 'W/"a", "b"', "a", ""])
def test_another_tag_gets_the_answer(market: Market, as_: As, wanted: str) -> None:
    assert as_("owner").get("/teams/", **{"If-None-Match": wanted}).status_code == 200


def test_what_get_serves_is_what_if_match_takes(market: Market, as_: As) -> None:
    owner, (alpha, _) = as_("owner"), market.published()
    seat, account = market.holding.seats[0].pk, market.accounts["alpha"].pk
    writes = [
        ("PATCH", "/me/", "/me/", {"full_name": "Sam"}, 200),
        (
            "POST",
            f"/listings/{alpha.pk}/",
            f"/listings/{alpha.pk}/price/",
            {"price": "80.00", "version": alpha.version},
            200,
        ),
        ("POST", f"/listings/{alpha.pk}/", f"/listings/{alpha.pk}/delist/", {}, 200),
        # Its listings are still coming down, so it is closed later, and its seats are still on offer.
        ("DELETE", f"/marketplace-accounts/{account}/", f"/marketplace-accounts/{account}/", {}, 202),
        ("PATCH", f"/seats/{seat}/", f"/seats/{seat}/", {"state": "attending", "reason": "we go"}, 409),
    ]
    for method, read, write, body, taken in writes:
        tag = etag(owner.get(read, Accept="application/json; indent=4"))
        for other in (f"W/{tag}", '"v0"', '"a"', tag.strip('"'), ""):
            stale = owner.send(method, write, body, **{"If-Match": other})
            assert (stale.status_code, stale.json()["errors"][0]["field"]) == (412, "If-Match"), (write, other)
        answer = owner.send(method, write, body, **{"If-Match": f'"a", {tag}'})
        assert answer.status_code == taken, (write, answer.content)
    old = etag(owner.get("/me/"))
    assert owner.patch("/me/", {"full_name": "Max"}, **{"If-Match": old}).json()["full_name"] == "Max"
    assert owner.patch("/me/", {"full_name": "Tom"}, **{"If-Match": old}).status_code == 412
