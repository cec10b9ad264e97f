"""Django app of automation."""

from django.apps import AppConfig


class AutomationConfig(AppConfig):
    """Django app of automation."""

    name = "automation"
