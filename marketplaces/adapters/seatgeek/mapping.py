"""SeatGeek's shapes to ours and back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import (
    Buyer,
    Draft,
    EventStanding,
    EventState,
    EventWords,
    MarketPoint,
    PaymentLine,
    PriceBasis,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket
from marketplaces.errors import PermanentError, TemporaryError

_ZERO = Decimal("0.00")
LONGEST_LISTING_ID = 32
# Their name for a kind of ticket, on a listing and on an order.
STOCK_TYPES = {DeliveryType.MOBILE_TRANSFER: "mobile", DeliveryType.BARCODE: "barcode", DeliveryType.PDF: "pdf"}
# What a listing's stock type tells of its tickets; what is taken at a counter or a door is none of ours.
_KINDS = {word: kind for kind, word in STOCK_TYPES.items()} | {"shipped": DeliveryType.PAPER}
# What an order of such tickets waits for, at first and again.
_STEPS = {
    "mobile": (DeliveryStep.LINKS, DeliveryStep.TRANSFER_AGAIN), "pdf": (DeliveryStep.FILES, DeliveryStep.FILES),
    "barcode": (DeliveryStep.BARCODES, DeliveryStep.BARCODES_AGAIN),
}  # fmt: skip
_STOCK_OF_WAY = {HandOver.TRANSFER_URL: "mobile", HandOver.BARCODE: "barcode", HandOver.PDF: "pdf"}
_ORDER_STATES = {
    "submitted": RemoteSaleState.AWAITING_CONFIRM,
    "confirmed": RemoteSaleState.AWAITING_FULFILMENT,
    # Handed over: that it was paid is told by the remittances.
    "fulfilled": RemoteSaleState.IN_DELIVERY,
    "denied": RemoteSaleState.CANCELLED,
    "void": RemoteSaleState.CANCELLED,
}


def listing_body(draft: Draft) -> dict[str, Any]:
    """ListingWrite. Raises PermanentError for a key that is too long or seats that are apart."""
    if not 0 < len(draft.external_id) <= LONGEST_LISTING_ID:
        raise PermanentError(f"seller_listing_id must have 1 to {LONGEST_LISTING_ID} characters")
    body: dict[str, Any] = {
        "seller_listing_id": draft.external_id,
        "event": draft.event_name,
        "venue": draft.venue.partition(",")[0].strip(),
        "event_date": draft.local_date,
        "event_time": _clock(draft.local_time),
        "cost": _wire.cents(draft.price),
        "section": draft.section,
        "row": draft.row,
        "stock_type": stock_type(draft.delivery),
        "is_edelivery": True,
        **seats_body(draft.seats, draft.split),
    }
    event_id = _wire.int_of(draft.event_id)
    if event_id is not None:
        body["event_id"] = event_id
    if draft.in_hand_at is not None:
        body["in_hand_date"] = draft.in_hand_at.date().isoformat()
    if draft.face_value is not None:
        body["seller_previously_paid_price_per_ticket"] = _wire.cents(draft.face_value)
    if draft.disclosures:
        body["notes"] = "; ".join(draft.disclosures)
    if draft.tickets:
        body |= tokens(draft.tickets)
    return body


def tokens(tickets: Iterable[SeatTicket]) -> dict[str, Any]:
    """The barcodes of a listing."""
    return {"tokens_type": "barcode", "tokens": [{"seat": one.seat, "token": one.barcode} for one in tickets]}


def seats_body(seats: tuple[int, ...], split: str) -> dict[str, Any]:
    """Quantity, seats and split, which always change together. Raises PermanentError."""
    first, last = _wire.adjacent(seats)
    return {"quantity": len(seats), "seat_from": first, "seat_thru": last, **split_body(split, len(seats))}


def split_body(split: str, quantity: int) -> dict[str, str]:
    """Their split; what has no word there becomes a list of allowed purchases that ends at the quantity."""
    if split == "any":
        return {"split_type": "ANY"}
    if split == "avoid_one":
        return {"split_type": "DONTLEAVEONE"}
    sizes = _wire.split_sizes(split, quantity)
    return {"split_type": "CUSTOM", "splits": ",".join(map(str, sizes))}


def _clock(local_time: str) -> str:
    """HH:MM:SS, or TBD where the time is not known."""
    parts = local_time.split(":")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        return "TBD"
    return ":".join([*(part.zfill(2) for part in parts), "00"][:3])


def stock_type(delivery: DeliveryType) -> str:
    """Their name for a kind of ticket. Raises PermanentError for one that they do not take."""
    if delivery not in STOCK_TYPES:
        raise PermanentError(f"SeatGeek takes no {delivery.replace('_', ' ')} tickets")
    return STOCK_TYPES[delivery]


def proof_form(sale_id: str, proof: Fulfilment, seats: Iterable[str] = ()) -> dict[str, str]:
    """The multipart fields that say an order is handed over.

    `seats`: which ones, where the tickets themselves went before.
    """
    kind = _STOCK_OF_WAY[HandOver(proof.method)]
    form = {"order_id": sale_id, "status": "fulfilled", "delivery_method": kind, "stock_type": kind}
    if proof.transfer_urls:
        form["transfer_url"] = ",".join(proof.transfer_urls)
    if seats:
        form["seats"] = ",".join(seats)
    if proof.step is DeliveryStep.TRANSFER_AGAIN:
        form["retransfer_complete"] = "true"
    return form


def ticket_parts(proof: Fulfilment) -> list[tuple[str, tuple[str, bytes, str] | tuple[None, str]]]:
    """The tickets of an order as multipart parts: barcodes as tokens, or files; in the order of the seats."""
    if proof.method == HandOver.BARCODE:
        return [("tokens[]", (None, ticket.barcode)) for ticket in proof.tickets]
    return [("files[]", (f"seat-{one.seat}.pdf", one.content, one.media_type)) for one in proof.tickets]


def _step(order: Any, state: RemoteSaleState) -> DeliveryStep:
    """What an order waits for; one that came back with a message is to be handed over again."""
    if state is not RemoteSaleState.AWAITING_FULFILMENT:
        return DeliveryStep.UNTOLD
    first, again = _STEPS.get(_wire.text_at(order, "stock_type"), (DeliveryStep.UNTOLD, DeliveryStep.UNTOLD))
    return again if _wire.text_at(order, "fulfillment_issue_message") else first


def event_of(body: Any) -> RemoteEvent | None:
    """A Platform event; None where it has no id or no date."""
    event_id = _wire.text_at(body, "id")
    starts_at = _wire.moment_of(_wire.dig(body, "datetime_utc"))
    if not event_id or starts_at is None:
        return None
    venue = _wire.text_at(body, "venue", "name")
    return RemoteEvent(event_id, _wire.text_at(body, "title"), venue, starts_at, _wire.text_at(body, "url"))


# Only "normal" was ever recorded: the other words are guesses, and what is none of them does nothing.
_EVENT_STATES = {
    "normal": EventState.ON,
    "postponed": EventState.POSTPONED,
    "rescheduled": EventState.RESCHEDULED,
    "relocated": EventState.RELOCATED,
    "cancelled": EventState.CANCELLED,
    "canceled": EventState.CANCELLED,
}


def standing_of(event_id: str, body: Any) -> EventStanding:
    """A Platform event; one whose date is still to be determined tells none."""
    word = _wire.text_at(body, "status")
    dated = _wire.dig(body, "date_tbd") is not True
    return EventStanding(
        event_id=event_id,
        state=_EVENT_STATES.get(word.lower(), EventState.UNKNOWN) if word else EventState.UNTOLD,
        word=word,
        local_date=_wire.text_at(body, "datetime_local")[:10] if dated else "",
        starts_at=_wire.moment_of(_wire.dig(body, "datetime_utc")) if dated else None,
        page=_wire.text_at(body, "url"),
    )


def listing_number(body: Any) -> str:
    """The seller's key of a listing; empty where it tells none."""
    return _wire.text_at(body, "seller_listing_id") or _wire.text_at(body, "ticket_id")


