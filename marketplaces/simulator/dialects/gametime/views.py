"""Gametime's purchases as it renders them, in cents."""

from typing import Any

from marketplaces.simulator.state import Ledger, Sale, stamp

_DELIVERIES = {"pdf": "electronic", "barcode": "barcode", "paper": "hard"}


def purchase(ledger: Ledger, item: Sale) -> dict[str, Any]:
    """Purchase."""
    moment = f'ISODate("{stamp(item.created_at)}")'
    return {
        "id": str(item.id), "status": item.status, "created_at": moment, "purchased_at": moment,
        "quantity": item.quantity, "listing_reference_id": item.external_id, "price": item.price_cents,
        "seats": {str(seat): {} for seat in item.seats}, "email": "buyer@example.com", "phone": "",
        "first_name": "A", "last_name": "Buyer", "delivery_type": _DELIVERIES.get(item.delivery, "mobile"),
        **_where(ledger, item),
    }  # fmt: skip


def told(ledger: Ledger, item: Sale) -> dict[str, Any]:
    """SaleWebhook."""
    return {
        "id": str(item.id), "source_id": item.external_id, "quantity": item.quantity, "unit_price": item.price_cents,
        "payout": item.gross_cents - item.fees_cents, "fulfill_type": "mobile", "deal": False, **_where(ledger, item),
    }  # fmt: skip


def _where(ledger: Ledger, item: Sale) -> dict[str, Any]:
    known = ledger.event_at(item.platform, item.event_id)
    return {
        "event_id": str(item.event_id), "event_name": known.name if known else "",
        "event_date": known.local_date if known else "", "venue": known.venue if known else "",
        "section": item.section, "row": item.row,
    }  # fmt: skip
