"""The market as last observed: figures of games, with their sample size and age."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from seatsync.core.money import round_money


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """One game's asks as last observed. Prices per ticket in USD, seller's list price; `n` offers at `as_of` (UTC)."""

    game_id: uuid.UUID
    get_in: Decimal
    median: Decimal
    n: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LastSales:
    """One game's newest completed sales of strangers: median list price (USD per ticket) of `n`, newest at `as_of`."""

    game_id: uuid.UUID
    median: Decimal
    n: int
    as_of: datetime


# The newest observation of each platform counts, whatever came before it is history.
_LATEST = """
WITH newest AS (
  SELECT game_id, platform, max("time") AS "time" FROM market_snapshots
  WHERE kind = 'ask' AND price_basis = 'list' AND currency = 'USD' AND game_id = ANY(%s) GROUP BY game_id, platform
)
SELECT s.game_id, min(s.price), percentile_cont(0.5) WITHIN GROUP (ORDER BY s.price), count(*), max(s."time")
FROM market_snapshots s JOIN newest n USING (game_id, platform, "time")
WHERE s.kind = 'ask' AND s.price_basis = 'list' AND s.currency = 'USD' {extra}
GROUP BY s.game_id
"""


def market_of_games(game_ids: Collection[uuid.UUID], *, zone: str = "") -> dict[uuid.UUID, MarketFigures]:
    """Each game's get-in and median ask (optionally of one zone), in one query; games without offers are absent."""
    extra = "AND s.zone = %s" if zone else ""
    params: list[Any] = [list(game_ids), *([zone] if zone else [])]
    with connection.cursor() as cursor:
        cursor.execute(_LATEST.format(extra=extra), params)
        rows = cursor.fetchall()
    return {
        game_id: MarketFigures(game_id, round_money(get_in), round_money(Decimal(str(median))), n, as_of)
        for game_id, get_in, median, n, as_of in rows
    }


# The sales of the week that ends with a game's newest one: older ones say what it was worth then.
_LAST_SALES = """
WITH newest AS (
  SELECT game_id, max("time") AS "time" FROM market_snapshots
  WHERE kind = 'print' AND price_basis = 'list' AND currency = 'USD' AND game_id = ANY(%s) GROUP BY game_id
)
SELECT s.game_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.price), count(*), n."time"
FROM market_snapshots s JOIN newest n ON s.game_id = n.game_id AND s."time" > n."time" - INTERVAL '7 days'
WHERE s.kind = 'print' AND s.price_basis = 'list' AND s.currency = 'USD'
GROUP BY s.game_id, n."time"
"""


def last_sales_of_games(game_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, LastSales]:
    """Each game's sales of its newest week, in one query; games without a sale are absent."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_SALES, [list(game_ids)])
        rows = cursor.fetchall()
    return {
        game_id: LastSales(game_id, round_money(Decimal(str(median))), n, as_of) for game_id, median, n, as_of in rows
    }
