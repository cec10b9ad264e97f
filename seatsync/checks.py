"""System checks: production refuses to start on what is unsafe, and says which variable."""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, register

from marketplaces.registry import adapter_keys


@register(Tags.security)
def production_is_safe(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Default secrets, DEBUG, and a live marketplace address that is the simulator's."""
    found = live_addresses()
    if settings.ENVIRONMENT != "production":
        return found
    defaults = {
        "SECRET_KEY": settings.SECRET_KEY == settings.INSECURE_SECRET_KEY,
        "JWT_SECRET_KEY": settings.INSECURE_JWT_SECRET_KEY in settings.JWT_SECRET_KEYS,
        "ENCRYPTION_KEY": settings.INSECURE_ENCRYPTION_KEY in settings.ENCRYPTION_KEYS,
    }
    for name, is_default in defaults.items():
        if is_default:
            found.append(
                Error(f"{name} is the published default.", hint=f"Set {name} to a secret.", id="seatsync.E001")
            )
    if settings.DEBUG:
        found.append(Error("DEBUG is on in production.", hint="Set DEBUG=false.", id="seatsync.E002"))
    return found


def live_addresses() -> list[Error]:
    """A live account must never reach the simulator (I-20)."""
    simulator = urlsplit(settings.SIMULATOR_URL).netloc
    return [
        Error(
            f"{key.upper()}_BASE_URL is the simulator's address.",
            hint="Give the platform's own address, or leave it unset.",
            id="seatsync.E003",
        )
        for key in adapter_keys()
        if urlsplit(os.environ.get(f"{key.upper()}_BASE_URL", "")).netloc == simulator
    ]
