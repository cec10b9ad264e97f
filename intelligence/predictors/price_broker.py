"""The broker baseline: the mean of earlier sales of the same game and section, else zone, else game, else history.

Its interval is empirical: quantiles of log(price / mean) by level, learned in time order on public ticket-market
records. Prices further than six times from the game's median are left out of the mean.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from statistics import fmean, median
from typing import Any

from intelligence.contracts import Comparable, NoAnswer, PriceAnswer, PriceQuestion, TrainingSale
from seatsync.core.money import round_money

PROBABILITIES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
LOWER, UPPER, COVERAGE = 0.1, 0.9, Decimal("0.800")
LEVELS = ("section", "zone", "game", "history")
OUTLIER_FACTOR = 6.0
# Fewer residuals than this say little about a level's tails: then all levels' residuals together are used.
FEWEST_RESIDUALS = 50


class PriceBroker:
    """The predictor."""

    kind = "price"
    engine = "broker"
    version = "broker-1"

    def fit(self, rows: Sequence[TrainingSale]) -> bytes:
        """Residual quantiles by level, each sale predicted from strictly earlier ones of its game; section medians."""
        residuals = residuals_by_level(rows)
        everything = [value for values in residuals.values() for value in values]
        quantiles = {
            level: _quantiles(values if len(values) >= FEWEST_RESIDUALS else everything)
            for level, values in {name: residuals.get(name, []) for name in LEVELS}.items()
        }
        artifact = {
            "version": self.version,
            "n": len(rows),
            "first": min(row.sold_at for row in rows).isoformat(),
            "last": max(row.sold_at for row in rows).isoformat(),
            "residuals": {level: len(residuals.get(level, [])) for level in LEVELS},
            "quantiles": quantiles,
            "section_medians": _section_medians(rows),
        }
        return json.dumps(artifact, indent=1, sort_keys=True).encode()

    def predict(self, questions: Sequence[PriceQuestion], artifact: bytes) -> list[PriceAnswer | NoAnswer]:
        """The mean at the first level that has a sale, with that level's interval."""
        learned = json.loads(artifact)
        return [_answer(question, learned) for question in questions]


def _answer(question: PriceQuestion, learned: dict[str, Any]) -> PriceAnswer | NoAnswer:
    level, used = comparables_at(question.section, question.zone, question.comparables)
    if used:
        value = fmean(float(sale.price) for sale in used)
        as_of: datetime | None = max(sale.sold_at for sale in used)
        reasons = (f"mean of {len(used)} sales of this {level}",)
    else:
        history = learned["section_medians"].get(question.section)
        if history is None:
            return NoAnswer("no sale of this game, and no history of this section")
        value, as_of = float(history["median"]), datetime.fromisoformat(learned["last"])
        reasons = (f"median of {history['n']} past sales of this section; nothing of this game was sold yet",)
        used = ()
    factors = learned["quantiles"][level]
    quantiles = {p: _money(value * math.exp(factors[str(p)])) for p in PROBABILITIES}
    n = len(used) or int(learned["section_medians"][question.section]["n"])
    return PriceAnswer(
        value=_money(value), quantiles=quantiles, lower=quantiles[LOWER], upper=quantiles[UPPER], coverage=COVERAGE,
        n=n, level=level, data_as_of=as_of, reasons=reasons,
    )  # fmt: skip


def _money(value: float) -> Decimal:
    return round_money(Decimal(repr(value)))


def comparables_at(section: str, zone: str, comparables: Iterable[Comparable]) -> tuple[str, tuple[Comparable, ...]]:
    """The nearest level with a sale, and its sales without outliers; `history` and none where there is no sale."""
    kept = without_outliers(tuple(comparables))
    same_section = tuple(sale for sale in kept if section and sale.section == section)
    if same_section:
        return "section", same_section
    same_zone = tuple(sale for sale in kept if zone and sale.zone == zone)
    if same_zone:
        return "zone", same_zone
    return ("game", kept) if kept else ("history", ())


def without_outliers(comparables: tuple[Comparable, ...]) -> tuple[Comparable, ...]:
    """Sales within a factor of six of the median of all."""
    if not comparables:
        return ()
    middle = float(median(sale.price for sale in comparables))
    return tuple(s for s in comparables if middle / OUTLIER_FACTOR <= float(s.price) <= middle * OUTLIER_FACTOR)


def residuals_by_level(rows: Sequence[TrainingSale]) -> dict[str, list[float]]:
    """log(price / prediction) of every sale, predicted from strictly earlier sales of its own game."""
    found: dict[str, list[float]] = defaultdict(list)
    earlier: dict[str, list[Comparable]] = defaultdict(list)
    history: dict[str, list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda sale: sale.sold_at):
        before = tuple(sale for sale in earlier[row.game] if sale.sold_at < row.sold_at)
        level, used = comparables_at(row.section, row.zone, before)
        past = history[row.section]
        predicted = fmean(float(s.price) for s in used) if used else (median(past) if past else None)
        if predicted:
            found[level].append(math.log(float(row.price) / predicted))
        earlier[row.game].append(Comparable(row.section, row.zone, row.price, row.sold_at))
        past.append(float(row.price))
    return found


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {str(p): round(_quantile(ordered, p), 5) for p in PROBABILITIES}


def _quantile(ordered: list[float], p: float) -> float:
    """The p-quantile with linear interpolation (Hyndman and Fan's type 7)."""
    place = p * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _section_medians(rows: Sequence[TrainingSale]) -> dict[str, dict[str, float]]:
    by_section: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_section[row.section].append(float(row.price))
    return {s: {"median": round(median(values), 2), "n": len(values)} for s, values in sorted(by_section.items())}


PREDICTOR = PriceBroker()
