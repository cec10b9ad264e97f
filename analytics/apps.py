"""Django app of analytics."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Django app of analytics."""

    name = "analytics"
