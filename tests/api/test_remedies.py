"""Wherever the product refuses a field it says what to do about it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import seatsync

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
