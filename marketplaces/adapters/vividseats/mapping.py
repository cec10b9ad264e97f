"""Vivid Seats' shapes to ours and back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from marketplaces.adapters import _wire, _xml
from marketplaces.contracts import (
    Draft,
    EventWords,
    Fulfilment,
    PaymentLine,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.errors import PermanentError

_ZERO = Decimal("0.00")
# As a recorded refusal says.
LONGEST_SECTION = 45
_ORDER_STATES = {
    "UNCONFIRMED": RemoteSaleState.AWAITING_CONFIRM,
    "PENDING_SHIPMENT": RemoteSaleState.AWAITING_FULFILMENT,
    # Handed over: that it was paid is told by the payments.
    "COMPLETED": RemoteSaleState.IN_DELIVERY,
    # Not among the statuses that are listed; where one came, it could mean nothing else.
    "CANCELLED": RemoteSaleState.CANCELLED,
    "CANCELED": RemoteSaleState.CANCELLED,
    "REJECTED": RemoteSaleState.CANCELLED,
}


def listing_body(draft: Draft) -> dict[str, Any]:
    """ManagedBrokerListingDoc. Raises PermanentError for what Vivid Seats would refuse."""
    if len(draft.section) > LONGEST_SECTION:
        raise PermanentError(f"section names have at most {LONGEST_SECTION} characters there")
    body: dict[str, Any] = {
        "ticketId": draft.external_id,
        "eventName": draft.event_name,
        "venue": draft.venue.partition(",")[0].strip(),
        "eventDate": f"{draft.local_date}T{draft.local_time or '00:00:00'}",
        "section": draft.section,
        "row": draft.row,
        "price": _wire.cents(draft.price),
        "electronicTransfer": True,
        **seats_body(draft.seats, draft.split),
    }
    production_id = _wire.int_of(draft.event_id)
    if production_id is not None:
        body["productionId"] = production_id
    if draft.in_hand_at is not None:
        body["inHandDate"] = draft.in_hand_at.strftime("%Y-%m-%dT%H:%M:%S")
    if draft.face_value is not None:
        body["faceValue"] = _wire.cents(draft.face_value)
    return body


def seats_body(seats: tuple[int, ...], split: str) -> dict[str, Any]:
    """Quantity, seats and split, which always change together. Raises PermanentError."""
    first, last = _wire.adjacent(seats)
    ends = {"quantity": len(seats), "seatFrom": str(first), "seatThru": str(last)}
    return {**ends, "seatNumbers": sorted(seats), **split_body(split, len(seats))}


def split_body(split: str, quantity: int) -> dict[str, str]:
    """Their split; what has no word there becomes a list of allowed purchases that ends at the quantity."""
    if split == "any":
        return {"splitType": "ANY", "splitValue": ""}
    if split == "avoid_one":
        return {"splitType": "NEVERLEAVEONE", "splitValue": ""}
    return {"splitType": "CUSTOM", "splitValue": ",".join(map(str, _wire.split_sizes(split, quantity)))}


def changed_body(listing: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    """A listing as read, with a change: an update replaces the whole of it. What has no value is left out."""
    return {name: value for name, value in {**listing, **change}.items() if value is not None}


def event_of(body: Any) -> RemoteEvent | None:
    """Event; None where it has no id or no date."""
    event_id, starts_at = _wire.text_at(body, "eventId"), _wire.moment_of(_wire.dig(body, "eventDate"))
    if not event_id or starts_at is None:
        return None
    return RemoteEvent(event_id, _wire.text_at(body, "eventName"), _wire.text_at(body, "venue", "name"), starts_at)


def listing_of(body: Any) -> RemoteListing:
    """ManagedBrokerListing. Raises PermanentError where it names no listing or no price."""
    listing_id, price = _wire.text_at(body, "id"), _wire.decimal_of(_wire.dig(body, "price"))
    if not listing_id or price is None:
        raise PermanentError("Vivid Seats' answer is no listing")
    quantity = _wire.int_of(_wire.dig(body, "quantity")) or 0
    return RemoteListing(
        listing_id=listing_id,
        external_id=_wire.text_at(body, "ticketId"),
        event_id=_wire.text_at(body, "productionId"),
        section=_wire.text_at(body, "section"),
        row=_wire.text_at(body, "row"),
        seat_from=_wire.text_at(body, "seatFrom"),
        seat_to=_wire.text_at(body, "seatThru"),
        quantity=quantity,
        price=price,
        currency="USD",
        state=RemoteListingState.ACTIVE if quantity > 0 else RemoteListingState.GONE,
        updated_at=_wire.moment_of(_wire.dig(body, "lastUpdate")),
        event=EventWords(
            _wire.text_at(body, "eventName"), _wire.text_at(body, "venue"), _wire.text_at(body, "eventDate")[:10]
        ),
    )


def sale_of(order: Element) -> RemoteSale:
    """Order. `cost` is what the seller is paid a ticket: the buyer's price is never told. Raises PermanentError."""
    sale_id, sold_at = _xml.text_at(order, "orderId"), _wire.moment_of(_xml.text_at(order, "orderDate"))
    cost = _wire.decimal_of(_xml.text_at(order, "cost"))
    if not sale_id or sold_at is None or cost is None:
        raise PermanentError("Vivid Seats' answer is no order")
    quantity = _wire.int_of(_xml.text_at(order, "quantity")) or 0
    status = _xml.text_at(order, "status")
    return RemoteSale(
        sale_id=sale_id,
        external_id=_xml.text_at(order, "brokerTicketId"),
        listing_id=_xml.text_at(order, "listingId"),
        event_id=_xml.text_at(order, "productionId"),
        quantity=quantity,
        section=_xml.text_at(order, "section"),
        row=_xml.text_at(order, "row"),
        seats=_xml.texts_at(order, "seats", "seat"),
        gross=cost * quantity,
        fees=_ZERO,
        proceeds=cost * quantity,
        currency="USD",
        state=_ORDER_STATES.get(status.upper(), RemoteSaleState.UNKNOWN),
        remote_status=status,
        sold_at=sold_at,
        ship_by=_wire.moment_of(_xml.text_at(order, "expectedShipDate")),
        gross_known=False,
        event=EventWords(
            _xml.text_at(order, "event"), _xml.text_at(order, "venue"), _xml.text_at(order, "eventDate")[:10]
        ),
    )


