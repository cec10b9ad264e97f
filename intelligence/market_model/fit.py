"""Fitting the paper market: log price = zone x days to game + shrunken opponent and weekday terms (ridge).

Eleven home games identify no more than that: the game-level terms are shrunk hard, and the errors are those of games
that the fit did not see (leave one game out).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Ridge penalties in units of one observation's weight: a level shared by thousands of sales needs none, a term that
# eleven games must share needs much.
PENALTY = {"zone": 0.5, "lead": 0.1, "zone_lead": 20.0, "opponent": 400.0, "weekday": 400.0}
LEAD_EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 7.0, 14.0, 30.0, 60.0, 120.0, 400.0)


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


def _columns(rows: Sequence[Observation]) -> list[tuple[str, str]]:
    zones = sorted({row.zone for row in rows})
    names = [("zone", zone) for zone in zones] + [("lead", "")] + [("zone_lead", zone) for zone in zones]
    names += [("opponent", name) for name in sorted({row.opponent for row in rows})]
    return names + [("weekday", str(day)) for day in range(7)]


def _design(rows: Sequence[Observation], columns: Sequence[tuple[str, str]]) -> Floats:
    place = {column: index for index, column in enumerate(columns)}
    matrix = np.zeros((len(rows), len(columns)))
    for line, row in enumerate(rows):
        lead = math.log1p(max(row.days, 0.0))
        terms = {
            ("zone", row.zone): 1.0, ("lead", ""): lead, ("zone_lead", row.zone): lead,
            ("opponent", row.opponent): 1.0, ("weekday", str(row.weekday)): 1.0,
        }  # fmt: skip
        for term, value in terms.items():
            if term in place:
                matrix[line, place[term]] = value
    return matrix


def coefficients(rows: Sequence[Observation]) -> dict[tuple[str, str], float]:
    """Ridge estimates around the overall mean of log price."""
    columns = _columns(rows)
    matrix = _design(rows, columns)
    target = np.log(np.array([row.price for row in rows]))
    mean = float(target.mean())
    penalty = np.diag([PENALTY[kind] for kind, _ in columns])
    solved = np.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ (target - mean))
    return {("mean", ""): mean, **{column: float(value) for column, value in zip(columns, solved, strict=True)}}


def predict_log(row: Observation, terms: dict[tuple[str, str], float]) -> float:
    """The expected log price; a zone, opponent or weekday that was never seen adds nothing."""
    lead = math.log1p(max(row.days, 0.0))
    return (
        terms[("mean", "")]
        + terms.get(("zone", row.zone), 0.0)
        + (terms[("lead", "")] + terms.get(("zone_lead", row.zone), 0.0)) * lead
        + terms.get(("opponent", row.opponent), 0.0)
        + terms.get(("weekday", str(row.weekday)), 0.0)
    )


def leave_one_game_out(rows: Sequence[Observation]) -> dict[str, Any]:
    """Errors in USD on games the fit did not see, beside the other games' zone median."""
    errors, baseline, prices = [], [], []
    for game in sorted({row.game for row in rows}):
        rest, held = [row for row in rows if row.game != game], [row for row in rows if row.game == game]
        terms, medians = coefficients(rest), _zone_medians(rest)
        overall = median(row.price for row in rest)
        for row in held:
            errors.append(abs(row.price - math.exp(predict_log(row, terms))))
            baseline.append(abs(row.price - medians.get(row.zone, overall)))
            prices.append(row.price)
    return {
        "n": len(errors),
        "model": _figures(errors, prices),
        "zone_median": _figures(baseline, prices),
    }


def _figures(errors: list[float], prices: list[float]) -> dict[str, float]:
    return {
        "mae": round(math.fsum(errors) / len(errors), 2),
        "median_ae": round(median(errors), 2),
        "wmape": round(math.fsum(errors) / math.fsum(prices), 4),
    }


def _zone_medians(rows: Sequence[Observation]) -> dict[str, float]:
    by_zone: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_zone[row.zone].append(row.price)
    return {zone: median(prices) for zone, prices in by_zone.items()}


def fitted(rows: Sequence[Observation]) -> dict[str, Any]:
    """The parameters that ship: terms, residual spread by zone, zone shares, sales a game and day by time to game."""
    terms = coefficients(rows)
    residuals: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        residuals[row.zone].append(math.log(row.price) - predict_log(row, terms))
    everything = [value for values in residuals.values() for value in values]
    games = len({row.game for row in rows})
    zones = Counter(row.zone for row in rows)
    buckets = Counter(_bucket(row.days) for row in rows)
    return {
        "n": len(rows),
        "games": games,
        "first": min(row.sold_at for row in rows).isoformat(),
        "last": max(row.sold_at for row in rows).isoformat(),
        "terms": [[kind, name, round(value, 5)] for (kind, name), value in terms.items()],
        "spread": {
            zone: round(float(np.std(values if len(values) >= 30 else everything)), 4)
            for zone, values in sorted(residuals.items())
        },
        "zone_share": {zone: round(count / len(rows), 5) for zone, count in sorted(zones.items())},
        "lead_edges": list(LEAD_EDGES),
        "sales_per_game_day": [
            round(buckets[index] / games / (LEAD_EDGES[index + 1] - LEAD_EDGES[index]), 4)
            for index in range(len(LEAD_EDGES) - 1)
        ],
        "errors_leave_one_game_out": leave_one_game_out(rows),
    }


def _bucket(days: float) -> int:
    inside = [index for index in range(len(LEAD_EDGES) - 1) if LEAD_EDGES[index] <= days < LEAD_EDGES[index + 1]]
    return inside[0] if inside else (0 if days < 0 else len(LEAD_EDGES) - 2)
