"""Automation: rules, strategies and guards. Guards only add to the door's own checks."""

from decimal import Decimal

from django.apps import AppConfig
from django.conf import settings


class AutomationConfig(AppConfig):
    """Django app of automation; registers its guards at the pricing door."""

    name = "automation"

    def ready(self) -> None:
        """Register the guards."""
        from automation.guards.max_step import GUARD
        from listings.services.guards import guard_register

        guard_register(GUARD(Decimal(settings.MAX_PRICE_STEP_PERCENT)))
