"""Nobody sleeps in the product: a job that must wait is put back with a time, so that its worker does other work."""

import ast
from collections.abc import Iterator
from pathlib import Path

import seatsync

ROOT = Path(seatsync.__file__).parent.parent
APPS = ("seatsync", "portfolios", "marketplaces", "listings", "intelligence", "automation", "analytics")
# What only starts, tries or stands in for something: the practice marketplace, trials, and servers in the making.
MAY = ("marketplaces/simulator", "seatsync/chaos", "seatsync/bench", "seatsync/core/embedded", "seatsync/launch")
SLEEPERS = {"time", "asyncio", "gevent", "eventlet", "anyio", "trio"}


def sleeps(module: ast.Module) -> Iterator[int]:
    """The lines in which something sleeps, or a sleep is fetched by its name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and node.attr == "sleep":
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module in SLEEPERS:
            yield from (node.lineno for name in node.names if name.name == "sleep")


def test_no_product_code_sleeps() -> None:
    found, seen = [], 0
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            where = str(path.relative_to(ROOT))
            lines = list(sleeps(ast.parse(path.read_text())))
            if where.startswith(MAY):
                seen += len(lines)
            else:
                found += [f"{where}:{line}" for line in lines]
    assert not found
    # It would be found.
    assert seen > 5


def test_a_sleep_is_found_by_whatever_name() -> None:
    for text in ("import time\ntime.sleep(1)", "from time import sleep", "import time as t\nt.sleep(1)"):
        assert list(sleeps(ast.parse(text)))
