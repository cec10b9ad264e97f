"""The brand, for every template."""

from django.http import HttpRequest


def brand(request: HttpRequest) -> dict[str, object]:
    """`brand`: the tenant of this host (templates never name a brand themselves)."""
    return {"brand": getattr(request, "tenant", None)}
