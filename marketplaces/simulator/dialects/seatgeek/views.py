"""SeatGeek's resources as it renders them."""

from datetime import UTC, datetime
from typing import Any

from marketplaces.simulator.payments import lines_of
from marketplaces.simulator.state import Event, Ledger, Listing, Payment, Sale, from_cents, stamp

_STOCK = {"barcode": "barcode", "pdf": "pdf"}


def listing(item: Listing) -> dict[str, Any]:
    """Listing, under the seller's key and theirs."""
    ends = {"seat_from": item.seats[0], "seat_thru": item.seats[-1]} if item.seats else {}
    return {
        "seller_listing_id": item.external_id, "sg_listing_id": item.id, "event_id": item.event_id, **item.extra,
        "quantity": item.quantity, "cost": from_cents(item.price_cents), "section": item.section, "row": item.row,
        **ends, "stock_type": item.ticket_type or None, "is_edelivery": True,
    }  # fmt: skip


def event(ledger: Ledger, item: Event) -> dict[str, Any]:
    """Platform event."""
    prices = sorted(offer.price_cents for offer in ledger.offers_of("seatgeek", item.id))
    stats: dict[str, Any] = {"listing_count": len(prices)}
    if prices:
        stats |= {"lowest_price": from_cents(prices[0]), "highest_price": from_cents(prices[-1])}
    moment = datetime.fromtimestamp(item.starts_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": item.id, "title": item.name, "short_title": item.name, "type": "event", "status": item.status.lower(),
        "date_tbd": not item.dated, "datetime_utc": moment,
        "datetime_local": f"{item.local_date}T{item.local_time or '00:00:00'}",
        "venue": {"name": item.venue, "city": item.city, "state": item.state}, "stats": stats,
    }  # fmt: skip


def order(ledger: Ledger, item: Sale) -> dict[str, Any]:
    """Order; it names no seats."""
    known = ledger.event_at(item.platform, item.event_id)
    about = {
        "seatgeek_event_id": item.event_id, "name": known.name if known else "",
        "date": known.local_date if known else "", "time": known.local_time if known else "",
        "venue": known.venue if known else "",
    }  # fmt: skip
    return {
        "id": str(item.id), "status": item.status, "created": stamp(item.created_at),
        "updated": stamp(item.updated_at), "event": about,
        "listing": {
            "id": item.external_id, "price": from_cents(item.price_cents), "quantity": item.quantity,
            "section": item.section, "row": item.row,
        },
        "subtotal": from_cents(item.gross_cents), "fees": from_cents(item.fees_cents),
        "total": from_cents(item.gross_cents - item.fees_cents), "delivery_method": _STOCK.get(item.delivery, "mobile"),
        "stock_type": _STOCK.get(item.delivery, "mobile"), "transfer_urls": _urls(item),
        **({"fulfillment_issue_message": item.issue or item.again} if item.issue or item.again else {}),
    }  # fmt: skip


def invoice(ledger: Ledger, item: Payment, *, charges: bool) -> dict[str, Any]:
    """Weekly invoice; the current one has no number and no date yet."""
    lines = lines_of(ledger, item)
    gross, fees = sum(line.gross_cents for line in lines), sum(line.fees_cents for line in lines)
    kept = sum(line.charged_cents for line in lines)
    body: dict[str, Any] = {
        "total_order_value": from_cents(gross), "total_fees": from_cents(fees), "total_finance": from_cents(-kept),
        "total": from_cents(gross - fees - kept),
    }  # fmt: skip
    if item.id:
        body |= {"invoice_id": item.id, "date": stamp(item.created_at)}
    if charges:
        body["charges"] = [
            {"type": kind, "order_id": str(line.sale_id), "amount": from_cents(amount)}
            for line in lines
            for kind, amount in (
                ("order_payment", line.gross_cents), ("seller_fees", -line.fees_cents),
                *((one.reason.lower().replace(" ", "_"), -one.cents) for one in line.charges),
            )
            if amount
        ]  # fmt: skip
    return body


def _urls(sale: Sale) -> list[str]:
    return [url for url in str(sale.proof.get("transfer_url") or "").split(",") if url]
