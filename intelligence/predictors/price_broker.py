"""The broker baseline: the mean of earlier sales of the same game and section, else zone, else game, else history.

Its interval is learned in time order on public ticket-market records (intelligence.calibration). What was learned is
kept by cut-off, so that a question about a moment inside the records is answered from what was known by then (I-34).
History is the median of past sales of the section at the same venue. Nothing is left out of the mean: recorded sales
that are marked suspect never come here, and a rule that judged prices across zones would lose a dear zone its own.
"""

import json
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import Any

from intelligence.calibration import (
    EDGES,
    FEWEST,
    PROBABILITIES,
    Residual,
    calibrated,
    factors,
    own_spread,
    own_spreads,
)  # fmt: skip
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

LOWER, UPPER, COVERAGE = 0.1, 0.9, Decimal("0.800")
LEVELS = ("section", "zone", "game", "history")
# A new cut-off is kept on the Mondays by which the record has grown by this factor.
GROWTH = 1.1
# Measured coverage is that of the last so many scored sales of a level; of fewer than FEWEST it is not told.
MEASURED = 500


class PriceBroker:
    """The predictor."""

    kind = "price"
    engine = "broker"
    version = "broker-3"

    def fit(self, rows: Sequence[TrainingSale]) -> bytes:
        """Intervals and section medians by cut-off, each sale expected from strictly earlier ones."""
        residuals = residuals_of(rows)
        first, last = min(row.sold_at for row in rows), max(row.sold_at for row in rows)
        cutoffs = _cutoffs([row.sold_at for row in rows], [residual.at for residual in residuals], first, last)
        artifact = {
            "version": self.version,
            "n": len(rows),
            "first": first.isoformat(),
            "last": last.isoformat(),
            "cutoffs": [moment.isoformat() for moment in cutoffs],
            "known": _known_by(cutoffs, residuals),
            "sections": _section_medians(rows, cutoffs),
        }
        return json.dumps(artifact, separators=(",", ":"), sort_keys=True).encode()

    def predict(self, questions: Sequence[PriceQuestion], artifact: bytes) -> list[PriceAnswer | NoAnswer]:
        """The mean at the first level that has a sale, with that level's interval as known by then."""
        learned = _learned(artifact)
        return [_answer(question, learned) for question in questions]