def proof_form(proof: Fulfilment) -> dict[str, str]:
    """The fields of a hand-over. Raises PermanentError without a transfer link."""
    if not proof.transfer_urls:
        raise PermanentError("Vivid Seats needs a transfer link")
    return {"transferURLList": ",".join(proof.transfer_urls), "transferSource": "MOBILE"}


def payment_date(body: Any) -> datetime | None:
    """When a payment was made (UTC)."""
    return _wire.moment_of(_wire.dig(body, "paymentDate"))


def payment_of(header: Any, whole: Any) -> RemotePayment:
    """A payment with its ledger: credits are sales, debits are charges. `header` is its line in the list."""
    lines = [line for item in _wire.items_at(whole, "creditItems") for line in _lines(item, debit=False)]
    lines += [line for item in _wire.items_at(whole, "debitItems") for line in _lines(item, debit=True)]
    return RemotePayment(
        reference=_wire.text_at(header, "referenceNumber") or _wire.text_at(header, "id"),
        paid_at=payment_date(header),
        net=_wire.decimal_of(_wire.dig(header, "amount")) or _ZERO,
        currency="USD",
        lines=tuple(lines),
    )


def _lines(item: Any, *, debit: bool) -> list[PaymentLine]:
    """One line an order of a ledger item, which may name several; the last one bears the odd cents."""
    amount = abs(_wire.decimal_of(_wire.dig(item, "amount")) or _ZERO)
    orders = [str(number) for number in _wire.items_at(item, "orderNumber")] or [""]
    share = _wire.cents(amount / len(orders))
    parts = [share] * (len(orders) - 1) + [amount - share * (len(orders) - 1)]
    if debit:
        return [PaymentLine(order, _ZERO, _ZERO, part, -part) for order, part in zip(orders, parts, strict=True)]
    return [PaymentLine(order, part, _ZERO, _ZERO, part) for order, part in zip(orders, parts, strict=True)]
