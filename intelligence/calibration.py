"""How far a price falls from what was expected: intervals by level and sample size, each game weighing the same.

A residual is log(price / expected). A level's residuals are set about its centre and divided by its spread times the
game's own: how restless that game's sales were until then, shrunk to 1. Their quantiles are taken in cells of n, and a
larger n never has a wider interval than a smaller one. A new game is one more game, not some hundred more sales: hence
the equal weights, which widen the interval beyond what the busiest games would say.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist, fmean, median
from typing import Any

PROBABILITIES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
# A cell holds the sample sizes from its edge up to the next.
EDGES = (1, 2, 4, 8, 16, 32)
# Fewer residuals than this say little about tails: then the level's together are used, and then all levels'.
FEWEST = 50
# A cell's own quantiles count as much as its level's when this many games have sales in it.
CELL_GAMES = 10.0
# The game's own spread counts as much as the level's after so many sales; one sale counts at most as CLIP spreads.
OWN_WEIGHT, CLIP = 30.0, 5.0
# Levels whose residuals tell of a game's restlessness; across zones they tell of zones.
OWN_LEVELS = frozenset({"section", "zone"})
# Stated, where nothing was learned by then: with many sales, 80 % lie between half and double.
PRIOR_SPREAD = math.log(2) / NormalDist().inv_cdf(0.9)

Levels = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Residual:
    """log(price / expected) of one sale, expected at `level` from `n` strictly earlier ones."""

    game: str
    at: datetime
    level: str
    n: int
    value: float


def calibrated(residuals: Sequence[Residual], names: Sequence[str]) -> Levels:
    """By level: centre, spread, n and games, and quantiles by cell of the residuals in these units."""
    levels: Levels = {name: _base([r for r in residuals if r.level == name] or residuals) for name in names}
    unit = _in_units(residuals, levels)
    for name, level in levels.items():
        own = [pair for pair in unit if pair[0].level == name]
        level |= {"n": len(own), "games": len({residual.game for residual, _ in own})}
        level["cells"] = _cells(own, own if len(own) >= FEWEST else unit)
    return levels


def factors(levels: Levels | None, level: str, n: int, own_spread: float) -> dict[float, float]:
    """log(quantile / expected) by probability; the stated ones where no levels are known."""
    if levels is None:
        spread = PRIOR_SPREAD * math.sqrt(1 + 1 / n)
        return {p: spread * NormalDist().inv_cdf(p) for p in PROBABILITIES}
    found = levels[level]
    scale = found["spread"] * own_spread
    return dict(zip(PROBABILITIES, (found["centre"] + scale * unit for unit in found["cells"][_cell(n)]), strict=True))


def own_spread(earlier: Iterable[Residual], levels: Levels | None) -> float:
    """How restless a game was until now, 1 for a usual one."""
    parts = [_distance(residual, levels) for residual in earlier if residual.level in OWN_LEVELS] if levels else []
    return (OWN_WEIGHT + math.fsum(parts)) / (OWN_WEIGHT + len(parts))


def _distance(residual: Residual, levels: Levels) -> float:
    level = levels[residual.level]
    return float(min(abs(residual.value - level["centre"]) / level["spread"], CLIP))


def _base(residuals: Sequence[Residual]) -> dict[str, Any]:
    centre = round(median(residual.value for residual in residuals), 5)
    spread = fmean(abs(residual.value - centre) for residual in residuals)
    return {"centre": centre, "spread": round(max(spread, 0.01), 5)}


def _in_units(residuals: Sequence[Residual], levels: Levels) -> list[tuple[Residual, float]]:
    found = []
    for residual, spread in own_spreads(residuals, levels):
        level = levels[residual.level]
        found.append((residual, (residual.value - level["centre"]) / (level["spread"] * spread)))
    return found


def own_spreads(residuals: Iterable[Residual], levels: Levels) -> list[tuple[Residual, float]]:
    """Each residual with its game's own spread as known strictly before it."""
    by_game: dict[str, list[Residual]] = defaultdict(list)
    for residual in residuals:
        by_game[residual.game].append(residual)
    found = []
    for game in by_game.values():
        ordered = sorted(game, key=lambda residual: residual.at)
        moments = [residual.at for residual in ordered]
        total, count, sums = 0.0, 0, [(0.0, 0)]
        for residual in ordered:
            if residual.level in OWN_LEVELS:
                total, count = total + _distance(residual, levels), count + 1
            sums.append((total, count))
        for residual in ordered:
            before, number = sums[_first(moments, residual.at)]
            found.append((residual, (OWN_WEIGHT + before) / (OWN_WEIGHT + number)))
    return found


def _first(moments: Sequence[datetime], at: datetime) -> int:
    """How many lie strictly before `at`; `moments` are sorted."""
    place = bisect_right(moments, at)
    while place and moments[place - 1] == at:
        place -= 1
    return place


def _cell(n: int) -> str:
    return str(EDGES[bisect_right(EDGES, n) - 1])


def _cells(own: list[tuple[Residual, float]], enough: list[tuple[Residual, float]]) -> dict[str, list[float]]:
    by_cell: dict[str, list[tuple[Residual, float]]] = {str(edge): [] for edge in EDGES}
    for pair in own:
        by_cell[_cell(pair[0].n)].append(pair)
    whole = _quantiles(enough)
    rows = [_shrunk(pairs, whole) for pairs in by_cell.values()]
    weights = [max(1, len(pairs)) for pairs in by_cell.values()]
    columns = [_narrowing(p, column, weights) for p, column in zip(PROBABILITIES, zip(*rows, strict=True), strict=True)]
    cells = zip(*columns, strict=True)
    return {cell: [round(value, 4) for value in sorted(row)] for cell, row in zip(by_cell, cells, strict=True)}


def _shrunk(pairs: Sequence[tuple[Residual, float]], whole: Sequence[float]) -> list[float]:
    """A cell's quantiles, towards its level's the fewer games it has."""
    if len(pairs) < FEWEST:
        return list(whole)
    games = len({residual.game for residual, _ in pairs})
    share = games / (games + CELL_GAMES)
    return [share * own + (1 - share) * level for own, level in zip(_quantiles(pairs), whole, strict=True)]


def _narrowing(p: float, column: Sequence[float], weights: Sequence[int]) -> list[float]:
    """Towards the middle as n grows: pool adjacent violators."""
    sign = 1 if p < 0.5 else -1
    blocks: list[tuple[float, int, int]] = []
    for value, weight in zip(column, weights, strict=True):
        block = (sign * value, weight, 1)
        while blocks and (blocks[-1][0] > block[0] or p == 0.5):
            mean, mass, cells = blocks.pop()
            together = mass + block[1]
            block = ((mean * mass + block[0] * block[1]) / together, together, cells + block[2])
        blocks.append(block)
    return [sign * mean for mean, _, cells in blocks for _ in range(cells)]


def _quantiles(pairs: Sequence[tuple[Residual, float]]) -> list[float]:
    """Quantiles in which every game has the same weight."""
    sizes: dict[str, int] = defaultdict(int)
    for residual, _ in pairs:
        sizes[residual.game] += 1
    ordered = sorted((unit, 1 / sizes[residual.game] / len(sizes)) for residual, unit in pairs)
    found, mass, place = [], 0.0, -1
    for p in PROBABILITIES:
        while place < 0 or (mass < p - 1e-9 and place < len(ordered) - 1):
            place += 1
            mass += ordered[place][1]
        found.append(ordered[place][0])
    return found
