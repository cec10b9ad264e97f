"""Fitting the paper market: log price = zone by time to game + shrunken opponent, weekday and game terms (ridge).

Each zone has a curve over bins of time to game, shrunk to the curve of all zones together. Eleven home games identify
little of opponents and weekdays: these are shrunk hard, what is left of a game is a term of its own, and how far games
lie from what the others let expect (leave one game out) is the spread of the effects that are drawn for new games.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, median, pvariance
from typing import Any

import numpy as np
import numpy.typing as npt

from intelligence.market_model.lead import EDGES, bin_of

Floats = npt.NDArray[np.float64]
Terms = dict[tuple[str, str], float]
# Ridge penalties in units of one observation's weight: a level shared by thousands of sales needs none, a term that
# eleven games must share needs much.
PENALTY = {"zone": 0.5, "bin": 1.0, "zone_bin": 10.0, "opponent": 100.0, "weekday": 100.0, "game": 400.0}
# The errors are shown by these coarser spans of days to the game.
SPANS = (0.0, 1.0, 4.0, 14.0, 400.0)
SPREAD_FEWEST = 30
GAME_KINDS = ("opponent", "weekday", "game")


@dataclass(frozen=True, slots=True)
class Observation:
    """One sale: price in USD per ticket, days from sale to game, weekday of the game (0 Monday, local)."""

    game: str
    zone: str
    opponent: str
    weekday: int
    days: float
    price: float
    sold_at: datetime


def _terms(row: Observation) -> tuple[tuple[str, str], ...]:
    place = str(bin_of(row.days))
    return (
        ("zone", row.zone), ("bin", place), ("zone_bin", f"{row.zone}|{place}"), ("opponent", row.opponent),
        ("weekday", str(row.weekday)), ("game", row.game),
    )  # fmt: skip


def coefficients(rows: Sequence[Observation]) -> Terms:
    """Ridge estimates around the overall mean of log price."""
    columns = sorted({term for row in rows for term in _terms(row)})
    place = {column: index for index, column in enumerate(columns)}
    matrix = np.zeros((len(rows), len(columns)))
    for line, row in enumerate(rows):
        matrix[line, [place[term] for term in _terms(row)]] = 1.0
    target = np.log(np.array([row.price for row in rows]))
    mean = float(target.mean())
    penalty = np.diag([PENALTY[kind] for kind, _ in columns])
    solved = np.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ (target - mean))
    return {("mean", ""): mean, **{column: float(value) for column, value in zip(columns, solved, strict=True)}}


def predict_log(row: Observation, terms: Terms) -> float:
    """The expected log price; a zone, opponent, weekday or game that was never seen adds nothing."""
    return terms["mean", ""] + math.fsum(terms.get(term, 0.0) for term in _terms(row))


@dataclass(frozen=True, slots=True)
class _Held:
    """A sale of a game that the fit did not see."""

    row: Observation
    predicted: float
    baseline: float


def _held_out(rows: Sequence[Observation]) -> list[_Held]:
    found = []
    for game in sorted({row.game for row in rows}):
        rest = [row for row in rows if row.game != game]
        terms, medians = coefficients(rest), _zone_medians(rest)
        overall = median(row.price for row in rest)
        found += [
            _Held(row, math.exp(predict_log(row, terms)), medians.get(row.zone, overall))
            for row in rows
            if row.game == game
        ]
    return found


def _zone_medians(rows: Sequence[Observation]) -> dict[str, float]:
    by_zone: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_zone[row.zone].append(row.price)
    return {zone: median(prices) for zone, prices in by_zone.items()}


def _errors(held: Sequence[_Held]) -> dict[str, Any]:
    """In USD, all and by zone and span of days, beside the zone's median in the other games."""
    cells: dict[str, list[_Held]] = defaultdict(list)
    for item in held:
        span = bin_of(item.row.days, SPANS)
        cells["all"].append(item)
        cells[f"{item.row.zone}, {SPANS[span]:g} to {SPANS[span + 1]:g} days"].append(item)
    return {name: _figures(items) for name, items in sorted(cells.items()) if len(items) >= SPREAD_FEWEST}


def _figures(items: Sequence[_Held]) -> dict[str, Any]:
    paid = math.fsum(item.row.price for item in items)
    found: dict[str, Any] = {"n": len(items)}
    for name in ("predicted", "baseline"):
        errors = [abs(item.row.price - getattr(item, name)) for item in items]
        found[name] = {
            "mae": round(fmean(errors), 2),
            "median_ae": round(median(errors), 2),
            "wmape": round(math.fsum(errors) / paid, 4),
        }
    return found


