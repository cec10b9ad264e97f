"""How long it took until a sold seat was on sale nowhere else, from the sale itself and from the first word of it."""

import uuid
from collections import defaultdict
from typing import Any

from django.db.models import F

from listings.models import Sale, SaleState
from seatsync.bench.report import percentile
from seatsync.chaos.books import Books, Row, promised

# Seconds are the simulator's, from one and the same clock.
_Times = dict[str, list[float]]


def notice_to_last_delist() -> dict[str, Any]:
    """In ms, as kept on our sales; those of seats that were offered nowhere else are left out."""
    times: _Times = defaultdict(list)
    sales = Sale.objects.exclude(state=SaleState.CONFLICT).exclude(notice_to_last_delist_ms=None)
    taken_down = sales.exclude(last_delist_at=F("noticed_at"))
    for platform, ms in taken_down.values_list("platform", "notice_to_last_delist_ms"):
        times[platform].append(float(ms or 0))
    return _told(times)


def sale_to_last_delist(books: Books) -> dict[str, Any]:
    """In ms, by the ledger alone: from a purchase until no other listing shows any of its seats.

    What a hand had listed and nobody here knew of when the purchase was made is left out.
    """
    showing: dict[uuid.UUID, list[tuple[int, float, float]]] = defaultdict(list)
    known_at: dict[int, float] = {}
    for listing_id, rows in books.showings.items():
        own = books.listings.get(rows[0]["external_id"])
        known_at[listing_id] = own.known_at if own else 0.0
        for seat, since, until in _spans(rows, own.seats if own else {}):
            showing[seat].append((listing_id, since, until))
    times: _Times = defaultdict(list)
    for sale in filter(promised, books.sales):
        ends = [
            until
            for seat in books.seats_of(sale)
            for listing_id, _, until in showing[seat]
            if listing_id != sale["listing_id"] and until > sale["created_at"] > known_at[listing_id]
        ]
        if ends:
            times[sale["platform"]].append((max(ends) - sale["created_at"]) * 1000)
    return _told(times)


def _spans(rows: list[Row], seats: dict[int, uuid.UUID]) -> list[tuple[uuid.UUID, float, float]]:
    """From when until when a listing showed each of its seats; what it shows in the end it shows for ever."""
    spans, since = [], dict[uuid.UUID, float]()
    for row in rows:
        shown = {seats[number] for number in row["seats"] if number in seats} if row["state"] == "active" else set()
        spans += [(seat, since.pop(seat), row["at"]) for seat in since.keys() - shown]
        for seat in shown - since.keys():
            since[seat] = row["at"]
    return [*spans, *((seat, at, float("inf")) for seat, at in since.items())]


def _told(times: _Times) -> dict[str, Any]:
    whole = [ms for found in times.values() for ms in found]
    return _percentiles(whole) | {"by_platform": {key: _percentiles(times[key]) for key in sorted(times)}}


def _percentiles(times: list[float]) -> dict[str, Any]:
    finite = [ms for ms in times if ms != float("inf")]
    if not finite:
        return {"n": 0, "p50": None, "p95": None, "p99": None}
    return {"n": len(finite)} | {f"p{share}": round(percentile(finite, share / 100)) for share in (50, 95, 99)}
