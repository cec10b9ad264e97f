"""`manage.py bench NAME [--json]`: each figure beside its baseline, measured in the same run."""

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seatsync.bench.delist import Load, delist
from seatsync.bench.overhead import overhead
from seatsync.bench.pages import pages
from seatsync.bench.publish import PublishLoad, publish
from seatsync.bench.report import Report
from seatsync.bench.webhooks import webhooks

# A bench without options takes nothing, one with options its dataclass, filled from those that were given.
PLAIN: dict[str, Callable[[], Report]] = {"pages": pages, "webhooks": webhooks, "overhead": overhead}
BENCHES = (*PLAIN, "delist", "publish")


class Command(BaseCommand):
    """Measure."""

    help = "Measure one thing beside its baseline."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=sorted(BENCHES))
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
        parser.add_argument("--holders", type=int, help="delist, publish: as many holders, two accounts each")
        parser.add_argument("--seconds", type=float, help="publish: about how long its backlog lasts")
        parser.add_argument("--count", type=int, help="delist: sales")
        parser.add_argument("--rate", type=float, help="delist: sales a second")
        parser.add_argument(
            "--backlog", action=argparse.BooleanOptionalAction, default=None,
            help="delist: a price waits for every open listing",
        )  # fmt: skip
        parser.add_argument("--pages", type=float, metavar="A_SECOND", help="delist: pages loaded a second beside it")
        parser.add_argument("--no-pages", dest="pages", action="store_const", const=0.0, help="delist: none")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = _measure(options["name"], options).as_json()
        except LookupError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        base, unit = report["baseline"], report["unit"]
        self.stdout.write(f"{report['name']}: {report['figure']} {unit} ({report['machine']})")
        self.stdout.write(f"{base['name']}: {base['figure']} {unit}, ratio {report['ratio']}")
        self.stdout.write(json.dumps(report["detail"], indent=1))


def _measure(name: str, options: dict[str, Any]) -> Report:
    """Raises LookupError where something is missing, or an option is of another bench."""
    taken = {"delist": Load, "publish": PublishLoad}.get(name)
    known = {one.name for one in fields(taken)} if taken else set[str]()
    asked = {key: options[key] for key in OPTIONS if options.get(key) is not None}
    if foreign := sorted(set(asked) - known):
        raise LookupError(f"`bench {name}` has no option {', '.join(foreign)}.")
    if name == "delist":
        return delist(Load(**asked))
    if name == "publish":
        return publish(PublishLoad(**asked))
    return PLAIN[name]()


OPTIONS = ("holders", "seconds", "count", "rate", "backlog", "pages")
