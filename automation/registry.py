"""Finds the guards: one file each under automation/guards, exporting GUARD."""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from automation import guards
from listings.contracts import Guard


class GuardMaker(Protocol):
    """What a guard's file exports: the settings that it needs, by name, and how a guard is made of their values."""

    key: str
    needs: tuple[str, ...]

    def __call__(self, *values: Any) -> Guard:
        """A guard, from the values of `needs` in their order."""


def guards_make(setting: Callable[[str], Any]) -> list[Guard]:
    """Every guard, by key. Raises RuntimeError where a file's name is not its guard's key."""
    made = []
    for module in pkgutil.iter_modules(guards.__path__):
        maker: GuardMaker = import_module(f"{guards.__name__}.{module.name}").GUARD
        if maker.key != module.name:
            raise RuntimeError(f"guard {module.name} calls itself {maker.key}")
        made.append(maker(*(setting(name) for name in maker.needs)))
    return sorted(made, key=lambda guard: guard.key)
