"""`manage.py run_simulator --port N`: the marketplaces, simulated, on loopback."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplaces.simulator.server import serve


class Command(BaseCommand):
    """Serve until stopped."""

    help = "Serve the simulated marketplaces (paper accounts talk to them)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9100)
        parser.add_argument("--state", type=Path, default=settings.STATE_DIR / "simulator.json")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--forget", action="store_true", help="keep the state in memory alone")

    def handle(self, *args: Any, **options: Any) -> None:
        where = None if options["forget"] else options["state"]
        options["state"].parent.mkdir(parents=True, exist_ok=True)
        self.stderr.write(f"simulator on http://127.0.0.1:{options['port']}")
        try:
            serve(options["port"], state_path=where, seed=options["seed"])
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used ({error.strerror}). Choose another with --port."
            ) from error