def order_number(body: Any) -> str:
    """An order's id; empty where it tells none."""
    return _wire.text_at(_order_in(body), "id")


def _order_in(body: Any) -> Any:
    return _wire.dig(body, "order") if isinstance(_wire.dig(body, "order"), Mapping) else body


def listing_of(body: Any) -> RemoteListing:
    """Listing. Raises PermanentError where the answer names no listing or no price."""
    ours = listing_number(body)
    price = _wire.decimal_of(_wire.dig(body, "cost"))
    if not ours or price is None:
        raise PermanentError("SeatGeek's answer is no listing")
    quantity = _wire.int_of(_wire.dig(body, "quantity")) or 0
    return RemoteListing(
        listing_id=_wire.text_at(body, "sg_listing_id") or ours,
        external_id=ours,
        event_id=_wire.text_at(body, "event_id"),
        section=_wire.text_at(body, "section"),
        row=_wire.text_at(body, "row"),
        seat_from=_wire.text_at(body, "seat_from"),
        seat_to=_wire.text_at(body, "seat_thru"),
        quantity=quantity,
        price=price,
        currency="USD",
        state=_listing_state(body, quantity),
        updated_at=_wire.moment_of(_wire.dig(body, "updated")),
        event=EventWords(
            _wire.text_at(body, "event"), _wire.text_at(body, "venue"), _wire.text_at(body, "event_date")[:10]
        ),
        delivery=_KINDS.get(_wire.text_at(body, "stock_type")),
    )


