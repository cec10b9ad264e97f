"""`manage.py chaos --sales N --seed S [--kill-workers] --json`: the promises, under faults and killed workers."""

import json
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatsync.chaos.inprocess import run_in_process
from seatsync.chaos.model import PROMISES
from seatsync.chaos.options import command_line, options_add, options_of

# Of the product that is used here: the run has its own.
_OWN = ("DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "SEATSYNC_STATE_DIR", "DJANGO_SETTINGS_MODULE")


class Command(BaseCommand):
    """Becomes another process: nothing of it may point at the database of the product that is used here."""

    help = "Sell under faults on a throwaway stack and count what was lost or sold twice; status 1 if anything was."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        options_add(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options_of(options)
        if os.environ.get("ENVIRONMENT") == "production":
            raise CommandError("This is not for production: run it where the product is developed.")
        if chosen.in_process:
            figures = run_in_process(chosen)
            self.stdout.write(json.dumps(figures) if chosen.as_json else json.dumps(figures, indent=1))
            if any(figures[promise] for promise in PROMISES):
                raise CommandError("A promise was broken; the lines above say in which walk.")
            return
        environment = {key: value for key, value in os.environ.items() if key not in _OWN}
        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, "-m", "seatsync.chaos", *command_line(chosen)]
        os.execve(sys.executable, command, environment)  # noqa: S606 - our own program
