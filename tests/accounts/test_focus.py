"""Pages that are one form begin in it: in its first field, or in the first that has an error."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def focused(page: str) -> list[str]:
    inputs = re.findall(r"<(?:input|select|textarea)\b[^>]*>", page)
    return [name for found in inputs if " autofocus" in found for name in re.findall(r'\bname="([^"]+)"', found)]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/accounts/login/", "login"), ("/accounts/signup/", "email"), ("/accounts/password/reset/", "email")],
)
def test_the_first_field_has_the_focus(path: str, field: str) -> None:
    assert focused(Client().get(path).text) == [field]


def test_the_first_field_with_an_error_has_it(db: None) -> None:
    page = Client().post("/accounts/login/", {"login": "owner@example.com", "password": ""}).text
    assert focused(page) == ["password"]
