"""API v1: who may, what a mistake says, idempotency, versions, and a constant number of queries."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from listings.models import Listing, MarketplaceCommand
from portfolios.models import SeasonTicketShare
from seatsync.core.apiview import WRITES as WRITING
from seatsync.core.apiview import ApiView
from seatsync.core.models import IdempotencyRecord
from tests.api.conftest import Api, As
from tests.api.document import document
from tests.market import Market

pytestmark = pytest.mark.django_db


def wish(market: Market, **changes: object) -> dict[str, object]:
    return {
        "seat_ids": [str(seat.pk) for seat in market.holding.seats],
        "account_ids": [str(account.pk) for account in market.accounts.values()],
        "price": "84.00", "floor": "50.00", "ceiling": "200.00", **changes,
    }  # fmt: skip


def fields(answer: Any) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


def test_the_main_job(market: Market, as_: As) -> None:
    owner = as_("owner")
    made = owner.post("/listings/", wish(market))
    assert made.status_code == 201
    market.work()
    listing = owner.get(f"/listings/{made.json()[0]['id']}/").json()
    assert (listing["status"], listing["live_price"], listing["currency"]) == ("active", "84.00", "USD")
    priced = owner.post(f"/listings/{listing['id']}/price/", {"price": "80.00", "version": listing["version"]})
    assert (priced.status_code, priced.json()["price"]) == (200, "80.00")
    market.work()
    alpha = Listing.objects.get(platform="alpha")
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    (sale,) = owner.get("/sales/").json()["results"]
    gross = Decimal(sale["gross"])
    assert (sale["state"], len(sale["seats"])) == ("confirmed", 4)
    assert gross == Decimal(sale["fees"]) + Decimal(sale["proceeds"]) + Decimal(sale["rounding"])
    assert {row["status"] for row in owner.get("/listings/").json()["results"]} == {"sold", "cancelled"}
    assert owner.get("/alerts/").json()["results"][0]["kind"] == "sale.sold"
    assert owner.get(f"/listings/{alpha.pk}/history/").json()[0]["price"] == "84.00"
    assert owner.get(f"/listings/{listing['id']}/why/").status_code == 200


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 200), ("co", 200), ("viewer", 200), ("other", 404), ("outsider", 401), ("staff", 200)]
)
def test_who_may_read_what(market: Market, as_: As, who: str, status: int) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    caller = as_(who)
    for path in (
        f"/listings/{alpha.pk}/", f"/season-tickets/{market.holding.ticket.pk}/",
        f"/seats/{market.holding.seats[0].pk}/",
        f"/sales/{market.sale().pk}/", f"/market/?game={market.holding.game.pk}", f"/listings/{alpha.pk}/why/",
    ):  # fmt: skip
        assert caller.get(path).status_code == status, path
    if status == 404:
        for path in ("/listings/", "/seats/", "/sales/", "/season-tickets/", "/marketplace-accounts/", "/alerts/"):
            assert caller.get(path).json()["results"] == [], path


WRITES = [(method, path) for method, path in document().operations() if method in WRITING and "{" in path]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_an_id_that_is_not_there_is_told_before_what_was_sent_for_it(
    market: Market, as_: As, method: str, path: str
) -> None:
    address = re.sub(r"\{\w+\}", "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01", path.removeprefix("/api/v1"))
    assert as_("owner").send(method, address, "[]").status_code == 404


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("other", 404), ("outsider", 401)])
def test_who_may_not_write(market: Market, as_: As, who: str, status: int) -> None:
    alpha, _ = market.published()
    caller = as_(who)
    assert caller.post(f"/listings/{alpha.pk}/price/", {"price": "80.00", "version": 1}).status_code == status
    assert caller.post(f"/listings/{alpha.pk}/delist/").status_code == status
    seat = market.holding.seats[0].pk
    assert caller.patch(f"/seats/{seat}/", {"state": "attending", "reason": "x"}).status_code == status
    alpha.refresh_from_db()
    assert (alpha.price, alpha.status) == (Decimal("84.00"), "active")


def test_without_a_token_there_is_a_challenge(market: Market) -> None:
    answer = Api().get("/listings/")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_revoked_share_sees_nothing(market: Market, as_: As) -> None:
    from seatsync.core.clock import now

    SeasonTicketShare.objects.update(revoked_at=now())
    assert as_("co").get("/season-tickets/").json()["results"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "20.00"}, "price"),
        ({"price": "84.005"}, "price"),
        ({"price": "8\u0660"}, "price"),
        ({"price": "\uff18\uff10"}, "price"),
        ({"price": "8_4"}, "price"),
        ({"price": "8e1"}, "price"),
        ({"floor": "-1.00"}, "floor"),
        ({"split_type": "thirds"}, "split_type"),
        ({"seat_ids": []}, "seat_ids"),
        ({"seat_ids": ["no-uuid"]}, "seat_ids.0"),
    ],
)
def test_bad_input_names_the_field_and_the_remedy(
    market: Market, as_: As, changes: dict[str, object], field: str
) -> None:
    answer = as_("owner").post("/listings/", wish(market, **changes))
    problem = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert field in fields(answer)
    assert all(error["remedy"] for error in problem["errors"])
    assert {"type", "title", "status", "detail", "code", "instance", "request_id"} <= set(problem)
    assert Listing.objects.count() == 0


def test_an_unknown_platform_and_path_say_so(market: Market, as_: As) -> None:
    answer = as_("owner").post("/marketplace-accounts/", {"platform": "craigslist", "token": "x"})
    assert (answer.status_code, fields(answer)) == (422, ["platform"])
    assert "alpha, beta" in answer.json()["errors"][0]["remedy"]
    for body in ({"platform": "ebay"}, {"platform": "ebay", "redirect_uri": "https://seats.example/"}):
        assert fields(as_("owner").post("/marketplace-accounts/", body)) == ["platform"]
    for path in ("/listings/", "/sales/"):
        answer = as_("owner").get(f"{path}?platform=ebay")
        assert (answer.status_code, fields(answer)) == (422, ["platform"])
        assert answer.json()["errors"][0]["remedy"] == "Use one of: alpha, beta."
        assert as_("owner").get(f"{path}?platform=alpha").status_code == 200
    missing = as_("owner").get("/nothing/")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_a_stale_version_is_409_and_a_stale_if_match_412(market: Market, as_: As) -> None:
    alpha, _ = market.published()
    owner = as_("owner")
    assert owner.post(f"/listings/{alpha.pk}/price/", {"price": "80.00", "version": 99}).status_code == 409
    body = {"price": "80.00", "version": alpha.version}
    assert owner.post(f"/listings/{alpha.pk}/price/", body, **{"If-Match": '"v99"'}).status_code == 412
    assert owner.post(f"/listings/{alpha.pk}/price/", body, **{"If-Match": f'"v{alpha.version}"'}).status_code == 200
    # If-Match says which version was seen; who sends neither has to.
    read = owner.get(f"/listings/{alpha.pk}/").headers["ETag"]
    assert owner.post(f"/listings/{alpha.pk}/price/", {"price": "81.00"}, **{"If-Match": read}).status_code == 200
    assert owner.post(f"/listings/{alpha.pk}/price/", {"price": "82.00"}, **{"If-Match": read}).status_code == 412
    assert fields(owner.post(f"/listings/{alpha.pk}/price/", {"price": "82.00"})) == ["version"]


@pytest.mark.parametrize("what", ["listing", "seat", "ticket", "ticket to delete"])
def test_who_loses_a_race_is_told_by_what_they_sent(
    market: Market, as_: As, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Another writer comes between the look at If-Match and the lock."""
    alpha, _ = market.published(market.holding.seats[:2])
    seat, ticket, owner = market.holding.seats[3], market.holding.ticket, as_("owner")
    method, path, body = {
        "listing": ("POST", f"/listings/{alpha.pk}/price/", {"price": "80.00"}),
        "seat": ("PATCH", f"/seats/{seat.pk}/", {"state": "attending", "reason": "we go"}),
        "ticket": ("PATCH", f"/season-tickets/{ticket.pk}/", {"order_reference": "B"}),
        "ticket to delete": ("DELETE", f"/season-tickets/{ticket.pk}/", None),
    }[what]  # fmt: skip
    looked = ApiView.if_match

    def overtaken(view: ApiView, *args: Any) -> None:
        looked(view, *args)
        for row in (alpha, seat, ticket):
            type(row)._default_manager.filter(pk=row.pk).update(version=F("version") + 1)

    monkeypatch.setattr(ApiView, "if_match", overtaken)
    answer = owner.send(method, path, body, **{"If-Match": "*"})
    assert (answer.status_code, fields(answer)) == (412, ["If-Match"])
    assert answer.json()["current_version"] is not None
    if what == "listing":
        alpha.refresh_from_db()
        said = {**(body or {}), "version": alpha.version}
        assert owner.send(method, path, said, **{"If-Match": "*"}).status_code == 409


