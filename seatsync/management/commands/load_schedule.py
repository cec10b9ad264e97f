"""`manage.py load_schedule`: insert the default periodic jobs that are missing."""

from typing import Any

from django.core.management.base import BaseCommand

from seatsync.schedule import schedule_load


class Command(BaseCommand):
    """Part of every release."""

    help = "Insert missing periodic jobs; edits made in the admin are kept."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write(f"{schedule_load()} periodic jobs added")
