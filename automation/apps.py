"""Automation: rules, strategies and guards. Guards only add to the door's own checks."""

from django.apps import AppConfig
from django.conf import settings


class AutomationConfig(AppConfig):
    """Django app of automation; registers its guards at the pricing door."""

    name = "automation"

    def ready(self) -> None:
        """Register every guard that there is."""
        from automation.registry import guards_make
        from listings.services.guards import guard_register

        for guard in guards_make(lambda name: getattr(settings, name)):
            guard_register(guard)
