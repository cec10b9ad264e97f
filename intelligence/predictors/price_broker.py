"""The broker baseline: the mean of earlier sales of the same game and section, else zone, else game, else history.

Its interval is empirical: quantiles of log(price / mean) by level, learned in time order on public ticket-market
records. Prices further than six times from the game's median are left out of the mean. History is of the same venue.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from statistics import fmean, median
from typing import Any

from intelligence.contracts import (
    ArtifactRefused,
    Comparable,
    Evidence,
    NoAnswer,
    PriceAnswer,
    PriceQuestion,
    TrainingSale,
)  # fmt: skip
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
    version = "broker-2"

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
        learned = _learned(artifact)
        return [_answer(question, learned) for question in questions]


@lru_cache(maxsize=4)
def _learned(artifact: bytes) -> dict[str, Any]:
    remedy = "Fit it again: manage.py fit_price_broker --data PATH --write."
    try:
        learned: dict[str, Any] = json.loads(artifact)
        version = learned["version"]
        lacking = [level for level in LEVELS if set(learned["quantiles"][level]) != {str(p) for p in PROBABILITIES}]
        datetime.fromisoformat(learned["last"])
        dict(learned["section_medians"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused(f"The artifact of price_broker cannot be read ({error!r}).", remedy=remedy) from error
    if version != PriceBroker.version:
        wanted = PriceBroker.version
        raise ArtifactRefused(f"The artifact is of {version!r}, this predictor is {wanted!r}.", remedy=remedy)
    if lacking:
        raise ArtifactRefused(f"The artifact lacks quantiles of {', '.join(lacking)}.", remedy=remedy)
    return learned


def _answer(question: PriceQuestion, learned: dict[str, Any]) -> PriceAnswer | NoAnswer:
    earlier = tuple(sale for sale in question.comparables if sale.sold_at < question.at)
    level, used = comparables_at(question.section, question.zone, earlier)
    history = learned["section_medians"].get(question.venue, {}).get(question.section)
    n = len(used)
    if used:
        value = fmean(float(sale.price) for sale in used)
        as_of: datetime | None = max(sale.sold_at for sale in used)
        reasons = (f"mean of {len(used)} sales of this {level}",)
    else:
        # History that was learned on sales after the moment asked about may not speak of it (I-34).
        if history is None or datetime.fromisoformat(learned["last"]) > question.at:
            return NoAnswer("no sale of this game, and no history of this section")
        value, as_of, n = float(history["median"]), datetime.fromisoformat(history["last"]), int(history["n"])
        reasons = (f"median of {history['n']} past sales of this section; nothing of this game was sold yet",)
    factors = learned["quantiles"][level]
    quantiles = {p: _money(value * math.exp(factors[str(p)])) for p in PROBABILITIES}
    return PriceAnswer(
        value=_money(value), quantiles=quantiles, lower=quantiles[LOWER], upper=quantiles[UPPER], coverage=COVERAGE,
        n=n, level=level, data_as_of=as_of, reasons=reasons, evidence=_evidence(earlier, used),
    )  # fmt: skip


def _evidence(earlier: tuple[Comparable, ...], used: tuple[Comparable, ...]) -> Evidence:
    kept, taken = set(without_outliers(earlier)), set(used)
    dropped = {
        "outlier": tuple(sale for sale in earlier if sale not in kept),
        "elsewhere": tuple(sale for sale in earlier if sale in kept and sale not in taken),
    }
    return Evidence(used, tuple((reason, sales) for reason, sales in dropped.items() if sales))


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
    history: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda sale: sale.sold_at):
        before = tuple(sale for sale in earlier[row.game] if sale.sold_at < row.sold_at)
        level, used = comparables_at(row.section, row.zone, before)
        past = history[row.venue, row.section]
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


def _section_medians(rows: Sequence[TrainingSale]) -> dict[str, dict[str, dict[str, Any]]]:
    by_section: dict[tuple[str, str], list[TrainingSale]] = defaultdict(list)
    for row in rows:
        by_section[row.venue, row.section].append(row)
    medians: dict[str, dict[str, dict[str, Any]]] = {}
    for (venue, section), sales in sorted(by_section.items()):
        middle = round(median(float(sale.price) for sale in sales), 2)
        last = max(sale.sold_at for sale in sales).isoformat()
        medians.setdefault(venue, {})[section] = {"median": middle, "n": len(sales), "last": last}
    return medians


PREDICTOR = PriceBroker()
