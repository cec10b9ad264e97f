"""How a marketplace is named on pages: as its adapter declares."""

from django import template

from marketplaces.registry import adapter_get, adapter_keys

register = template.Library()


@register.filter
def platform_name(key: str) -> str:
    """The marketplace's own name; a key without an adapter is made readable."""
    if key in adapter_keys():
        return adapter_get(key).traits.name
    return key.replace("_", " ").title()
