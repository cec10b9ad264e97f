"""API clients of every kind of actor, with tokens got as anybody gets them; every answer is held to the document."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from seatsync.accounts.models import User
from seatsync.accounts.services.tokens import tokens_issue
from tests.api.document import document
from tests.market import Market


class Api:
    """A client that speaks JSON as one person. What comes back must be what the OpenAPI document says."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.document = document()  # made here: the generator does not bear being begun in several threads
        self.client = Client(headers={"Authorization": f"Bearer {token}"} if token else None)

    def get(self, path: str, **headers: str) -> Any:
        return self._checked("GET", path, self.client.get(f"/api/v1{path}", headers=headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A write as JSON; a body that is text already goes as it is."""
        text = body if isinstance(body, str) else json.dumps(body or {})
        answer = self.client.generic(method, f"/api/v1{path}", text, content_type="application/json", headers=headers)
        return self._checked(method, path, answer)

    def _checked(self, method: str, path: str, answer: Any) -> Any:
        self.document.check(method, f"/api/v1{path}", answer)
        return answer


As = Callable[[str], Api]


@pytest.fixture
def as_(market: Market) -> As:
    """`as_("owner")`: the API as that person (owner, co, viewer, other, outsider, staff)."""

    def make(name: str) -> Api:
        user = User.objects.get(email=f"{name}@example.com")
        membership = user.memberships.get()
        return Api(tokens_issue(user, membership.tenant_id).access)

    return make
