"""Chooses the settings module from ENVIRONMENT, before Django is loaded."""

import os

from seatsync.core.environments import ENVIRONMENTS


def environment() -> str:
    """The name in ENVIRONMENT (`dev` where unset). Raises SystemExit on an unknown name."""
    name = os.environ.get("ENVIRONMENT", "dev")
    if name not in ENVIRONMENTS:
        raise SystemExit(f"ENVIRONMENT={name!r} is unknown. Set it to one of: {', '.join(ENVIRONMENTS)}.")
    return name


def use_settings() -> str:
    """Point Django at `seatsync.settings.<ENVIRONMENT>` unless a module was chosen already; returns its path."""
    return os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"seatsync.settings.{environment()}")
