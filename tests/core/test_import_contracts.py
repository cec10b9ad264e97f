"""The import contracts know every package and every module of the composition."""

import tomllib
from typing import Any

from django.conf import settings

LINTER: dict[str, Any] = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}


def named(contract: str) -> list[str]:
    """The modules of a contract's layers, from top to bottom."""
    layers = "|".join(CONTRACTS[contract]["layers"]).replace(":", "|").split("|")
    return [name.strip(" ()") for name in layers]


def test_every_package_of_ours_stands_in_the_order() -> None:
    ours = {path.parent.name for path in settings.BASE_DIR.glob("*/__init__.py")} - {"tests"}
    assert set(LINTER["root_packages"]) == ours
    assert {name.partition(".")[0] for name in named("layers")} == ours


def test_what_lies_inside_seatsync_stands_in_the_whole_order_too() -> None:
    whole = [name.removeprefix("seatsync.") for name in named("layers") if name.startswith("seatsync.")]
    assert sorted(whole) == sorted(named("inside-seatsync"))
