"""What StubHub demands of the bodies it is sent."""

import json
from datetime import UTC, datetime
from typing import Any

from marketplaces.simulator.http import Refusal, Request, render
from marketplaces.simulator.state import Account, Event, Ledger, Listing, to_cents

WRITABLE = frozenset({
    "ticket_price", "ticket_proceeds", "seating", "face_value", "ticket_type", "split_type", "number_of_tickets",
    "display_number_of_tickets", "in_hand_at", "external_id", "notes", "instant_delivery", "published", "event",
    "venue", "country", "listing_note_ids", "purchase_price_per_ticket", "total_purchase_price", "sales_tax_paid",
    "barcodes", "eticket_ids",
})  # fmt: skip
SALE_WRITABLE = frozenset({
    "confirmed", "eticket_ids", "transfer_confirmation_number", "eticket_urls", "in_hand_at", "eticket_type",
    "tracking_number", "seating", "barcodes", "mobile_provider",
})  # fmt: skip


def listing_of(ledger: Ledger, body: dict[str, Any], event: Event, account: Account, now: float) -> Listing:
    """A listing from a create or preview body; raises Refusal(400) naming the fields."""
    known_keys(body, WRITABLE)
    missing = [key for key in ("seating", "ticket_type", "split_type", "number_of_tickets") if not body.get(key)]
    errors = {f"seller_listing.{key}": ["Required"] for key in missing}
    if body.get("ticket_type") not in event.ticket_types:
        errors["seller_listing.ticket_type"] = ["Invalid ticket type"]
    if body.get("split_type") not in event.split_types:
        errors["seller_listing.split_type"] = ["Invalid split type"]
    if errors:
        raise Refusal(400, "", code="validation_failed", errors=errors)
    quantity = int(body["number_of_tickets"])
    promised = {"in_hand_at": body.get("in_hand_at"), "notes": body.get("notes")}
    section, row, seats = seating_of(body["seating"], quantity)
    return Listing(
        id=ledger.new_id(), platform="stubhub", account_id=account.id,
        external_id=str(body.get("external_id") or ""), event_id=event.id, section=section, row=row, seats=seats,
        quantity=quantity, price_cents=price_of(body, event),
        currency=str(body["ticket_price"]["currency_code"]), split=str(body["split_type"]), created_at=now,
        updated_at=now, state="hidden" if body.get("published") is False else "active",
        ticket_type=str(body["ticket_type"]), extra=json.loads(render(promised)),
    )  # fmt: skip


def known_keys(body: dict[str, Any], known: frozenset[str]) -> None:
    """Raises Refusal(400) for a field that the schema does not have."""
    extra = set(body) - known
    if extra:
        raise Refusal(400, f"unknown: {', '.join(sorted(extra))}", code="invalid_request_body")


def price_of(body: dict[str, Any], event: Event) -> int:
    """The list price in cents; raises Refusal(400) outside the event's bounds."""
    try:
        cents = to_cents(body["ticket_price"]["amount"])
    except (KeyError, TypeError, ValueError):
        cents = 0
    if not event.min_price_cents <= cents <= event.max_price_cents:
        raise Refusal(400, "", code="validation_failed", errors={"seller_listing.ticket_price": ["Out of range"]})
    return cents


def seating_of(told: Any, quantity: int) -> tuple[str, str, list[int]]:
    """Section, row and seat numbers; raises Refusal where they do not make up the quantity."""
    wrong = Refusal(400, "", code="validation_failed", errors={"seller_listing.seating": ["Invalid seating"]})
    if not isinstance(told, dict) or not told.get("section") or quantity < 1:
        raise wrong
    first, last = str(told.get("seat_from") or ""), str(told.get("seat_to") or "")
    seats = list(range(int(first), int(last) + 1)) if first.isdecimal() and last.isdecimal() else []
    if seats and len(seats) != quantity:
        raise wrong
    return str(told["section"]), str(told.get("row") or ""), seats


def since_of(request: Request) -> float:
    """`updated_since` in seconds since the epoch; 0 where it is not told."""
    try:
        moment = datetime.fromisoformat(request.query.get("updated_since", ""))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
