"""Addresses of pages, for services that tell people where to look."""

from django.urls import NoReverseMatch, reverse


def page_link(name: str, *args: object) -> str:
    """The path of a named page, or empty where this process serves no such page: an alert never stops a sale."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
