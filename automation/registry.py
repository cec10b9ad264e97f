"""Finds the guards: one file each under automation/guards, exporting GUARD."""

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Protocol

from automation import guards
from listings.contracts import Guard


class GuardMaker(Protocol):
    """What a guard's file exports: the figures that it goes by, by name, and how a guard is made of them.

    `needs`: each figure's least and most, both allowed; whole numbers.
    """

    key: str
    needs: ClassVar[Mapping[str, tuple[int, int]]]

    def __call__(self, *values: Any) -> Guard:
        """A guard, from the values of `needs` in their order."""


@cache
def guard_makers() -> tuple[GuardMaker, ...]:
    """Every guard's, by key. Raises RuntimeError where a file's name is not its guard's key."""
    found = []
    for module in pkgutil.iter_modules(guards.__path__):
        maker: GuardMaker = import_module(f"{guards.__name__}.{module.name}").GUARD
        if maker.key != module.name:
            raise RuntimeError(f"guard {module.name} calls itself {maker.key}")
        found.append(maker)
    return tuple(sorted(found, key=lambda maker: maker.key))


def guards_make(figure: Callable[[str], Any]) -> list[Guard]:
    """Every guard, by key, each of its figures by name."""
    return [maker(*(figure(name) for name in maker.needs)) for maker in guard_makers()]


def figures_needed() -> dict[str, tuple[int, int]]:
    """All that guards go by, by name, each with its least and most."""
    return {name: bounds for maker in guard_makers() for name, bounds in sorted(maker.needs.items())}
