"""The composition app: loads Celery, the system checks and the default schedule."""

from django.apps import AppConfig

from seatsync.core.garbage import garbage_resumes


class SeatSyncConfig(AppConfig):
    """Last in INSTALLED_APPS, so every domain app has filled its ports before it."""

    name = "seatsync"
    label = "seatsync"

    def ready(self) -> None:
        """Register checks, refuse an unsafe start, bind shared tasks to our Celery application, end the loading."""
        from seatsync import celery, checks  # noqa: F401 - they register themselves

        checks.unsafe_start_refused()
        garbage_resumes()