@lru_cache(maxsize=4)
def _learned(artifact: bytes) -> dict[str, Any]:
    remedy = "Fit it again: manage.py fit_price_broker --data PATH --write."
    try:
        learned: dict[str, Any] = json.loads(artifact)
        version = learned["version"]
        if version != PriceBroker.version:
            wanted = PriceBroker.version
            raise ArtifactRefused(f"The artifact is of {version!r}, this predictor is {wanted!r}.", remedy=remedy)
        learnt = [known["levels"] for known in learned["known"] if known["levels"] is not None]
        lacking = {level for levels in learnt for level in LEVELS if not _is_whole(levels[level])}
        learned["moments"] = [datetime.fromisoformat(moment) for moment in learned["cutoffs"]]
        datetime.fromisoformat(learned["last"])
        dict(learned["sections"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused(f"The artifact of price_broker cannot be read ({error!r}).", remedy=remedy) from error
    if lacking or len(learned["moments"]) != len(learned["known"]):
        raise ArtifactRefused(f"The artifact lacks quantiles of {', '.join(sorted(lacking))}.", remedy=remedy)
    return learned


def _is_whole(level: dict[str, Any]) -> bool:
    cells = level["cells"]
    numbers = (level["centre"], level["spread"], *(value for row in cells.values() for value in row))
    whole = {str(edge) for edge in EDGES} == set(cells) and {len(row) for row in cells.values()} == {len(PROBABILITIES)}
    return whole and all(isinstance(number, int | float) for number in numbers)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a value rests on."""

    level: str
    n: int
    value: float
    as_of: datetime
    reason: str


def _answer(question: PriceQuestion, learned: dict[str, Any]) -> PriceAnswer | NoAnswer:
    earlier = tuple(sale for sale in question.comparables if sale.sold_at < question.at)
    level, used = comparables_at(question.section, question.zone, earlier)
    place = bisect_right(learned["moments"], question.known_by or question.at) - 1
    basis = _of_game(level, used) if used else _of_history(question, learned, place)
    if basis is None:
        return NoAnswer("no sale of this game, and no history of this section that was known by then")
    known = learned["known"][place] if place >= 0 else {"levels": None, "measured": {}}
    spread = own_spread(game_residuals("", earlier), known["levels"])
    found = factors(known["levels"], basis.level, basis.n, spread)
    quantiles = {p: _money(basis.value * math.exp(factor)) for p, factor in found.items()}
    measured = known["measured"].get(basis.level)
    stated = () if known["levels"] else ("interval stated, not learned: nothing was on record by then",)
    return PriceAnswer(
        value=_money(basis.value), quantiles=quantiles, lower=quantiles[LOWER], upper=quantiles[UPPER],
        coverage=COVERAGE, n=basis.n, level=basis.level, data_as_of=basis.as_of, reasons=(basis.reason, *stated),
        measured=None if measured is None else Decimal(str(measured["coverage"])), evidence=_evidence(earlier, used),
    )  # fmt: skip


def _of_game(level: str, used: tuple[Comparable, ...]) -> _Basis:
    value = fmean(float(sale.price) for sale in used)
    return _Basis(level, len(used), value, max(s.sold_at for s in used), _said(len(used), level))


def _said(n: int, level: str) -> str:
    return f"mean of {n} sales of this {level}" if n != 1 else f"the one sale of this {level}"


def _of_history(question: PriceQuestion, learned: dict[str, Any], place: int) -> _Basis | None:
    rows = learned["sections"].get(question.venue, {}).get(question.section, [])
    known = [row for row in rows if row["cutoff"] <= place]
    if not known:
        return None
    newest, moved = known[-1], question.at - (question.known_by or question.at)
    reason = f"median of {newest['n']} past sales of this section; nothing of this game was sold yet"
    as_of = datetime.fromisoformat(newest["last"]) + moved
    return _Basis("history", int(newest["n"]), float(newest["median"]), as_of, reason)


def _evidence(earlier: tuple[Comparable, ...], used: tuple[Comparable, ...]) -> Evidence:
    taken = set(used)
    elsewhere = tuple(sale for sale in earlier if sale not in taken)
    return Evidence(used, (("elsewhere", elsewhere),) if elsewhere else ())


def _money(value: float) -> Decimal:
    return round_money(Decimal(repr(value)))


def comparables_at(section: str, zone: str, comparables: Iterable[Comparable]) -> tuple[str, tuple[Comparable, ...]]:
    """The nearest level with a sale, and its sales; `history` and none where there is no sale."""
    sales = tuple(comparables)
    same_section = tuple(sale for sale in sales if section and sale.section == section)
    if same_section:
        return "section", same_section
    same_zone = tuple(sale for sale in sales if zone and sale.zone == zone)
    if same_zone:
        return "zone", same_zone
    return ("game", sales) if sales else ("history", ())


@dataclass(slots=True)
class _SoFar:
    """Count and sum of a game's sales by section, zone and in all."""

    sums: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)

    def add(self, section: str, zone: str, price: float) -> None:
        for key in (("section", section), ("zone", zone), ("game", "")):
            n, total = self.sums.get(key, (0, 0.0))
            self.sums[key] = (n + 1, total + price)

    def expected(self, section: str, zone: str) -> tuple[str, int, float] | None:
        for level, name in (("section", section), ("zone", zone)):
            if name and (level, name) in self.sums:
                n, total = self.sums[level, name]
                return level, n, total / n
        if ("game", "") not in self.sums:
            return None
        n, total = self.sums["game", ""]
        return "game", n, total / n


def game_residuals(game: str, sales: Iterable[Comparable | TrainingSale]) -> list[Residual]:
    """Of every sale of one game but the first: its distance from what strictly earlier ones let expect."""
    so_far, found = _SoFar(), []
    for at, together in groupby(sorted(sales, key=lambda sale: sale.sold_at), key=lambda sale: sale.sold_at):
        batch = list(together)
        for sale in batch:
            expected = so_far.expected(sale.section, sale.zone)
            if expected is not None:
                level, n, value = expected
                found.append(Residual(game, at, level, n, math.log(float(sale.price) / value)))
        for sale in batch:
            so_far.add(sale.section, sale.zone, float(sale.price))
    return found


def residuals_of(rows: Sequence[TrainingSale]) -> list[Residual]:
    """Every sale against its own game's earlier sales, and against its section's history in other games."""
    by_game: dict[str, list[TrainingSale]] = defaultdict(list)
    by_section: dict[tuple[str, str], list[TrainingSale]] = defaultdict(list)
    for row in rows:
        by_game[row.game].append(row)
        by_section[row.venue, row.section].append(row)
    found = [residual for game, sales in by_game.items() for residual in game_residuals(game, sales)]
    for sales in by_section.values():
        for sale in sales:
            past = [float(s.price) for s in sales if s.game != sale.game and s.sold_at < sale.sold_at]
            if past:
                value = math.log(float(sale.price) / median(past))
                found.append(Residual(sale.game, sale.sold_at, "history", len(past), value))
    return sorted(found, key=lambda residual: residual.at)


def _cutoffs(
    sold: Sequence[datetime], residual_at: Sequence[datetime], first: datetime, last: datetime
) -> list[datetime]:
    """Mondays (UTC) by which the record had grown, and the moment after its last sale; each excludes what is later."""
    moments, counts = sorted(sold), sorted(residual_at)
    monday = (first - timedelta(days=first.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    found, size = [], 0
    while (monday := monday + timedelta(weeks=1)) < last:
        n = bisect_right(moments, monday - timedelta(microseconds=1))
        if n > size * GROWTH and bisect_right(counts, monday - timedelta(microseconds=1)) >= FEWEST:
            found.append(monday)
            size = n
    return [*found, last + timedelta(seconds=1)]


def _known_by(cutoffs: Sequence[datetime], residuals: Sequence[Residual]) -> list[dict[str, Any]]:
    """At each cut-off: intervals from the residuals before it, and how intervals of earlier cut-offs had covered."""
    known: list[dict[str, Any]] = []
    scored: dict[str, list[bool]] = defaultdict(list)
    for before, moment in pairwise([None, *cutoffs]):
        earlier = [residual for residual in residuals if moment and residual.at < moment]
        if known and before and known[-1]["levels"]:
            _score(known[-1]["levels"], earlier, before, scored)
        levels = calibrated(earlier, LEVELS) if len(earlier) >= FEWEST else None
        known.append({"levels": levels, "measured": _measured(scored)})
    return known


def _score(levels: dict[str, Any], earlier: list[Residual], since: datetime, scored: dict[str, list[bool]]) -> None:
    for residual, spread in sorted(own_spreads(earlier, levels), key=lambda pair: pair[0].at):
        if residual.at >= since:
            found = factors(levels, residual.level, residual.n, spread)
            scored[residual.level].append(found[LOWER] <= residual.value <= found[UPPER])


def _measured(scored: dict[str, list[bool]]) -> dict[str, dict[str, float]]:
    last = {level: rows[-MEASURED:] for level, rows in scored.items() if len(rows) >= FEWEST}
    return {level: {"n": len(rows), "coverage": round(sum(rows) / len(rows), 3)} for level, rows in last.items()}


def _section_medians(
    rows: Sequence[TrainingSale], cutoffs: Sequence[datetime]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By venue and section: the median at each cut-off by which it had another sale."""
    by_section: dict[tuple[str, str], list[TrainingSale]] = defaultdict(list)
    for row in rows:
        by_section[row.venue, row.section].append(row)
    medians: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for (venue, section), sales in sorted(by_section.items()):
        history: list[dict[str, Any]] = []
        for place, moment in enumerate(cutoffs):
            past = [sale for sale in sales if sale.sold_at < moment]
            if past and (not history or history[-1]["n"] < len(past)):
                middle = round(median(float(sale.price) for sale in past), 2)
                last = max(sale.sold_at for sale in past).isoformat()
                history.append({"cutoff": place, "median": middle, "n": len(past), "last": last})
        medians.setdefault(venue, {})[section] = history
    return medians


PREDICTOR = PriceBroker()
