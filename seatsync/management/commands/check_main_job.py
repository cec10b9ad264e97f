"""`manage.py check_main_job`: the main job, end to end, against running processes; `bin/start --check` calls it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatsync.launch.main_job import MainJob, MainJobError


class Command(BaseCommand):
    """Prints each step with its time, then `ok`."""

    help = "Sign in, publish on two marketplaces, reprice, sell on one: and see the other listing go."

    def handle(self, *args: Any, **options: Any) -> None:
        job = MainJob(tell=self.stderr.write)
        try:
            job.run()
        except MainJobError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("ok")
