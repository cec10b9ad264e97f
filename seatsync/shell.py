"""What every page's shell shows: navigation and what needs the person."""

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    """Context of the shell."""
    return {}
