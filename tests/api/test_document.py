"""The OpenAPI document: valid, complete about refusals, with examples that are true, and an address for each path."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from marketplaces.services.connect import connect_assisted
from portfolios.models import Team
from seatsync import api
from seatsync.core.inputs import LONGEST_TEXT
from tests.api.conftest import As
from tests.api.document import PROBLEM, Document, document
from tests.api.test_api import fields
from tests.market import Market

# The main job: sign in, connect, hold, keep or offer, reprice, take down, watch it sell.
WITH_EXAMPLES = {
    "/api/v1/auth/token/": "POST", "/api/v1/marketplace-accounts/": "POST", "/api/v1/season-tickets/": "POST",
    "/api/v1/seats/{id}/": "PATCH", "/api/v1/listings/": "POST", "/api/v1/listings/{id}/price/": "POST",
    "/api/v1/listings/{id}/delist/": "POST", "/api/v1/sales/": "GET", "/api/v1/me/": "PATCH",
}  # fmt: skip


@pytest.fixture(scope="module")
def described() -> Document:
    return document()


def contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for body in bodies for content in body.get("content", {}).values()]


def test_every_address_of_the_api_is_described(described: Document) -> None:
    """The document has a path for each address, the document's own and the catch-all for unknown ones excepted."""
    served = {pattern.name for pattern in api.urlpatterns} - {None, "schema", "docs"}
    assert len(described.spec["paths"]) == len(served)


def test_every_refusal_is_a_problem(described: Document) -> None:
    for method, path in described.operations():
        responses = described.spec["paths"][path][method.lower()]["responses"]
        refusals = {status: response for status, response in responses.items() if status[0] == "4"}
        assert {"429", "4XX"} <= set(refusals), (method, path)
        if method != "GET":
            assert {"400", "415", "422"} <= set(refusals), (method, path)
        for response in refusals.values():
            assert list(response["content"]) == [PROBLEM], (method, path)
            assert response["content"][PROBLEM]["schema"] == described.problem_schema()


def strings(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a text within this one."""
    if isinstance(schema, dict):
        if schema.get("type") == "string":
            yield schema
        for part in schema.values():
            yield from strings(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from strings(part)


def test_no_text_may_be_longer_than_a_body(described: Document) -> None:
    longest = max(text.get("maxLength", 0) for text in strings(described.spec["components"]["schemas"]))
    assert longest == LONGEST_TEXT
    assert longest * 1.25 <= settings.API_LARGEST_BODY


@pytest.mark.parametrize(("path", "field"), [("mails", "mail"), ("stock", "file")])
def test_the_longest_text_is_read_and_a_longer_one_refused_at_its_field(
    market: Market, as_: As, path: str, field: str
) -> None:
    account = connect_assisted(actor=market.holding.actor, platform="beta")
    # Lines as a mail has them, with quotes.
    text = ('<td class="x">' + "x" * 65 + "\n") * 2_500
    assert len(text) == LONGEST_TEXT
    owner, address = as_("owner"), f"/marketplace-accounts/{account.pk}/{path}/"
    # Nobody has asked what this account lists.
    assert owner.post(address, {field: text}).status_code == {"mail": 200, "file": 409}[field]
    refused = owner.post(address, {field: text + "x"})
    assert (refused.status_code, fields(refused)) == (422, [field])


def test_every_operation_says_in_words_what_it_is(described: Document) -> None:
    for method, path in described.operations():
        operation = described.spec["paths"][path][method.lower()]
        assert operation.get("summary"), (method, path)
        assert operation.get("tags"), (method, path)


@pytest.mark.parametrize(("path", "method"), WITH_EXAMPLES.items())
def test_the_main_job_has_examples(described: Document, path: str, method: str) -> None:
    operation = described.spec["paths"][path][method.lower()]
    assert any(content.get("examples") for content in contents(operation))


def test_examples_are_what_the_schema_says(described: Document) -> None:
    seen = 0
    for method, path in described.operations():
        for content in contents(described.spec["paths"][path][method.lower()]):
            for name, shown in content.get("examples", {}).items():
                described.valid(content["schema"], shown["value"], f"{method} {path}: {name}")
                seen += 1
    assert seen >= len(WITH_EXAMPLES)


@pytest.mark.parametrize("path", ["/api/v1/schema/", "/api/v1/docs/", "/api/v1/listings/", "/api/v1/nothing/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_refusal_is_a_problem_wherever_it_happens(db: None, path: str, method: str) -> None:
    answer = Client().generic(method, path)
    assert answer.status_code in {401, 404, 405}
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json()["status"] == answer.status_code


def test_our_own_failure_is_a_problem_that_tells_nothing(market: Market, as_: As) -> None:
    token = as_("owner").token
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {Team._meta.db_table} RENAME TO gone")
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    answer = client.get("/api/v1/teams/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert answer.json()["code"] == "server_error"
    assert not any(word in answer.content.decode() for word in ("relation", "SELECT", "psycopg"))


def test_filters_belong_to_reading(described: Document) -> None:
    asked = {
        (method, path): {found["name"] for found in described.spec["paths"][path][method.lower()].get("parameters", [])
                         if found["in"] == "query"}
        for method, path in described.operations()
    }  # fmt: skip
    assert asked["GET", "/api/v1/listings/"] >= {"account", "game", "platform", "status"}
    assert {where: names for where, names in asked.items() if where[0] != "GET" and names} == {}


@pytest.mark.parametrize(("path", "needed"), [
    ("/api/v1/seats/{id}/", ["reason", "state"]), ("/api/v1/me/", []), ("/api/v1/season-tickets/{id}/", []),
])  # fmt: skip
def test_a_change_says_which_fields_it_needs(described: Document, path: str, needed: list[str]) -> None:
    body = described.spec["paths"][path]["patch"]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = described.spec["components"]["schemas"][name]
    assert (sorted(schema.get("required", [])), body.get("required", False)) == (needed, bool(needed))


def test_a_seats_change_needs_what_the_document_says_it_needs(market: Market, as_: As) -> None:
    answer = as_("owner").patch(f"/seats/{market.holding.seats[0].pk}/", {"version": 1})
    assert (answer.status_code, sorted(fields(answer))) == (422, ["reason", "state"])
