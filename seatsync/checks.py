"""System checks: production refuses to start on what is unsafe, and says which variable."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register

from marketplaces.registry import adapter_keys
from seatsync.core.places import same_place
from seatsync.settings.safety import production_problems


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
    problems = production_problems(in_force)
    return found + [
        Error(f"{problem.name} {problem.fault}.", hint=problem.remedy, id="seatsync.E001") for problem in problems
    ]


def live_addresses() -> list[Error]:
    """A live account must never reach the simulator (I-20)."""
    found = []
    simulator = settings.SIMULATOR_URL
    for name in (f"{key.upper()}_BASE_URL" for key in adapter_keys()):
        address = os.environ.get(name)
        try:
            fault = f"{name} is the simulator's address." if address and same_place(address, simulator) else ""
        except ValueError as error:
            fault = f"{name}: {error}"
        if fault:
            hint = "Give the platform's own address, or leave it unset."
            found.append(Error(fault, hint=hint, id="seatsync.E003"))
    return found
