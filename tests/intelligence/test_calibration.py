"""Intervals: each game weighs the same, a larger n is never wider, and a restless game widens its own."""

import math
import random
from datetime import UTC, datetime, timedelta

from intelligence.calibration import EDGES, Residual, calibrated, factors, own_spread

START = datetime(2025, 6, 1, tzinfo=UTC)


def drawn(game: str, count: int, spread: float, *, n: int = 3, seed: int = 1, level: str = "section") -> list[Residual]:
    chance = random.Random(seed)
    return [
        Residual(game, START + timedelta(minutes=step), level, n, chance.gauss(0.0, spread)) for step in range(count)
    ]


def width(levels: dict, n: int, own: float = 1.0, *, level: str = "section") -> float:
    found = factors(levels, level, n, own)
    return found[0.9] - found[0.1]


def test_a_busy_game_weighs_no_more_than_a_quiet_one() -> None:
    """Nine of ten sales are of one calm game; the interval is as wide as for one calm and one restless game."""
    calm, restless = drawn("calm", 100, 0.1, level="game"), drawn("restless", 100, 0.4, seed=2, level="game")
    busy, even = calibrated(calm * 9 + restless, ["game"]), calibrated(calm + restless, ["game"])
    assert math.isclose(width(busy, 3, level="game"), width(even, 3, level="game"), rel_tol=0.02)
    assert width(busy, 3, level="game") > 2 * width(calibrated(calm, ["game"]), 3, level="game")


def test_more_sales_never_widen_and_one_sale_is_widest() -> None:
    """The cell of eight to fifteen is drawn wider than its neighbours: it is pooled with them."""
    residuals = [
        residual
        for game in range(20)
        for n, spread in ((1, 0.5), (2, 0.3), (4, 0.2), (8, 0.4), (16, 0.2), (32, 0.15))
        for residual in drawn(f"g{game}", 30, spread, n=n, seed=100 * game + n)
    ]
    levels = calibrated(residuals, ["section"])
    widths = [width(levels, n) for n in EDGES]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 1.25 * width(levels, 30)


def test_quantiles_are_in_order_in_every_cell() -> None:
    levels = calibrated(drawn("one", 60, 0.3) + drawn("two", 70, 0.2, n=1, seed=3), ["section"])
    for row in levels["section"]["cells"].values():
        assert row == sorted(row)


def test_a_restless_game_has_a_wider_interval_and_a_calm_one_a_narrower() -> None:
    levels = calibrated(drawn("one", 200, 0.3) + drawn("two", 200, 0.3, seed=2), ["section"])
    restless, calm = drawn("new", 50, 0.6, seed=4), drawn("new", 50, 0.1, seed=4)
    assert own_spread([], levels) == 1.0
    assert width(levels, 3, own_spread(restless, levels)) > 1.3 * width(levels, 3)
    assert width(levels, 3, own_spread(calm, levels)) < 0.8 * width(levels, 3)


def test_what_was_never_learned_is_stated_wide() -> None:
    many, one = factors(None, "section", 1000, 1.0), factors(None, "section", 1, 1.0)
    assert math.isclose(many[0.9], math.log(2), rel_tol=0.01)
    assert one[0.9] > 1.3 * many[0.9]
