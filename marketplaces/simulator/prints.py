"""Recorded buyers: people who really bought, replayed in the order in which they did.

Each of them wanted seats of one zone and paid a known price. He takes the cheapest listing of our sellers that gives
him as many seats of that zone for no more than he paid; where there is none he bought of a stranger, and his purchase
is a print that everyone can see.
"""

from collections.abc import Iterable
from typing import Any

from marketplaces.simulator import sales
from marketplaces.simulator.rules import Tell
from marketplaces.simulator.state import Ledger, Listing, Print, to_cents


def replay(ledger: Ledger, items: Iterable[dict[str, Any]], *, now: float, tell: Tell) -> list[Print]:
    """Replay purchases {seq, event_id, section, sections, row, quantity, price, at}; returns those that were new.

    `seq` is the place in the record: one that was replayed before is passed over. `sections` are the zone's. Raises
    KeyError or ValueError for a purchase that is not whole.
    """
    made = []
    for item in items:
        seq = int(item["seq"])
        if seq in ledger.prints:
            continue
        bought = Print(
            seq, int(item["event_id"]), str(item["section"]), str(item.get("row", "")), int(item["quantity"]),
            to_cents(item["price"]), str(item["at"]),
        )  # fmt: skip
        found = _cheapest(ledger, bought, {str(name) for name in item.get("sections", [])} | {bought.section})
        if found is not None:
            bought.sale_id = sales.sell(ledger, found, quantity=bought.quantity, now=now, tell=tell).id
        ledger.prints[seq] = bought
        made.append(bought)
    return made


def _cheapest(ledger: Ledger, wanted: Print, sections: set[str]) -> Listing | None:
    fitting = [
        listing for listing in ledger.listings.values()
        if listing.state == "active" and listing.event_id == wanted.event_id and listing.section in sections
        and listing.price_cents <= wanted.price_cents
        and wanted.quantity in sales.allowed_quantities(listing.split, listing.quantity)
    ]  # fmt: skip
    return min(fitting, key=lambda listing: (listing.price_cents, listing.id), default=None)


def since(ledger: Ledger, after: int, limit: int) -> list[Print]:
    """At most `limit` purchases after a place in the record, in its order."""
    return [ledger.prints[key] for key in sorted(key for key in ledger.prints if key > after)[:limit]]
