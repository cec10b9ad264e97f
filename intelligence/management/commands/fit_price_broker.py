"""`manage.py fit_price_broker --data PATH [--write]`: learn the broker baseline's intervals and say how good it is."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from intelligence.judging import judged
from intelligence.predictors.price_broker import PREDICTOR
from intelligence.registry import ARTIFACTS, artifact_write
from intelligence.training_data import sales_path, training_sales

# The share of sales, in time, that is learned from before the later ones are judged.
SHARE = 0.7


class Command(BaseCommand):
    """Fit on all sales; judge on the later ones in time with a fit on those before."""

    help = "Fit the broker baseline's interval on recorded sales."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--home-venue", default="T-Mobile Park", help="the venue that is told apart as home")
        parser.add_argument(
            "--cut", type=float, default=SHARE, help="the share of sales, in time, that is learned from"
        )
        parser.add_argument("--write", action="store_true", help="keep the artifact that ships")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sales = training_sales(sales_path(options["data"]))
        except (FileNotFoundError, KeyError) as error:
            raise CommandError(str(error)) from error
        if len(sales) < 2:
            raise CommandError(f"{options['data']} holds too few usable sales to learn from. Give another record.")
        if not 0 < options["cut"] < 1:
            raise CommandError(f"--cut {options['cut']} is no share. Give one between 0 and 1.")
        sales.sort(key=lambda sale: sale.sold_at)
        cut = max(1, int(len(sales) * options["cut"]))
        result = judged(PREDICTOR, sales[:cut], sales[cut:], home_venue=options["home_venue"])
        if options["write"]:
            artifact_write(ARTIFACTS, "price_broker", PREDICTOR.fit(sales) + b"\n")
        shown = {"n": len(sales), "cut_at": sales[cut].sold_at.isoformat(), "segments": result}
        self.stdout.write(json.dumps(shown))
