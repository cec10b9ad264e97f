"""`manage.py demo [--data PATH [--speed N|max]] [--hands SEED]`: a season replayed, a holder, a client; idempotent."""

from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplaces.errors import MarketplaceError
from seatsync.core.errors import SeatSyncError
from seatsync.demo.load import HANDS, demo_load
from seatsync.demo.pace import speed_parse
from seatsync.demo.people import PASSWORD, STAFF_EMAIL
from seatsync.demo.recorded import recorded_check, recorded_load


class Command(BaseCommand):
    """Load the demo."""

    help = "Load the demo (idempotent): real teams, schedule and prices; one holder, one staff user, one client."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, help="a folder with recorded sales to load as a season of their own")
        parser.add_argument("--speed", default="max", help="recorded seconds per second, or max")
        parser.add_argument(
            "--hands", type=int, default=HANDS, metavar="SEED",
            help="what hands listed at SeatGeek before it is connected, by this seed; 0: nothing",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("The demo has a published password. Load it in another ENVIRONMENT.")
        try:
            speed = speed_parse(options["speed"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        data: Path | None = options["data"]
        try:
            if data is not None:
                recorded_check(data)
            people = demo_load(self._tell, hands=options["hands"])
            if data is not None:
                count = recorded_load(data, people=people, speed=speed)
                later = "" if speed is None else f"; the running product goes on at {speed:g} recorded seconds a second"
                self._tell(f"recorded sales replayed: {count} new prints{later}")
        except (OSError, ValueError) as error:
            raise CommandError(f"--data: {error}" if data is not None else str(error)) from error
        except SeatSyncError as error:
            raise CommandError(f"The demo could not be loaded. {error.words}") from error
        except (MarketplaceError, httpx.HTTPError) as error:
            raise CommandError(
                f"The demo could not be loaded: the simulator at {settings.SIMULATOR_URL} answered {error}. "
                "Stop it, or start it again with bin/start, and load the demo again."
            ) from error
        self._tell(f"sign in as {people.holder.email}, password {PASSWORD} (staff: {STAFF_EMAIL})")

    def _tell(self, text: str) -> None:
        self.stderr.write(text)
