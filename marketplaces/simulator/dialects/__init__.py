"""The platforms that the simulator speaks for: one package each, found by its name."""

import pkgutil
from functools import lru_cache
from importlib import import_module

from marketplaces.simulator.rules import Dialect, Rules


@lru_cache(maxsize=1)
def dialects() -> dict[str, type[Dialect]]:
    """Every dialect by its platform's key. A package exports DIALECT, whose rules carry the package's own name."""
    found: dict[str, type[Dialect]] = {}
    for module in pkgutil.iter_modules(__path__):
        dialect: type[Dialect] = import_module(f"{__name__}.{module.name}").DIALECT
        if dialect.rules.key != module.name:
            raise RuntimeError(f"dialect {module.name} calls itself {dialect.rules.key}")
        found[module.name] = dialect
    return found


def platforms() -> tuple[str, ...]:
    """The platforms' keys, sorted."""
    return tuple(sorted(dialects()))


def rules_of(platform: str) -> Rules:
    """A platform's rules; raises KeyError for one that is not simulated."""
    return dialects()[platform].rules