def test_i24_the_same_key_and_body_get_the_same_answer_and_one_effect(market: Market, as_: As) -> None:
    owner, key = as_("owner"), {"Idempotency-Key": "k-1"}
    first = owner.post("/listings/", wish(market), **key)
    again = owner.post("/listings/", wish(market), **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["Idempotent-Replay"] == "true"
    assert MarketplaceCommand.objects.count() == 2
    other = owner.post("/listings/", wish(market, price="90.00"), **key)
    assert (other.status_code, fields(other)) == (422, ["Idempotency-Key"])


def test_i24_a_refused_request_keeps_its_key_and_another_caller_has_keys_of_his_own(market: Market, as_: As) -> None:
    spent, key = {"Idempotency-Key": "k-0"}, {"Idempotency-Key": "k-1"}
    assert as_("owner").post("/listings/", wish(market, price="1.00"), **spent).status_code == 422
    assert IdempotencyRecord.objects.get().status == 422
    refused = as_("owner").post("/listings/", wish(market), **spent)
    assert (refused.status_code, fields(refused)) == (422, ["Idempotency-Key"])
    assert as_("owner").post("/listings/", wish(market), **key).status_code == 201
    # Not the owner's answer, but the judgment of a wish over accounts that are not the caller's.
    other = as_("co").post("/listings/", wish(market), **key)
    assert (other.status_code, "Idempotent-Replay" in other.headers) == (404, False)


def test_an_unchanged_answer_is_304(market: Market, as_: As) -> None:
    owner = as_("owner")
    first = owner.get("/season-tickets/")
    again = owner.get("/season-tickets/", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["RateLimit-Limit"]


@pytest.mark.parametrize("path", ["/listings/", "/seats/", "/games/", "/alerts/", "/sales/", "/season-tickets/"])
def test_lists_page_by_cursor_and_refuse_bad_limits(market: Market, as_: As, path: str) -> None:
    market.published()
    owner = as_("owner")
    answer = owner.get(f"{path}?limit=1")
    assert answer.status_code == 200
    assert len(answer.json()["results"]) <= 1
    for bad in ("limit=0", "limit=9999", "limit=x", "cursor=made-up"):
        assert owner.get(f"{path}?{bad}").status_code == 422, bad


def test_lists_take_the_same_queries_for_few_and_many_rows(market: Market, as_: As) -> None:
    market.published()
    owner = as_("owner")
    for path in ("/seats/", "/games/", "/listings/"):
        counts = []
        for limit in (2, 6 if path != "/seats/" else 24):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert owner.get(f"{path}?limit={limit}").status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1], path


def test_the_schema_is_valid_without_warnings(tmp_path: object) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", f"{tmp_path}/schema.yml")


def test_docs_and_schema_are_open(market: Market) -> None:
    assert Api().get("/docs/").status_code == 200
    assert Api().get("/schema/").status_code == 200


def test_tickets_are_single_use(market: Market, as_: As) -> None:
    from seatsync.live.tickets import ticket_redeem

    answer = as_("owner").post("/live-tickets/")
    ticket = json.loads(answer.content)["ticket"]
    assert ticket_redeem(ticket) == market.holding.user.pk
    assert ticket_redeem(ticket) is None
