"""`manage.py prepare [--data PATH [--speed N|max]]`: what bin/start needs of the database, in one process."""

import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    """Tells each step with its seconds."""

    help = "Migrate what is not migrated, add missing periodic jobs, load the demo. Idempotent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, help="a folder with recorded sales to load as a season of their own")

        parser.add_argument("--speed", default="max", help="recorded seconds per second, or max")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        self._reach()
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0)
        call_command("load_schedule")
        self._step("database ready", started)
        started = time.monotonic()
        call_command("demo", data=options["data"], speed=options["speed"])
        self._step("demo loaded", started)

    @staticmethod
    def _reach() -> None:
        try:
            connections[DEFAULT_DB_ALIAS].ensure_connection()
        except OperationalError as error:
            reason = str(error).strip().splitlines()[0].rstrip("?.")
            raise CommandError(
                f"The database cannot be reached: {reason}. Start it, or mend DATABASE_URL, and start again."
            ) from error

    def _step(self, text: str, started: float) -> None:
        self.stderr.write(f"  {text} ({time.monotonic() - started:.1f} s)")
