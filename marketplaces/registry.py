"""Finds the adapters: one file (or package) a platform under marketplaces/adapters, each exporting ADAPTER."""

import pkgutil
from collections.abc import Collection
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from urllib.parse import urljoin, urlsplit

from django.utils.http import url_has_allowed_host_and_scheme

from marketplaces import adapters
from marketplaces.contracts import Capability, MarketplaceAdapter, Traits
from marketplaces.delivery import HandOver
from seatsync.core.errors import InvalidInput


def _modules(package: ModuleType) -> list[pkgutil.ModuleInfo]:
    """A module whose name starts with _ is shared by the adapters and is none itself."""
    return [module for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")]


def _collect(package: ModuleType) -> dict[str, MarketplaceAdapter]:
    """The adapters of a package by key."""
    found: dict[str, MarketplaceAdapter] = {}
    for module in _modules(package):
        adapter: MarketplaceAdapter = import_module(f"{package.__name__}.{module.name}").ADAPTER
        key = adapter.traits.key
        if key in found:
            raise RuntimeError(f"adapter {module.name} takes the key {key}, which another one has")
        if key != module.name:
            raise RuntimeError(f"adapter {module.name} calls itself {key}")
        found[key] = adapter
    return found


@lru_cache(maxsize=1)
def _found() -> dict[str, MarketplaceAdapter]:
    return _collect(adapters)


def adapter_names() -> list[str]:
    """The same keys as `adapter_keys`, from the file names alone: the settings ask before Django is ready."""
    return sorted(module.name for module in _modules(adapters))


def adapter_keys() -> list[str]:
    """The known platforms' keys, sorted."""
    return sorted(_found())


def adapter_list() -> list[MarketplaceAdapter]:
    """The known adapters, by key."""
    return [_found()[key] for key in adapter_keys()]


def platform_name(key: str) -> str:
    """The marketplace's own name; a key without an adapter is made readable."""
    traits = traits_of(key)
    return traits.name if traits else key.replace("_", " ").title()


def traits_of(key: str) -> Traits | None:
    """What a platform declares, for whoever meets it in stored rows; None where it has no adapter (any more)."""
    adapter = _found().get(key)
    return adapter.traits if adapter else None


def platform_can(key: str, capability: Capability) -> bool:
    """Whether a platform declares a capability; one without an adapter can do nothing."""
    traits = traits_of(key)
    return traits is not None and capability in traits.capabilities


def poll_every_s(key: str) -> int:
    """How far apart an account's sales are read, in seconds; 0 where the platform has no adapter."""
    traits = traits_of(key)
    return traits.poll_sales_every_s if traits else 0


def hand_overs_of(key: str) -> tuple[HandOver, ...]:
    """The ways of handing tickets over that a platform takes; none where it has no adapter."""
    traits = traits_of(key)
    return traits.hand_overs if traits else ()


def supplied_as(key: str, delivery: str) -> HandOver:
    """What is sent for a hidden listing whose tickets are these: themselves, where its platform takes such files."""
    traits = traits_of(key)
    taken = traits.supplies if traits else ()
    return next((way for way in taken if way.value == delivery), HandOver.BARCODE)


def event_page(key: str, told: str) -> str:
    """Where a platform shows an event: the page that it told, if that is on its own site, else its front page.

    "" where the platform declares no site, or has no adapter. A relative address is one of the site's.
    """
    traits = traits_of(key)
    if traits is None or not traits.site or not told:
        return traits.site if traits else ""
    try:
        page, own = urlsplit(urljoin(traits.site, told)), urlsplit(traits.site).netloc.removeprefix("www.")
    except ValueError:
        return traits.site
    ours = page.netloc == own or page.netloc.endswith(f".{own}")
    # A browser reads some addresses otherwise than Python does: a backslash ends the host.
    safe = url_has_allowed_host_and_scheme(page.geturl(), {page.netloc}, require_https=True)
    return page.geturl() if ours and safe else traits.site


def platforms_at(domains: Collection[str]) -> list[str]:
    """The platforms of whose own sites some of these domains are, by key."""
    found = []
    for adapter in adapter_list():
        own = urlsplit(adapter.traits.site).netloc.removeprefix("www.")
        if own and any(domain == own or domain.endswith(f".{own}") for domain in domains):
            found.append(adapter.traits.key)
    return found


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
