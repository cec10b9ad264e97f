"""`manage.py bench NAME [--json]`: pages, delist, webhooks; each beside its baseline, measured in the same run."""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatsync.bench.delist import delist
from seatsync.bench.pages import pages
from seatsync.bench.report import Report
from seatsync.bench.webhooks import webhooks

BENCHES: dict[str, Callable[[], Report]] = {"pages": pages, "delist": delist, "webhooks": webhooks}


class Command(BaseCommand):
    """Measure."""

    help = "Measure one thing beside its baseline."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=sorted(BENCHES))
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = BENCHES[options["name"]]().as_json()
        except LookupError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        base, unit = report["baseline"], report["unit"]
        self.stdout.write(f"{report['name']}: {report['figure']} {unit} ({report['machine']})")
        self.stdout.write(f"{base['name']}: {base['figure']} {unit}, ratio {report['ratio']}")
        self.stdout.write(json.dumps(report["detail"], indent=1))
