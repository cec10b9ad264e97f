"""How a marketplace is named on pages: as its adapter declares."""

from django import template

from marketplaces import registry

register = template.Library()


@register.filter
def platform_name(key: str) -> str:
    """The marketplace's own name; a key without an adapter is made readable."""
    return registry.platform_name(key)


@register.filter
def platform_site(key: str) -> str:
    """The address of the marketplace's own site; "" without an adapter."""
    traits = registry.traits_of(key)
    return traits.site if traits else ""


@register.filter
def platform_contract(key: str) -> str:
    """Where what we speak with a marketplace comes from: official, reconstructed or unverified (no adapter either)."""
    traits = registry.traits_of(key)
    return traits.contract if traits else "unverified"
