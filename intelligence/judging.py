"""How good a price predictor is on sales that its fit did not see. No Django here; prices in USD per ticket."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from intelligence.contracts import Comparable, NoAnswer, Predictor, PriceAnswer, PriceQuestion, TrainingSale


@dataclass(frozen=True, slots=True)
class Scored:
    """An answer beside what was paid."""

    sale: TrainingSale
    answer: PriceAnswer

    @property
    def error(self) -> float:
        """Absolute, in USD."""
        return abs(float(self.sale.price - self.answer.value))

    def inside(self, lower: float, upper: float) -> bool:
        """Whether the price lies between two stated quantiles."""
        return self.answer.quantiles[lower] <= self.sale.price <= self.answer.quantiles[upper]

    def width(self, lower: float, upper: float) -> float:
        """USD between two stated quantiles."""
        return float(self.answer.quantiles[upper] - self.answer.quantiles[lower])


def answers(
    predictor: Predictor, artifact: bytes, known: Iterable[TrainingSale], later: Sequence[TrainingSale]
) -> Iterator[tuple[TrainingSale, PriceAnswer | NoAnswer]]:
    """Each later sale (in time order), answered from strictly earlier ones of its game."""
    by_game: dict[str, list[Comparable]] = defaultdict(list)
    for sale in known:
        by_game[sale.game].append(_comparable(sale))
    for sale in later:
        earlier = tuple(c for c in by_game[sale.game] if c.sold_at < sale.sold_at)
        question = PriceQuestion(sale.section, sale.zone, sale.sold_at, earlier, sale.venue)
        (answer,) = predictor.predict([question], artifact)
        yield sale, answer
        by_game[sale.game].append(_comparable(sale))


def _comparable(sale: TrainingSale) -> Comparable:
    return Comparable(sale.section, sale.zone, sale.price, sale.sold_at)


def judged(
    predictor: Predictor, train: Sequence[TrainingSale], later: Sequence[TrainingSale], *, home_venue: str
) -> dict[str, Any]:
    """Figures by segment for later sales, with a fit on `train` alone."""
    segments: dict[str, list[Scored]] = defaultdict(list)
    for sale, answer in answers(predictor, predictor.fit(train), train, later):
        if isinstance(answer, NoAnswer):
            continue
        place = "home" if sale.venue == home_venue else "away"
        for name in ("all", answer.level, place, f"{place} {answer.level}", f"{answer.level} {_size(answer.n)}"):
            segments[name].append(Scored(sale, answer))
    return {name: _figures(rows) for name, rows in sorted(segments.items())}


def _size(n: int) -> str:
    return next(name for name, edge in (("n 1", 1), ("n 2 to 7", 7), ("n 8 and more", n)) if n <= edge)


def _figures(rows: Sequence[Scored]) -> dict[str, float]:
    errors = [row.error for row in rows]
    found = {
        "n": len(rows),
        "mae": round(math.fsum(errors) / len(rows), 2),
        "median_ae": round(median(errors), 2),
        "wmape": round(math.fsum(errors) / math.fsum(float(row.sale.price) for row in rows), 4),
    }
    for percent, lower, upper in ((80, 0.1, 0.9), (90, 0.05, 0.95)):
        found[f"coverage_{percent}"] = round(sum(row.inside(lower, upper) for row in rows) / len(rows), 4)
        found[f"width_{percent}"] = round(math.fsum(row.width(lower, upper) for row in rows) / len(rows), 2)
    return found
