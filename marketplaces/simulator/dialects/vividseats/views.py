"""Vivid Seats' resources as it renders them: listings and payments as JSON, orders as XML."""

from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from marketplaces.simulator.payments import lines_of
from marketplaces.simulator.state import Event, Ledger, Listing, Payment, Sale, from_cents, stamp


def listing(item: Listing) -> dict[str, Any]:
    """ManagedBrokerListing."""
    ends = {"seatFrom": str(item.seats[0]), "seatThru": str(item.seats[-1])} if item.seats else {}
    return {
        "id": item.id, "ticketId": item.external_id, "productionId": item.event_id or None, **item.extra,
        "quantity": item.quantity, "price": from_cents(item.price_cents), "section": item.section, "row": item.row,
        **ends, "seatNumbers": item.seats, **split(item.split), "lastUpdate": stamp(item.updated_at),
        **_stock(item.ticket_type),
    }  # fmt: skip


def _stock(word: str) -> dict[str, Any]:
    """What its tickets are, in their words, as it is kept."""
    kind = "ELECTRONIC" if word == "BARCODES" else word
    told = {"electronicTransfer": word == "TRANSFER", "hasBarcodes": word == "BARCODES"}
    return told if kind in {"", "TRANSFER"} else {**told, "stockType": kind}


def split(word: str) -> dict[str, str]:
    """Their words for a split as it is kept."""
    if word[:1].isdecimal():
        return {"splitType": "CUSTOM", "splitValue": word}
    return {"splitType": {"Any": "ANY", "AvoidOne": "NEVERLEAVEONE"}.get(word, "DEFAULT"), "splitValue": ""}


def event(ledger: Ledger, item: Event) -> dict[str, Any]:
    """Event."""
    prices = sorted(offer.price_cents for offer in ledger.offers_of("vividseats", item.id))
    figures: dict[str, Any] = {"listingCount": len(prices)}
    if prices:
        figures |= {"minPrice": from_cents(prices[0]), "maxPrice": from_cents(prices[-1])}
    moment = datetime.fromtimestamp(item.starts_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "eventId": item.id, "eventName": item.name, "eventDate": moment, "eventType": "SPORT", "canSell": True,
        "venue": {"name": item.venue, "city": item.city, "state": item.state}, **figures,
    }  # fmt: skip


def order(ledger: Ledger, item: Sale) -> str:
    """Order; `cost` is what the seller is paid for one ticket."""
    known = ledger.event_at(item.platform, item.event_id)
    cost = from_cents(item.gross_cents - item.fees_cents) / item.quantity
    fields = {
        "orderId": item.id, "orderToken": token(item), "brokerTicketId": item.external_id, "section": item.section,
        "row": item.row, "quantity": item.quantity, "cost": f"{cost:.2f}", "event": known.name if known else "",
        "eventDate": known.local_date if known else "", "orderDate": stamp(item.created_at),
        **({"expectedShipDate": stamp(item.hand_over_by)} if item.hand_over_by else {}),
        "venue": known.venue if known else "", "status": item.status, "listingId": item.listing_id,
        "productionId": item.event_id, "firstName": "A", "lastName": "Buyer",
        "emailAddress": f"buyer-{item.id}@example.com",
        "barCodesRequired": _flag(item.delivery == "barcode"), "transferViaURL": _flag(item.delivery in _TRANSFERS),
        "electronicDelivery": _flag(item.delivery != "paper"),
        **({"retransferEmail": f"again-{item.id}@example.com"} if item.again else {}),
    }  # fmt: skip
    told = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    seats = "".join(f"<seat>{seat}</seat>" for seat in item.seats)
    return f"<order>{told}<seats>{seats}</seats></order>"


_TRANSFERS = frozenset({"mobile_transfer", "links"})


def _flag(value: bool) -> str:
    return str(value).lower()


def token(item: Sale) -> str:
    """What an act on an order must name beside its id."""
    return f"ot-{item.id * 7919:x}"


def said(success: bool, message: str = "") -> str:
    """Response."""
    return f"<response><success>{str(success).lower()}</success><message>{escape(message)}</message></response>"


def payment(ledger: Ledger, item: Payment) -> dict[str, Any]:
    """Payment."""
    amount = sum(line.net_cents for line in lines_of(ledger, item))
    return {
        "id": item.id, "referenceNumber": f"VS-{item.id}", "paymentDate": stamp(item.created_at),
        "amount": from_cents(amount),
    }  # fmt: skip


def ledger_of(ledger: Ledger, item: Payment) -> dict[str, Any]:
    """PaymentWithLedger: what is paid for orders, and what is kept back of it."""
    lines = lines_of(ledger, item)
    paid = [(line.sale_id, line.gross_cents - line.fees_cents) for line in lines if line.gross_cents]
    kept = [(line.sale_id, one.cents) for line in lines for one in line.charges]
    return {
        "paymentHeader": payment(ledger, item),
        "debitItems": [_item(ledger, sale_id, cents) for sale_id, cents in kept],
        "creditItems": [_item(ledger, sale_id, cents) for sale_id, cents in paid],
    }


def _item(ledger: Ledger, sale_id: int, cents: int) -> dict[str, Any]:
    """LedgerItem."""
    return {
        "purchaseOrderNumber": f"PO-{sale_id}", "orderNumber": [str(sale_id)],
        "purchaseOrderDate": stamp(ledger.sales[sale_id].created_at), "descriptions": [], "amount": from_cents(cents),
    }  # fmt: skip
