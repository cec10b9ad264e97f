"""Filtering and ordering a season's rows as the URL asks."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics.selectors.overview import GameRow
from seatsync.core.clock import now

_SHOW: dict[str, Callable[[GameRow, datetime], bool]] = {
    "coming": lambda row, at: row.game.starts_at > at,
    "open": lambda row, at: row.game.starts_at > at and any(s.css == "available" for s in row.seats),
    "listed": lambda row, _at: bool(row.listings or row.practice_listings),
    "sold": lambda row, _at: row.sold_seats + row.practised > 0,
    "kept": lambda row, _at: any(s.state == "attending" for s in row.seats),
}
_SORT: dict[str, Callable[[GameRow], Any]] = {
    "date": lambda row: row.game.starts_at,
    "opponent": lambda row: (row.game.opponent.name, row.game.starts_at),
    "cost": lambda row: row.cost,
    "market": lambda row: row.market.median if row.market else None,
    "suggestion": lambda row: row.suggestion.predicted_value if row.suggestion else None,
    "ask": lambda row: row.lowest_ask,
    "sold": lambda row: row.sold_proceeds if row.result is not None else None,
    "result": lambda row: row.result,
}


def rows_shown(rows: list[GameRow], *, show: str = "", opponent: str = "", sort: str = "") -> list[GameRow]:
    """The rows that the filter lets through, sorted; rows without the sorted figure come last either way.

    Unsorted, the coming games stand first, then the played ones, the latest on top.
    """
    at = now()
    test = _SHOW.get(show)
    text = opponent.strip().lower()
    kept = [
        row for row in rows
        if (test is None or test(row, at))
        and (not text or text in f"{row.game.opponent.name} {row.game.opponent.abbreviation}".lower())
    ]  # fmt: skip
    if not sort:
        coming = [row for row in kept if row.game.starts_at > at]
        played = [row for row in kept if row.game.starts_at <= at]
        return [*coming, *reversed(played)]
    key = _SORT.get(sort.lstrip("-"), _SORT["date"])
    known = sorted((row for row in kept if key(row) is not None), key=key, reverse=sort.startswith("-"))
    return [*known, *(row for row in kept if key(row) is None)]


def sold_total(rows: list[GameRow]) -> Decimal:
    """Proceeds over these rows, of the market that they are of."""
    return sum((row.sold_proceeds for row in rows), Decimal("0.00"))
