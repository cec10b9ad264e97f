"""Ticketmaster's resources: Discovery's events as published, the port's as docs/marketplaces/ticketmaster.md says."""

from datetime import UTC, datetime
from typing import Any

from marketplaces.simulator.payments import lines_of
from marketplaces.simulator.sales import fee_cents
from marketplaces.simulator.state import Event, Ledger, Listing, Payment, Sale, from_cents, stamp

_SPLITS = {"Any": "any", "None": "none", "Pairs": "pairs", "AvoidOne": "avoid_one",
           "AvoidOneAndThree": "avoid_one_and_three"}  # fmt: skip
_CODES = {"Postponed": "postponed", "Rescheduled": "rescheduled", "Cancelled": "canceled"}


def money(cents: int, currency: str = "USD") -> dict[str, str]:
    """Money, the amount as text."""
    return {"amount": f"{from_cents(cents):.2f}", "currency": currency}


def event(item: Event) -> dict[str, Any]:
    """Discovery's event."""
    moment = datetime.fromtimestamp(item.starts_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    venue = {"name": item.venue, "city": {"name": item.city}, "state": {"stateCode": item.state}}
    return {
        "id": str(item.id), "name": item.name, "type": "event", "test": False,
        "dates": {
            "start": {
                "localDate": item.local_date, "localTime": item.local_time, "dateTime": moment,
                "dateTBD": not item.dated,
            },
            "status": {"code": _CODES.get(item.status, "onsale")},
        },
        "_embedded": {"venues": [venue]},
    }  # fmt: skip


def constraints(item: Event | None) -> dict[str, Any]:
    """Constraints of an event, or the usual ones."""
    return {
        "min_price": f"{from_cents(item.min_price_cents if item else 100):.2f}",
        "max_price": f"{from_cents(item.max_price_cents if item else 10_000_000):.2f}", "currency": "USD",
        "max_quantity": item.max_quantity if item else 30, "splits": sorted(_SPLITS.values()),
        "deliveries": ["mobile_transfer"], "sections": item.sections if item else [],
        "seats_required": bool(item and item.seats_required),
    }  # fmt: skip


def listing(ledger: Ledger, item: Listing) -> dict[str, Any]:
    """Listing; what reaches the seller stands beside its price, and how often buyers looked at it."""
    fee = fee_cents(ledger, item.platform, item.price_cents)
    return {
        "id": str(item.id), "key": item.external_id, "event_id": str(item.event_id or ""), "section": item.section,
        "row": item.row, "seats": item.seats, "split": _SPLITS.get(item.split, "any"), "state": item.state,
        "price": money(item.price_cents, item.currency), "proceeds": money(item.price_cents - fee, item.currency),
        "updated_at": stamp(item.updated_at), "views": item.looks,
    }  # fmt: skip


def order(item: Sale) -> dict[str, Any]:
    """Order, with the allocation."""
    return {
        "id": str(item.id), "status": item.status, "listing_id": str(item.listing_id), "listing_key": item.external_id,
        "event_id": str(item.event_id), "section": item.section, "row": item.row, "seats": list(map(str, item.seats)),
        "quantity": item.quantity, "gross": money(item.gross_cents, item.currency),
        "fees": money(item.fees_cents, item.currency), "created_at": stamp(item.created_at),
        "updated_at": stamp(item.updated_at), "confirm_by": stamp(item.confirm_by),
        **({"transfer_by": stamp(item.hand_over_by)} if item.hand_over_by else {}),
        "buyer": {"name": "A Buyer", "email": f"buyer-{item.id}@example.com"},
        **({"transfer_problem": item.again} if item.again else {}),
    }  # fmt: skip


def payout(ledger: Ledger, item: Payment) -> dict[str, Any]:
    """Payout, a line for each order."""
    lines = lines_of(ledger, item)
    told = [
        {
            "order_id": str(line.sale_id), "gross": money(line.gross_cents), "fee": money(line.fees_cents),
            "penalty": money(line.charged_cents),
        }
        for line in lines
    ]  # fmt: skip
    net = sum(line.net_cents for line in lines)
    paid_at = None if item.returned_at else stamp(item.created_at)
    return {"reference": f"TM-{item.id}", "paid_at": paid_at, "net": money(net), "lines": told}
