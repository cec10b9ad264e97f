"""`manage.py convert_series --to timescale|partitions`: the time series change their engine; idempotent."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatsync.core.errors import SeatSyncError
from seatsync.core.series_convert import ENGINES, series_convert


class Command(BaseCommand):
    """Tells each series with the rows that were moved."""

    help = (
        "Make hypertables of the time series' partitions, or the reverse, with every row, index and summary. Stop the "
        "product first: nobody reads or writes the series meanwhile. The disk must hold them twice. Grants made by "
        "hand have to be made again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, choices=ENGINES)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = series_convert(to=options["to"])
        except SeatSyncError as error:
            raise CommandError(error.words) from error
        for series in done:
            told = "is kept so already" if series.rows is None else f"{series.rows} rows moved"
            self.stdout.write(f"{series.table}: {told}")
        self.stdout.write(f"the series are kept as {options['to']}")
