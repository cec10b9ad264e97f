"""The composition app: loads Celery, the system checks and the default schedule."""

from django.apps import AppConfig


class SeatSyncConfig(AppConfig):
    """Last in INSTALLED_APPS, so every domain app has filled its ports before it."""

    name = "seatsync"
    label = "seatsync"

    def ready(self) -> None:
        """Register checks, refuse an unsafe start, and make shared tasks bind to our Celery application."""
        from seatsync import celery, checks  # noqa: F401 - they register themselves

        checks.unsafe_start_refused()
