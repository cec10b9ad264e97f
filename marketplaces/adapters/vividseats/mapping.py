"""Vivid Seats' shapes to ours and back."""

import base64
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from marketplaces.adapters import _wire, _xml
from marketplaces.contracts import (
    Buyer,
    Draft,
    EventWords,
    PaymentLine,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver
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


# Their name for a kind of ticket. A transfer by phone has no stock type of its own: `electronicTransfer` says it.
STOCK_TYPES = {
    DeliveryType.MOBILE_TRANSFER: "", DeliveryType.BARCODE: "ELECTRONIC", DeliveryType.PDF: "ELECTRONIC",
    DeliveryType.PAPER: "HARD",
}  # fmt: skip
# What they have a name for: the sight of the field and the seat (Vivid's `attributes`).
_ATTRIBUTES = {
    "Aisle seat": "AISLE", "Obstructed view": "OBSTRUCTED", "Partial view": "PARTIALVIEW",
    "Wheelchair accessible": "WHEELCHAIR", "Alcohol-free section": "ALCOHOLFREE", "21 and over": "OVER21",
    "Limited legroom": "RESTRICTEDLEGROOM", "Parking included": "PARKING",
}  # fmt: skip


def listing_body(draft: Draft) -> dict[str, Any]:
    """ManagedBrokerListingDoc. Raises PermanentError for what Vivid Seats would refuse."""
    if len(draft.section) > LONGEST_SECTION:
        raise PermanentError(f"section names have at most {LONGEST_SECTION} characters there")
    if draft.delivery not in STOCK_TYPES:
        raise PermanentError(f"Vivid Seats takes no {draft.delivery.replace('_', ' ')} tickets")
    body: dict[str, Any] = {
        "ticketId": draft.external_id,
        "eventName": draft.event_name,
        "venue": draft.venue.partition(",")[0].strip(),
        "eventDate": f"{draft.local_date}T{draft.local_time or '00:00:00'}",
        "section": draft.section,
        "row": draft.row,
        "price": _wire.cents(draft.price),
        "electronicTransfer": draft.delivery is DeliveryType.MOBILE_TRANSFER,
        **seats_body(draft.seats, draft.split),
    }
    production_id = _wire.int_of(draft.event_id)
    if production_id is not None:
        body["productionId"] = production_id
    if draft.in_hand_at is not None:
        body["inHandDate"] = draft.in_hand_at.strftime("%Y-%m-%dT%H:%M:%S")
    if draft.face_value is not None:
        body["faceValue"] = _wire.cents(draft.face_value)
    if stock := STOCK_TYPES[draft.delivery]:
        body["stockType"] = stock
    if draft.disclosures:
        body["notes"] = "; ".join(draft.disclosures)
    if told := [_ATTRIBUTES[words] for words in draft.disclosures if words in _ATTRIBUTES]:
        body["attributes"] = told
    if draft.tickets:
        body["tickets"] = [{"seatNumber": int(one.seat), "barCode": one.barcode} for one in draft.tickets]
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
    venue = _wire.text_at(body, "venue", "name")
    return RemoteEvent(event_id, _wire.text_at(body, "eventName"), venue, starts_at, _wire.text_at(body, "url"))


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
        delivery=_delivery(body),
    )


def order_number(order: Element) -> str:
    """An order's number; empty where it tells none."""
    return _xml.text_at(order, "orderId")


def _delivery(body: Any) -> DeliveryType | None:
    """What a listing's tickets are; of the stock types that nobody explains (FLASH, TMET) it is not known."""
    if _wire.dig(body, "electronicTransfer") is True:
        return DeliveryType.MOBILE_TRANSFER
    stock = _wire.text_at(body, "stockType")
    if stock == "ELECTRONIC":
        return DeliveryType.BARCODE if _wire.dig(body, "hasBarcodes") is True else DeliveryType.PDF
    return DeliveryType.PAPER if stock == "HARD" else None


def sale_of(order: Element) -> RemoteSale:
    """Order. `cost` is what the seller is paid a ticket: the buyer's price is never told. Raises PermanentError."""
    sale_id, sold_at = _xml.text_at(order, "orderId"), _wire.moment_of(_xml.text_at(order, "orderDate"))
    cost = _wire.decimal_of(_xml.text_at(order, "cost"))
    if not sale_id or sold_at is None or cost is None:
        raise PermanentError("Vivid Seats' answer is no order")
    quantity = _wire.int_of(_xml.text_at(order, "quantity")) or 0
    status = _xml.text_at(order, "status")
    state = _ORDER_STATES.get(status.upper(), RemoteSaleState.UNKNOWN)
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
        state=state,
        remote_status=status,
        sold_at=sold_at,
        ship_by=_wire.moment_of(_xml.text_at(order, "expectedShipDate")),
        gross_known=False,
        event=EventWords(
            _xml.text_at(order, "event"), _xml.text_at(order, "venue"), _xml.text_at(order, "eventDate")[:10]
        ),
        step=_step(order, state),
        buyer=buyer_of(order),
    )