def fitted(rows: Sequence[Observation], *, observed_until: datetime) -> dict[str, Any]:
    """The parameters that ship. `observed_until`: where the record ends (UTC); a later game is seen in part."""
    terms, held = coefficients(rows), _held_out(rows)
    zones = Counter(row.zone for row in rows)
    rates, per_game = _rates(rows, observed_until)
    return {
        "n": len(rows),
        "games": len({row.game for row in rows}),
        "first": min(row.sold_at for row in rows).isoformat(),
        "last": max(row.sold_at for row in rows).isoformat(),
        "lead_edges": list(EDGES),
        "curves": {zone: _curve(zone, terms) for zone in sorted(zones)},
        "opponent": {name: round(value, 5) for (kind, name), value in terms.items() if kind == "opponent"},
        "weekday": {name: round(value, 5) for (kind, name), value in terms.items() if kind == "weekday"},
        "spread": _spread(rows, terms),
        "game_spread": _game_spread(held),
        "zone_share": {zone: round(count / len(rows), 5) for zone, count in sorted(zones.items())},
        "sales_per_game_day": rates,
        "crowd": _crowd(rows, terms, per_game),
        "errors_leave_one_game_out": _errors(held),
    }


def _curve(zone: str, terms: Terms) -> list[float]:
    """The zone's log price in each bin."""
    level = terms["mean", ""] + terms.get(("zone", zone), 0.0)
    return [
        round(level + terms.get(("bin", str(place)), 0.0) + terms.get(("zone_bin", f"{zone}|{place}"), 0.0), 5)
        for place in range(len(EDGES) - 1)
    ]


def _spread(rows: Sequence[Observation], terms: Terms) -> dict[str, float]:
    """Standard deviation of log price around the fit, by zone; of all where a zone has few sales."""
    residuals: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        residuals[row.zone].append(math.log(row.price) - predict_log(row, terms))
    everything = [value for values in residuals.values() for value in values]
    return {
        zone: round(float(np.std(values if len(values) >= SPREAD_FEWEST else everything)), 4)
        for zone, values in sorted(residuals.items())
    }


def _game_spread(held: Sequence[_Held]) -> float:
    """Standard deviation between games of log price around what the other games let expect."""
    by_game: dict[str, list[float]] = defaultdict(list)
    for item in held:
        by_game[item.row.game].append(math.log(item.row.price / item.predicted))
    return round(math.sqrt(pvariance([fmean(values) for values in by_game.values()])), 4)


def _rates(rows: Sequence[Observation], observed_until: datetime) -> tuple[list[float], dict[str, float]]:
    """Sales a game and day by bin, over the days that were observed; and each game's sales against these."""
    starts = {row.game: row.sold_at + timedelta(days=row.days) for row in rows}
    ahead = {game: max(0.0, (start - observed_until).total_seconds() / 86_400) for game, start in starts.items()}
    counts = Counter(bin_of(row.days) for row in rows)
    spans = list(pairwise(EDGES))
    seen = {game: [max(0.0, far - max(near, unseen)) for near, far in spans] for game, unseen in ahead.items()}
    observed = [math.fsum(days[place] for days in seen.values()) for place in range(len(spans))]
    rates = [counts[place] / days if days else 0.0 for place, days in enumerate(observed)]
    sold = Counter(row.game for row in rows)
    per_game = {
        game: sold[game] / math.fsum(rate * days for rate, days in zip(rates, seen[game], strict=True)) for game in seen
    }
    return [round(rate, 4) for rate in rates], per_game


def _crowd(rows: Sequence[Observation], terms: Terms, per_game: dict[str, float]) -> dict[str, float]:
    """How a game's sales against the usual go with its price level (dear games sell more), and what is left of it.

    log sales = `base` + `by_level` x log price level; the rest is a gamma of mean 1 and `shape`.
    """
    levels = {row.game: math.fsum(terms[term] for term in _terms(row) if term[0] in GAME_KINDS) for row in rows}
    level = np.array([levels[game] for game in per_game])
    sold = np.array(list(per_game.values()))
    by_level, base = np.polyfit(level, np.log(sold), 1) if len(sold) > 2 else (0.0, 0.0)
    left = sold / np.exp(base + by_level * level)
    return {
        "base": round(float(base + np.log(left.mean())), 4),
        "by_level": round(float(by_level), 4),
        "shape": round(1 / max(float((left / left.mean()).var()), 0.001), 3),
    }
