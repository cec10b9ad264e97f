"""Secrets in a text, in whatever way somebody wrote them down."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from seatsync.core.left_out import LEFT_OUT, left_out

SECRET = 'sk/live+1234&5"6=é 78<9'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.upper(),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps(SECRET),
        json.dumps(SECRET).replace("/", "\\/"),
        html.escape(SECRET),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
        *(base64.b64encode(f"{user}:{SECRET}".encode()).decode() for user in ("a", "ab", "abc")),
        *(base64.b64encode(f"{SECRET}:{word}".encode()).decode() for word in ("a", "ab", "abc")),
    ],
)
def test_every_way_of_writing_it(form: str) -> None:
    left = left_out(f"401: {form} is not good", {SECRET, ""})
    assert LEFT_OUT in left
    assert left.startswith("401: ")
    assert left.endswith(" is not good")
    # What is left is of what stands beside it.
    assert len(left.replace(LEFT_OUT, "")) <= len("401:  is not good") + len("OmFiYw==")


def test_a_short_one_is_looked_for_as_a_word() -> None:
    said = "user bob of bobsled, password pw1 and pw12"
    assert (
        left_out(said, {"bob", "pw1"}, short_as_words=True)
        == f"user {LEFT_OUT} of bobsled, password {LEFT_OUT} and pw12"
    )
    assert left_out("123456", {"345"}) == f"12{LEFT_OUT}6"


def test_one_that_is_part_of_another() -> None:
    assert left_out("a key-of-mine and key-of-mine-too", {"key-of-mine", "key-of-mine-too"}) == (
        f"a {LEFT_OUT} and {LEFT_OUT}"
    )


def test_nothing_to_leave_out() -> None:
    assert left_out("as it is", []) == "as it is"
    assert left_out("as it is", [""]) == "as it is"
