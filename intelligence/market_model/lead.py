"""Time to the game in days: bins and their middles. No Django here."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 7.0, 14.0, 30.0, 60.0, 120.0, 400.0)


def bin_of(days: float, edges: Sequence[float] = EDGES) -> int:
    """The bin that holds so many days before the game; the outer ones hold what lies beyond."""
    return min(max(bisect_right(edges, days) - 1, 0), len(edges) - 2)


def middles(edges: Sequence[float] = EDGES) -> tuple[float, ...]:
    """The bins' middles on the scale log(1 + days)."""
    scaled = [math.log1p(edge) for edge in edges]
    return tuple((near + far) / 2 for near, far in pairwise(scaled))


MIDDLES = middles()
