"""What people read is in their words: no code of ours, no class name, wherever a sentence is made."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.apps import apps
from django.template import Context, Template

from listings.services.pricing import _judge
from marketplaces.adapters._wire import send
from marketplaces.contracts import Grant, Link
from marketplaces.errors import OURS, MarketplaceError, PermanentError, told
from seatsync.core.errors import Conflict

ROOT = Path(__file__).resolve().parents[2]
APPS = ("analytics", "automation", "intelligence", "listings", "marketplaces", "portfolios", "seatsync")
# Values that are codes: a sentence says them by their label or their name.
CODES = {
    "platform",
    "state",
    "status",
    "kind",
    "to_state",
    "from_state",
    "severity",
    "scope",
    "outcome",
    "role",
    "mode",
}
# Programs that nobody reads in the product, and texts for whoever starts it.
APART = ("marketplaces/simulator", "seatsync/bench", "seatsync/chaos", "seatsync/demo", "seatsync/launch",
         "seatsync/management", "seatsync/settings", "seatsync/core/embedded")  # fmt: skip
# Arguments that are no sentence.
KEYS = {"key", "dedupe_key", "idempotency_key", "error"}


def test_no_sentence_is_made_of_a_code() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{text.lineno}: {ast.unparse(text)}"
        for path in sources()
        for text in sentences(ast.parse(path.read_text()))
        if any(_is_code(part) for part in text.values)
    ]
    assert not wrong, "say it by its label (get_state_display, platform_name, told)"


def sources() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(APART) and "migrations" not in path.parts:
                yield path


def sentences(module: ast.Module) -> Iterator[ast.JoinedStr]:
    """The texts with something filled in that have a space between words, outside logs, keys and __str__."""
    for node in _walk(module):
        if isinstance(node, ast.JoinedStr) and re.search(r"[a-z] | [a-z]", _plain(node)):
            yield node


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and child.name == "__str__":
            continue
        if isinstance(child, ast.keyword) and child.arg in KEYS:
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func).startswith(("log.", "_log.")):
            continue
        if isinstance(child, ast.Raise) and _is_bug(child):
            continue
        yield from _walk(child)


def _is_bug(node: ast.Raise) -> bool:
    """An error of the program's own, which nobody is told in its words."""
    name = getattr(getattr(node.exc, "func", None), "id", "")
    return name in {"TypeError", "ValueError", "RuntimeError", "PermanentError"} or name.endswith("OrderError")


def _plain(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))


def _is_code(part: ast.expr) -> bool:
    """`!r` echoes what was sent, which is what whoever sent it knows."""
    if not isinstance(part, ast.FormattedValue) or part.conversion == ord("r"):
        return False
    value = part.value
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name in CODES or "__name__" in ast.unparse(value)


TEXT_CODE = re.compile(
    r"\{\{ ?(?!error\.status)[a-z_.]+\.(?:state|status|kind|platform|guard|scope|severity|mode|role|actor_kind) ?\}\}"
)


def test_no_page_shows_a_code() -> None:
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        words = re.sub(r"<[^>]*>", " ", re.sub(r"\{%.*?%\}", "", path.read_text()))
        wrong += [f"{path.relative_to(ROOT)}: {found}" for found in TEXT_CODE.findall(words)]
    assert not wrong


def test_every_choice_has_a_label_in_words() -> None:
    labels = [
        (field.name, str(label))
        for model in apps.get_models()
        if model.__module__.split(".")[0] in APPS
        for field in model._meta.fields
        for _, label in field.flatchoices
    ]
    assert len(labels) > 60
    assert not [found for found in labels if "_" in found[1]]


def test_an_error_that_is_nobody_s_sentence_is_called_our_own() -> None:
    assert told(MarketplaceError("The listing is locked there")) == "The listing is locked there"
    assert told(Conflict("The seat is sold.")) == "The seat is sold."
    assert told(KeyError("boom")) == OURS


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx.ConnectError, "https://there.example/x cannot be reached"),
        (httpx.ReadTimeout, "https://there.example/x gave no answer in time"),
        (httpx.RemoteProtocolError, "https://there.example/x broke the connection off"),
    ],
)
def test_a_line_that_fails_is_told_in_words(error: type[httpx.TransportError], says: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    http = httpx.Client(transport=httpx.MockTransport(fail))
    with pytest.raises(MarketplaceError) as caught:
        send(line(http), "GET", "https://there.example/x?token=1", request="", write=False)
    assert str(caught.value) == says
    assert not isinstance(caught.value, PermanentError)


def line(http: httpx.Client) -> Link:
    return Link(http, "https://there.example", Grant("token"))


def test_what_no_header_takes_is_never_sent() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        return httpx.Response(200)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with pytest.raises(PermanentError) as caught:
        send(line(http), "POST", "https://there.example/x", request="", write=True, headers={"Api-token": "clé"})
    assert (str(caught.value), sent) == ("it has letters or signs that cannot be sent", [])


def test_every_check_of_the_door_has_a_name() -> None:
    """The keys of the door's own checks, as they stand in its source, and a guard's that nobody named."""
    keys = set(re.findall(r'^\s+\(?"?\(?"([a-z_]+)", ', Path(_judge.__code__.co_filename).read_text(), re.MULTILINE))
    assert {"version", "in_flight", "net_floor"} <= keys
    page = Template("{% load pricing %}{% for key in keys %}{{ key|check_name }};{% endfor %}")
    said = page.render(Context({"keys": [*sorted(keys), "some_guard"]}))
    assert "_" not in said
    assert "some guard;" in said
    assert "no change under way;" in said
