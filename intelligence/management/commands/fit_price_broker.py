"""`manage.py fit_price_broker --data PATH [--write]`: learn the broker baseline's interval and say how good it is."""

import json
import math
from pathlib import Path
from statistics import median
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from intelligence.contracts import Comparable, NoAnswer, PriceAnswer, PriceQuestion, TrainingSale
from intelligence.predictors.price_broker import PREDICTOR
from intelligence.registry import ARTIFACTS, artifact_write
from intelligence.training_data import sales_path, training_sales


class Command(BaseCommand):
    """Fit on all sales; judge on the last 30 % in time with a fit on the first 70 %."""

    help = "Fit the broker baseline's empirical interval on recorded sales."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, required=True)
        parser.add_argument("--write", action="store_true", help="keep the artifact that ships")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sales = training_sales(sales_path(options["data"]))
        except (FileNotFoundError, KeyError) as error:
            raise CommandError(str(error)) from error
        if len(sales) < 2:
            raise CommandError(f"{options['data']} holds too few usable sales to learn from. Give another record.")
        sales.sort(key=lambda sale: sale.sold_at)
        cut = int(len(sales) * 0.7)
        result = judged(sales[:cut], sales[cut:])
        if options["write"]:
            artifact_write(ARTIFACTS, "price_broker", PREDICTOR.fit(sales) + b"\n")
        self.stdout.write(json.dumps({"n": len(sales), "cut_at": sales[cut].sold_at.isoformat(), **result}))


def judged(train: list[TrainingSale], later: list[TrainingSale]) -> dict[str, Any]:
    """Errors of later sales, each answered from strictly earlier ones of its game and the fit on `train`."""
    artifact = PREDICTOR.fit(train)
    known: dict[str, list[Comparable]] = {}
    for sale in train:
        known.setdefault(sale.game, []).append(Comparable(sale.section, sale.zone, sale.price, sale.sold_at))
    scored: dict[str, list[tuple[float, float, bool, float]]] = {}
    for sale in later:
        earlier = tuple(c for c in known.setdefault(sale.game, []) if c.sold_at < sale.sold_at)
        (answer,) = PREDICTOR.predict([PriceQuestion(sale.section, sale.zone, sale.sold_at, earlier)], artifact)
        if not isinstance(answer, NoAnswer):
            row = _score(answer, float(sale.price))
            scored.setdefault("all", []).append(row)
            scored.setdefault(answer.level, []).append(row)
        known[sale.game].append(Comparable(sale.section, sale.zone, sale.price, sale.sold_at))
    return {"segments": {name: _figures(rows) for name, rows in scored.items()}}


def _score(answer: PriceAnswer, price: float) -> tuple[float, float, bool, float]:
    inside = float(answer.lower) <= price <= float(answer.upper)
    return abs(price - float(answer.value)), price, inside, float(answer.upper - answer.lower)


def _figures(rows: list[tuple[float, float, bool, float]]) -> dict[str, float]:
    errors = [row[0] for row in rows]
    return {
        "n": len(rows),
        "mae": round(math.fsum(errors) / len(rows), 2),
        "median_ae": round(median(errors), 2),
        "wmape": round(math.fsum(errors) / math.fsum(row[1] for row in rows), 4),
        "coverage_80": round(sum(row[2] for row in rows) / len(rows), 4),
        "width_80": round(math.fsum(row[3] for row in rows) / len(rows), 2),
    }