def proofs(proof: Fulfilment) -> list[tuple[str, dict[str, str]]]:
    """The calls of a hand-over: addresses and fields.

    A file goes by itself, since a call takes one; barcodes go together. That a parcel went is said without its
    number: they print its label.
    """
    if proof.method == HandOver.BARCODE:
        codes = ",".join(ticket.barcode for ticket in proof.tickets)
        return [("/v1/shipOrder", {"seatNumbers": ",".join(one.seat for one in proof.tickets), "barcodes": codes})]
    if proof.method == HandOver.PDF:
        return [
            ("/v1/shipOrder", {"seatNumbers": one.seat, "ticketFile": base64.b64encode(one.content).decode()})
            for one in proof.tickets
        ]
    if proof.method == HandOver.MOBILE_TRANSFER:
        fields = {"invoiceNumber": proof.confirmation, "transferSource": "MOBILE", "transferByText": "false"}
        return [("/v1/transferOrder", fields)]
    if proof.transfer_urls:
        fields = {"transferURLList": ",".join(proof.transfer_urls), "transferSource": "MOBILE"}
        return [("/v1/transferOrderViaURL", fields)]
    return [("/v1/shipOrder", {})]


def _step(order: Element, state: RemoteSaleState) -> DeliveryStep:
    """What an order waits for, by its flags; an address to transfer to once more says that the first did not do."""
    if state is not RemoteSaleState.AWAITING_FULFILMENT:
        return DeliveryStep.UNTOLD
    if _xml.text_at(order, "retransferEmail") or _xml.text_at(order, "retransferPhone"):
        return DeliveryStep.TRANSFER_AGAIN
    flags = (("barCodesRequired", DeliveryStep.BARCODES), ("transferViaURL", DeliveryStep.TRANSFER),
             ("electronicDelivery", DeliveryStep.FILES))  # fmt: skip
    found = next((step for flag, step in flags if _xml.text_at(order, flag).lower() == "true"), None)
    if found is not None:
        return found
    told = _xml.text_at(order, "electronicDelivery").lower() == "false"
    return DeliveryStep.LABELS if told else DeliveryStep.UNTOLD


def buyer_of(order: Element) -> Buyer | None:
    """To whom the tickets go: the address for a second transfer, where there is one. None where none is told."""
    email = _xml.text_at(order, "retransferEmail") or _xml.text_at(order, "emailAddress")
    phone = _xml.text_at(order, "retransferPhone") or _xml.text_at(order, "mobilePhoneNumber")
    name = " ".join(filter(None, (_xml.text_at(order, "firstName"), _xml.text_at(order, "lastName"))))
    return Buyer(name, email, phone) if email or phone else None


def payment_date(body: Any) -> datetime | None:
    """When a payment was made (UTC)."""
    return _wire.moment_of(_wire.dig(body, "paymentDate"))


def payment_of(header: Any, whole: Any) -> RemotePayment:
    """A payment with its ledger: credits are sales, debits are charges. `header` is its line in the list.

    A sale that is taken back and a charge that is given back keep their signs. Raises PermanentError where `whole` is
    no ledger.
    """
    if not any(isinstance(_wire.dig(whole, name), list) for name in ("creditItems", "debitItems")):
        raise PermanentError("Vivid Seats' answer is no ledger of it")
    net = _wire.decimal_of(_wire.dig(header, "amount")) or _ZERO
    return RemotePayment(
        reference=_wire.text_at(header, "referenceNumber") or _wire.text_at(header, "id"),
        paid_at=payment_date(header),
        net=net,
        currency="USD",
        lines=_wire.lines_nearest([_ledger_lines(whole, sign) for sign in (1, -1)], net),
    )


def _ledger_lines(whole: Any, sign: int) -> tuple[PaymentLine, ...]:
    """A debit's amount times `sign` is what is taken off."""
    credited = [part for item in _wire.items_at(whole, "creditItems") for part in _parts(item)]
    debited = [part for item in _wire.items_at(whole, "debitItems") for part in _parts(item)]
    return (
        *(PaymentLine(order, amount, _ZERO, _ZERO, amount) for order, amount in credited),
        *(PaymentLine(order, _ZERO, _ZERO, amount * sign, -amount * sign) for order, amount in debited),
    )


def _parts(item: Any) -> list[tuple[str, Decimal]]:
    """What of a ledger item each of its orders has, which may be several; the last one bears the odd cents."""
    amount = _wire.decimal_of(_wire.dig(item, "amount")) or _ZERO
    orders = [str(number) for number in _wire.items_at(item, "orderNumber")] or [""]
    share = _wire.cents(amount / len(orders))
    parts = [share] * (len(orders) - 1) + [amount - share * (len(orders) - 1)]
    return list(zip(orders, parts, strict=True))