def _listing_state(body: Any, quantity: int) -> RemoteListingState:
    if quantity <= 0 or _wire.dig(body, "active") is False or _wire.text_at(body, "status") == "inactive":
        return RemoteListingState.GONE
    hidden = _wire.text_at(body, "hidden_reason_code") or _wire.dig(body, "visible") is False
    return RemoteListingState.HIDDEN if hidden else RemoteListingState.ACTIVE


def sale_of(body: Any) -> RemoteSale:
    """Order. It never names seats: at SeatGeek the seller allocates. Raises PermanentError."""
    order = _order_in(body)
    sale_id, made_at = order_number(body), _wire.moment_of(_wire.dig(order, "created"))
    if not sale_id or made_at is None:
        raise PermanentError("SeatGeek's answer is no order")
    quantity = _wire.int_of(_wire.dig(order, "listing", "quantity")) or 0
    gross, fees, net = _amounts(order, quantity)
    status = _wire.text_at(order, "status")
    state = _order_state(order, status)
    return RemoteSale(
        sale_id=sale_id,
        external_id=_wire.text_at(order, "listing", "id"),
        listing_id=_wire.text_at(order, "listing", "sg_listing_id"),
        event_id=_wire.text_at(order, "event", "seatgeek_event_id"),
        quantity=quantity,
        section=_wire.text_at(order, "listing", "section"),
        row=_wire.text_at(order, "listing", "row"),
        seats=(),
        gross=gross,
        fees=fees,
        proceeds=net,
        currency="USD",
        state=state,
        remote_status=status,
        sold_at=made_at,
        event=EventWords(
            _wire.text_at(order, "event", "name"), _wire.text_at(order, "event", "venue"),
            _wire.text_at(order, "event", "date")[:10],
        ),
        step=_step(order, state), step_note=_wire.text_at(order, "fulfillment_issue_message"),
        handed_over=state is RemoteSaleState.ISSUE,
    )  # fmt: skip


def buyer_of(body: Any) -> Buyer | None:
    """The customer of an order; None where no address is told."""
    email, phone = _wire.text_at(body, "customer", "email"), _wire.text_at(body, "customer", "phone")
    names = (_wire.text_at(body, "customer", name) for name in ("first_name", "last_name"))
    return Buyer(" ".join(filter(None, names)), email, phone) if email or phone else None


def _amounts(order: Any, quantity: int) -> tuple[Decimal, Decimal, Decimal]:
    """Gross, fees and net; total = subtotal - fees fills whichever one is missing."""
    price = _wire.decimal_of(_wire.dig(order, "listing", "price")) or _ZERO
    gross = _wire.decimal_of(_wire.dig(order, "subtotal"))
    fees, net = _wire.decimal_of(_wire.dig(order, "fees")), _wire.decimal_of(_wire.dig(order, "total"))
    if gross is None:
        gross = price * quantity if net is None or fees is None else net + fees
    if net is None:
        net = gross - (fees or _ZERO)
    return gross, gross - net if fees is None else fees, net


