"""What a process loads before its first request or job, so that no seat waits for it on show."""

from django.urls import reverse


def warm_up() -> None:
    """Read every address and import what serves it: a second's work, which else the first sale pays for."""
    reverse("healthz")
