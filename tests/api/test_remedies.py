"""Wherever the product refuses a field it says what to do about it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import seatsync
from tests.api.conftest import Api, As
from tests.api.test_api import wish
from tests.market import Market

ROOT = Path(seatsync.__file__).parent.parent
APPS = ("seatsync", "portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics")
REFUSALS = {"InvalidInput", "NotFound", "NotAllowed", "Conflict", "StaleVersion", "PreconditionFailed", "SignInRefused"}


def refusals() -> Iterator[tuple[str, ast.Call]]:
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_a_refused_field_has_a_remedy() -> None:
    silent, seen = [], 0
    for where, call in refusals():
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        words = {keyword.arg for keyword in call.keywords}
        if name in REFUSALS and "field" in words:
            seen += 1
            silent += [where] if "remedy" not in words else []
        if name == "FieldProblem":
            seen += 1
            silent += [where] if len(call.args) < 3 and "remedy" not in words else []
    assert seen > 30
    assert not silent


LONG = "z" * 100_000
ID = "Send an id as it was given by this API."
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"price": ...}, "price", "Send a number, like 70.50."),
    "no ids": ({"seat_ids": ...}, "seat_ids", "Send a list."),
    "null": ({"price": None}, "price", "Send a value instead of null."),
    "no number": ({"price": "much"}, "price", "Send a number, like 70.50."),
    "too many digits": ({"price": "123456789.00"}, "price", "Send at most 10 digits."),
    "too many decimals": ({"price": "8.001"}, "price", "Send at most 2 decimals."),
    "no choice": ({"split_type": "thirds"}, "split_type", "Use one of: "),
    "a long choice": ({"split_type": LONG}, "split_type", "Use one of: "),
    "no id": ({"seat_ids": ["seat"]}, "seat_ids.0", ID),
    "no list": ({"seat_ids": "seat"}, "seat_ids", "Send a list."),
    "nothing": ({"seat_ids": []}, "seat_ids", "Send at least 1."),
    "too many": ({"account_ids": ["0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01"] * 11}, "account_ids", "Send at most 10."),
}


def refused(answer: Any, field: str, remedy: str) -> str:
    assert answer.status_code == 422
    (problem,) = [one for one in answer.json()["errors"] if one["field"] == field]
    assert problem["remedy"].startswith(remedy), problem
    assert len(problem["detail"]) < 200
    return str(problem["remedy"])


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD)
def test_what_a_framework_refuses_has_a_remedy_of_its_own(market: Market, as_: As, name: str) -> None:
    changes, field, remedy = BAD[name]
    body = {key: value for key, value in wish(market, **changes).items() if value is not ...}
    refused(as_("owner").post("/listings/", body), field, remedy)


@pytest.mark.django_db
def test_other_kinds_of_values_have_remedies_too(market: Market, as_: As) -> None:
    alpha, _ = market.published()
    owner, brake = as_("owner"), {"scope": "holder", "scope_id": str(market.holding.user.pk), "state": "HALTED"}
    price = f"/listings/{alpha.pk}/price/"
    refused(owner.post(price, {"price": "80", "version": "x"}), "version", "Send a whole number, like 7.")
    refused(owner.post(price, {"price": "80", "version": 0}), "version", "Send 1 or more.")
    sure = owner.post(price, {"price": "80", "version": 1, "confirmed": "perhaps"})
    refused(sure, "confirmed", "Send true or false.")
    refused(owner.patch("/me/", {"full_name": "x" * 151}), "full_name", "Shorten it to 150 characters.")
    refused(owner.patch("/me/", {"full_name": []}), "full_name", "Send a text, in quotation marks.")
    refused(owner.patch("/me/", {"full_name": "a\x00"}), "full_name", "Leave the null characters out.")
    refused(owner.patch("/me/", "[]"), "body", "Send one JSON object.")
    refused(owner.post("/trading-states/", {**brake, "reason": None}), "reason", "Send a value instead of null.")
    refused(owner.post("/trading-states/", {**brake, "until": "soon"}), "until", "Write it like 2026-06-12T19:10:00Z.")
    refused(
        owner.post("/trading-states/", {**brake, "until": "9999-12-31T00:00:00Z"}), "until", "Write a time from 1900"
    )
    refused(Api().post("/auth/token/", {"email": "x", "password": "y"}), "email", "Write it like name@example.com.")
    refused(Api().post("/auth/token/", {"email": "a@b.example", "password": ""}), "password", "Send a text that is")


@pytest.mark.django_db
def test_a_filter_names_its_choices_and_repeats_little(market: Market, as_: As) -> None:
    owner = as_("owner")
    assert "active" in refused(owner.get("/listings/?status=zz"), "status", "Use one of: ")
    refused(owner.get(f"/listings/?status={'z' * 5000}"), "status", "Use one of: ")
    refused(owner.get(f"/listings/?limit={'9' * 5000}"), "limit", "Use 1 to 200.")
    refused(owner.get("/listings/?game=x"), "game", ID)
    refused(owner.get("/games/?starts_after=x"), "starts_after", "Write it like 2026-06-12T19:10:00Z.")
    assert owner.get("/listings/?status=").status_code == 200


@pytest.mark.django_db
def test_a_refusal_of_no_field_says_what_to_do_in_its_sentence(market: Market, as_: As) -> None:
    owner = as_("owner")
    gone = owner.get(f"/listings/{market.holding.game.pk}/")
    assert (gone.status_code, gone.json()["errors"]) == (404, [])
    assert gone.json()["detail"] == "No listing with this id. Use an id that this API gave you."
    assert "The header Allow names" in owner.client.put("/api/v1/me/").json()["detail"]
    answer = Api().post("/auth/token/", {"email": "nobody@example.com", "password": "wrong-password"})
    assert answer.json()["detail"].endswith("is not right. Check both and send them again.")
