"""Chooses the settings module from ENVIRONMENT, before Django is loaded."""

import os

from seatsync.core.environments import ENVIRONMENTS
from seatsync.core.garbage import garbage_waits


def environment() -> str:
    """The name in ENVIRONMENT (`dev` where unset). Raises SystemExit on an unknown name."""
    name = os.environ.get("ENVIRONMENT", "dev")
    if name not in ENVIRONMENTS:
        raise SystemExit(f"ENVIRONMENT={name!r} is unknown. Set it to one of: {', '.join(ENVIRONMENTS)}.")
    return name


def use_settings() -> str:
    """Point Django at `seatsync.settings.<ENVIRONMENT>` unless a module was chosen already; returns its path.

    The process begins to load here: its garbage waits until the applications are ready.
    """
    garbage_waits()
    return os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"seatsync.settings.{environment()}")
