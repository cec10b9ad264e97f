"""System checks: production refuses to start on what is unsafe, and says which variable."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from seatsync.settings.safety import Problem, live_problems, production_problems


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


def unsafe_start_refused() -> None:
    """Raises ImproperlyConfigured for what the check finds: servers and workers run no checks when they start."""
    found = production_is_safe(None)
    if found:
        lines = [f"{error.msg} {error.hint}" for error in found]
        raise ImproperlyConfigured("SeatSync does not start:\n  " + "\n  ".join(lines))


def _error(problem: Problem, number: str) -> Error:
    return Error(f"{problem.name} {problem.fault}.", hint=problem.remedy, id=number)
