"""System checks: production refuses to start on what is unsafe, and says which variable."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.checks import Warning as Advice
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from seatsync.core.places import place
from seatsync.settings.safety import NOBODYS_MAILBOX, Problem, live_problems, production_problems


@register(Tags.security)
def production_is_safe(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Default secrets, DEBUG, and a live marketplace address that is the simulator's."""
    found = live_addresses()
    if settings.ENVIRONMENT != "production":
        return found
    in_force = {
        **os.environ,
        "SECRET_KEY": settings.SECRET_KEY,
        "JWT_SECRET_KEY": ",".join(settings.JWT_SECRET_KEYS),
        "ENCRYPTION_KEY": ",".join(settings.ENCRYPTION_KEYS),
        "DEBUG": str(settings.DEBUG),
    }
    return found + [_error(problem, "seatsync.E001") for problem in production_problems(in_force)]


def live_addresses() -> list[Error]:
    """A live account must never reach the simulator (I-20)."""
    return [_error(problem, "seatsync.E003") for problem in live_problems(os.environ, settings.SIMULATOR_URL)]


@register(Tags.security, deploy=True)
def production_is_reachable(app_configs: Any, **kwargs: Any) -> list[Advice]:
    """What is safe to start with and serves nobody: `check --deploy` names it."""
    host = urlsplit(settings.BASE_URL).hostname or ""
    found = []
    if place(settings.BASE_URL)[0] == "localhost" or not settings.BASE_URL.startswith("https://"):
        fault = "is no https address that others reach: mails, consents and marketplaces' webhooks lead nowhere"
        found.append(Problem("BASE_URL", fault, "Set BASE_URL to the product's own, as https://app.example.com."))
    elif not validate_host(host, settings.ALLOWED_HOSTS):
        remedy = f"Add {host} to ALLOWED_HOSTS."
        found.append(Problem("ALLOWED_HOSTS", "lacks BASE_URL's host: every page is refused", remedy))
    if settings.DEFAULT_FROM_EMAIL == NOBODYS_MAILBOX:
        remedy = "Set DEFAULT_FROM_EMAIL to an address of the product's own."
        found.append(Problem("DEFAULT_FROM_EMAIL", "is not set: mail is from an address that nobody has", remedy))
    return [Advice(f"{one.name} {one.fault}.", hint=one.remedy, id="seatsync.W001") for one in found]


def unsafe_start_refused() -> None:
    """Raises ImproperlyConfigured for what the check finds: servers and workers run no checks when they start."""
    found = production_is_safe(None)
    if found:
        lines = [f"{error.msg} {error.hint}" for error in found]
        raise ImproperlyConfigured("SeatSync does not start:\n  " + "\n  ".join(lines))


def _error(problem: Problem, number: str) -> Error:
    return Error(f"{problem.name} {problem.fault}.", hint=problem.remedy, id=number)
