"""Finds the adapters: one file (or package) a platform under marketplaces/adapters, each exporting ADAPTER."""

import pkgutil
from functools import lru_cache
from importlib import import_module

from marketplaces import adapters
from marketplaces.contracts import MarketplaceAdapter
from seatsync.core.errors import InvalidInput


@lru_cache(maxsize=1)
def _found() -> dict[str, MarketplaceAdapter]:
    found: dict[str, MarketplaceAdapter] = {}
    for module in pkgutil.iter_modules(adapters.__path__):
        adapter: MarketplaceAdapter = import_module(f"{adapters.__name__}.{module.name}").ADAPTER
        if adapter.traits.key != module.name:
            raise RuntimeError(f"adapter {module.name} calls itself {adapter.traits.key}")
        found[module.name] = adapter
    return found


def adapter_keys() -> list[str]:
    """The known platforms' keys, sorted."""
    return sorted(_found())


def adapter_list() -> list[MarketplaceAdapter]:
    """The known adapters, by key."""
    return [_found()[key] for key in adapter_keys()]


def adapter_get(key: str) -> MarketplaceAdapter:
    """The adapter of a platform; raises InvalidInput naming the known ones."""
    adapter = _found().get(key)
    if adapter is None:
        raise InvalidInput(
            f"{key!r} is not a marketplace we know.",
            field="platform",
            remedy=f"Use one of: {', '.join(adapter_keys())}.",
        )
    return adapter
