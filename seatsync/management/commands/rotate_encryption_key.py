"""`manage.py rotate_encryption_key`: everything under an older key is encrypted anew under the first one."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatsync.core.rotation import BATCH, Rotation, keys_rotate
from seatsync.settings.safety import INSECURE_ENCRYPTION_KEY


class Command(BaseCommand):
    """Put the new key before the old ones in ENCRYPTION_KEY, restart, run this, then take the old ones out.

    What was made under the published key of development, which ENCRYPTION_KEY refuses, is opened with it all the same.
    """

    help = (
        "Encrypt anew, under the first key of ENCRYPTION_KEY, whatever lies under an older one. Cut off, it is simply"
        " run again. --check changes nothing and fails while an older key is still needed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether an older key is still needed")
        parser.add_argument("--batch", type=int, default=BATCH, help=f"rows read at a time (default {BATCH})")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch is a number of rows, from 1.")
        check = options["check"]
        # A database that was begun in development; it never encrypts where a key was given.
        found = keys_rotate(
            write=not check, batch=options["batch"], beside=[INSECURE_ENCRYPTION_KEY], on_batch=self._progress
        )
        for one in found:
            verb = "to encrypt anew" if check else "encrypted anew"
            self.stdout.write(f"{one.column}: {one.rows} rows, {one.old} {verb}, {len(one.unreadable)} unreadable")
        self._published(sum(one.beside for one in found))
        self._lost(found)
        if check and any(one.old for one in found):
            raise CommandError("An older key is still needed. Run it without --check, then take that key out.")

    def _progress(self, one: Rotation) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{one.column}: {one.rows} rows", ending="")

    def _published(self, rows: int) -> None:
        if rows:
            self.stdout.write(
                f"{rows} of them lay under the published key of development: whoever has a copy of the database from"
                " before can read them. Connect those accounts anew where they are real."
            )

    @staticmethod
    def _lost(found: list[Rotation]) -> None:
        lost = [f"{one.column} of {pk}" for one in found for pk in one.unreadable]
        if lost:
            named = ", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
            raise CommandError(
                f"No key of ENCRYPTION_KEY opens {named}. Put the key back that they were encrypted with, behind the"
                " first one, and run it again; where it is lost, let the accounts' holders connect them anew."
            )
