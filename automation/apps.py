"""Automation: rules, strategies and guards. Guards only add to the door's own checks."""

from django.apps import AppConfig


class AutomationConfig(AppConfig):
    """Django app of automation; registers its guards at the pricing door."""

    name = "automation"

    def ready(self) -> None:
        """Register how every guard that there is is made."""
        from automation.selectors import guards_in_force
        from listings.services.guards import guards_register

        guards_register(guards_in_force)
