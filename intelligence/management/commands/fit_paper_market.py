"""`manage.py fit_paper_market --data PATH [--write]`: fit the paper market on recorded sales and print its errors."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from intelligence.market_model.fit import Observation, fitted
from intelligence.market_model.model import PARAMETERS
from intelligence.training_data import eastern, sales_path, sales_read


def observations(path: Path, *, home: str, zone: str) -> list[Observation]:
    """One team's home sales that are not suspect; `zone` is the venue's IANA zone (for the weekday)."""
    rows = []
    for row in sales_read(path, home=home):
        price = float(row["price_usd"] or 0)
        if row["suspect"] == "1" or price <= 0:
            continue
        starts, sold = eastern(row["event_dt"]), eastern(row["sold_at"])
        local: datetime = starts.astimezone(ZoneInfo(zone))
        days = (starts - sold).total_seconds() / 86_400
        rows.append(Observation(row["event_id"], row["zone"], row["away_team"], local.weekday(), days, price, sold))
    return rows


class Command(BaseCommand):
    """Fit, print, and keep with --write."""

    help = "Fit the paper market's generative model on recorded sales."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--home", default="SEA")
        parser.add_argument("--zone", default="America/Los_Angeles")
        parser.add_argument("--write", action="store_true", help="keep the parameters that ship")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = observations(sales_path(options["data"]), home=options["home"], zone=options["zone"])
        except (FileNotFoundError, KeyError) as error:
            raise CommandError(str(error)) from error
        if not rows:
            raise CommandError(f"No home sales of {options['home']} in this file. Choose another team with --home.")
        everything = [eastern(row["sold_at"]) for row in sales_read(sales_path(options["data"]))]
        parameters = fitted(rows, observed_until=max(everything))
        if options["write"]:
            PARAMETERS.write_text(json.dumps(parameters, indent=1, sort_keys=True) + "\n")
        names = ("n", "games", "first", "last", "game_spread", "crowd", "errors_leave_one_game_out")
        shown = {name: parameters[name] for name in names}
        self.stdout.write(json.dumps(shown))