def _order_state(order: Any, status: str) -> RemoteSaleState:
    """A message about an order that was handed over is a complaint; before that, it says what is to be done again."""
    state = _ORDER_STATES.get(status.lower(), RemoteSaleState.UNKNOWN)
    if _wire.text_at(order, "fulfillment_issue_message") and state is RemoteSaleState.IN_DELIVERY:
        return RemoteSaleState.ISSUE
    return state


def updated_at(order: Any) -> datetime | None:
    """When an order last changed (UTC); None where it does not say."""
    return _wire.moment_of(_wire.dig(order, "updated")) or _wire.moment_of(_wire.dig(order, "created"))


def invoice_number(body: Any) -> str:
    """An invoice's number; empty where it tells none."""
    invoice = _invoice_in(body)
    return _wire.text_at(invoice, "invoice_id") or _wire.text_at(invoice, "id")


def _invoice_in(body: Any) -> Any:
    return _wire.dig(body, "invoice") or _wire.dig(body, "remittance") or body


def invoice_of(body: Any) -> RemotePayment:
    """A weekly invoice with its charges by order: payments are credits, fees and the rest debits.

    A payment that is taken back and a charge that is given back keep their signs.
    """
    invoice = _invoice_in(body)
    net = _wire.decimal_of(_wire.dig(invoice, "total")) or _ZERO
    charges = _wire.items_at(invoice, "charges")
    return RemotePayment(
        reference=invoice_number(body),
        paid_at=invoice_date(invoice),
        net=net,
        currency="USD",
        lines=_wire.lines_nearest([_invoice_lines(charges, sign) for sign in (-1, 1)], net),
    )


def _invoice_lines(charges: list[Any], sign: int) -> tuple[PaymentLine, ...]:
    """A line for each order; a debit's amount times `sign` is what is taken off."""
    lines: dict[str, list[Decimal]] = {}
    notes: dict[str, list[str]] = {}
    for charge in charges:
        order_id, kind = _wire.text_at(charge, "order_id"), _wire.text_at(charge, "type")
        amount = _wire.decimal_of(_wire.dig(charge, "amount")) or _ZERO
        part = {"order_payment": 0, "seller_fees": 1}.get(kind, 2)
        lines.setdefault(order_id, [_ZERO, _ZERO, _ZERO])[part] += amount if part == 0 else amount * sign
        if part == 2:
            notes.setdefault(order_id, []).append(kind.replace("_", " "))
    return tuple(
        PaymentLine(key, gross, fee, other, gross - fee - other, "; ".join(notes.get(key, ())))
        for key, (gross, fee, other) in lines.items()
    )


def current_of(body: Any) -> RemotePayment | None:
    """The invoice that is being made up: not paid, whatever its date. None for an empty one.

    Whether it has a number already is not documented: where it has one, it is paid under that. Raises TemporaryError
    for what is no invoice.
    """
    if _wire.dig(_invoice_in(body), "total") is None and _wire.dig(_invoice_in(body), "charges") is None:
        raise TemporaryError("SeatGeek's answer is no invoice")
    told = invoice_of(body)
    if not told.lines and told.net == _ZERO:
        return None
    day = told.paid_at if told.paid_at is not None and told.paid_at > datetime.now(UTC) else None
    return replace(told, paid_at=None, expected_at=day)


def invoice_date(invoice: Any) -> datetime | None:
    """When an invoice was paid or made (UTC); the field's name is not documented."""
    for name in ("paid_at", "paid_date", "date", "created", "end_date"):
        moment = _wire.moment_of(_wire.dig(invoice, name))
        if moment is not None:
            return moment.astimezone(UTC)
    return None


def market_point_of(body: Any) -> MarketPoint | None:
    """A broker data listing by its compact keys; its broadcast price is a list price. None where it has neither."""
    broadcast, retail = _wire.decimal_of(_wire.dig(body, "bp")), _wire.decimal_of(_wire.dig(body, "pf"))
    price = retail if broadcast is None else broadcast
    if price is None:
        return None
    return MarketPoint(
        remote_listing_id=_wire.text_at(body, "sglid") or _wire.text_at(body, "id"),
        section=_wire.text_at(body, "s"),
        row=_wire.text_at(body, "r"),
        quantity=_wire.int_of(_wire.dig(body, "q")),
        price=price,
        currency="USD",
        basis=PriceBasis.ALL_IN if broadcast is None else PriceBasis.LIST,
    )
