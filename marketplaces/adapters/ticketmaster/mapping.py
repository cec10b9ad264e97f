"""The port's shapes, Discovery's events, and the webhook's signature."""

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import (
    Buyer,
    Constraints,
    Draft,
    EventStanding,
    EventState,
    Notice,
    NoticeKind,
    PaymentLine,
    Preview,
    PrimaryLeft,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import DeliveryStep, DeliveryType
from marketplaces.errors import BadSignature, PermanentError

SIGNATURE_HEADER = "x-resale-signature"
# The port takes ours by their own names.
SPLITS = frozenset({"any", "none", "pairs", "avoid_one", "avoid_one_and_three"})
_ZERO = Decimal("0.00")
_LISTING_STATES = {"active": RemoteListingState.ACTIVE, "hidden": RemoteListingState.HIDDEN}
_ORDER_STATES = {
    "new": RemoteSaleState.AWAITING_CONFIRM,
    "confirmed": RemoteSaleState.AWAITING_FULFILMENT,
    "transferring": RemoteSaleState.IN_DELIVERY,
    # The buyer has them: that it was paid is told by the payouts.
    "completed": RemoteSaleState.IN_DELIVERY,
    "rejected": RemoteSaleState.CANCELLED,
    "cancelled": RemoteSaleState.CANCELLED,
}
_KINDS = {
    "order.created": NoticeKind.SALE,
    "order.cancelled": NoticeKind.SALE_UPDATE,
    "order.transfer_problem": NoticeKind.SALE_UPDATE,
    "listing.changed": NoticeKind.LISTING_UPDATE,
    "ping": NoticeKind.PING,
}


# What we send.
def listing_body(draft: Draft) -> dict[str, Any]:
    """A listing of the port. Amounts are text, so that no reader makes them binary fractions."""
    _wire.adjacent(draft.seats)
    if draft.delivery is not DeliveryType.MOBILE_TRANSFER:
        raise PermanentError("Ticketmaster takes tickets that are transferred by phone alone")
    body: dict[str, Any] = {
        "section": draft.section, "row": draft.row, "seats": sorted(draft.seats), "split": draft.split,
        "price": amount_body(draft.price, draft.currency), "delivery": "mobile_transfer", **event_body(draft),
    }  # fmt: skip
    if draft.in_hand_at is not None:
        body["in_hand_on"] = f"{draft.in_hand_at:%Y-%m-%d}"
    if draft.disclosures:
        body["notes"] = list(draft.disclosures)
    if draft.face_value is not None:
        body["face_value"] = amount_body(draft.face_value, draft.currency)
    return body


def event_body(draft: Draft) -> dict[str, Any]:
    """The event by its id or, where it is not mapped yet, in words."""
    if draft.event_id:
        return {"event_id": draft.event_id}
    starts = f"{draft.local_date}T{draft.local_time or '00:00:00'}"
    return {"event": {"name": draft.event_name, "venue": draft.venue.partition(",")[0].strip(), "local_start": starts}}


def amount_body(amount: Decimal, currency: str) -> dict[str, str]:
    """Money."""
    return {"amount": str(_wire.cents(amount)), "currency": currency}


# What we read.
def event_of(body: Any) -> RemoteEvent | None:
    """Discovery's event; None where it has no id or no moment (its time is still to be announced)."""
    event_id = _wire.text_at(body, "id")
    starts_at = _wire.moment_of(_wire.dig(body, "dates", "start", "dateTime"))
    if not event_id or starts_at is None:
        return None
    venue = next(iter(_wire.items_at(body, "_embedded", "venues")), None)
    return RemoteEvent(
        event_id, _wire.text_at(body, "name"), _wire.text_at(venue, "name"), starts_at, _wire.text_at(body, "url")
    )


def local_day(body: Any) -> str:
    """The day (YYYY-MM-DD) of Discovery's event where it is played; empty where that is not told."""
    return _wire.text_at(body, "dates", "start", "localDate")


# As the published description lists them; off sale are primary tickets, which says nothing of a resale.
_EVENT_STATES = {
    "onsale": EventState.ON,
    "offsale": EventState.ON,
    "canceled": EventState.CANCELLED,
    "cancelled": EventState.CANCELLED,
    "postponed": EventState.POSTPONED,
    "rescheduled": EventState.RESCHEDULED,
}


def standing_of(event_id: str, body: Any) -> EventStanding:
    """Discovery's event; a date that is to be determined or announced is told by nobody."""
    word, start = _wire.text_at(body, "dates", "status", "code"), _wire.dig(body, "dates", "start")
    dated = not any(_wire.dig(start, name) is True for name in ("dateTBD", "dateTBA"))
    return EventStanding(
        event_id=event_id,
        state=_EVENT_STATES.get(word.lower(), EventState.UNKNOWN) if word else EventState.UNTOLD,
        word=word,
        local_date=local_day(body) if dated else "",
        starts_at=_wire.moment_of(_wire.dig(start, "dateTime")) if dated else None,
        page=_wire.text_at(body, "url"),
    )


_PRIMARY = {
    "TICKETS_AVAILABLE": PrimaryLeft.PLENTY,
    "FEW_TICKETS_LEFT": PrimaryLeft.FEW,
    "TICKETS_NOT_AVAILABLE": PrimaryLeft.NONE,
}


def primary_left_of(status: str) -> PrimaryLeft:
    """Inventory Status in our words."""
    return _PRIMARY.get(status, PrimaryLeft.UNKNOWN)


def constraints_of(body: Any) -> Constraints:
    """Constraints."""
    return Constraints(
        min_price=_wire.decimal_of(_wire.dig(body, "min_price")),
        max_price=_wire.decimal_of(_wire.dig(body, "max_price")),
        max_quantity=_wire.int_of(_wire.dig(body, "max_quantity")),
        splits=tuple(split for split in map(str, _wire.items_at(body, "splits")) if split in SPLITS),
        ticket_types=tuple(map(str, _wire.items_at(body, "deliveries"))),
        sections=tuple(map(str, _wire.items_at(body, "sections"))),
        seats_required=bool(_wire.dig(body, "seats_required")),
        currency=_wire.text_at(body, "currency") or "USD",
    )


def preview_of(body: Any) -> Preview:
    """Preview. Raises PermanentError where it tells no proceeds."""
    price, proceeds = _money(body, "price"), _money(body, "proceeds")
    if price is None or proceeds is None:
        raise PermanentError("the preview tells no proceeds")
    return Preview(price, proceeds, _money(body, "buyer_pays"), _wire.text_at(body, "price", "currency") or "USD")


def listing_of(body: Any) -> RemoteListing:
    """Listing. Raises PermanentError where it names no listing or no price."""
    listing_id, price = _wire.text_at(body, "id"), _money(body, "price")
    if not listing_id or price is None:
        raise PermanentError("the answer is no listing")
    seats = sorted(number for seat in _wire.items_at(body, "seats") if (number := _wire.int_of(seat)) is not None)
    return RemoteListing(
        listing_id=listing_id,
        external_id=_wire.text_at(body, "key"),
        event_id=_wire.text_at(body, "event_id"),
        section=_wire.text_at(body, "section"),
        row=_wire.text_at(body, "row"),
        seat_from=str(seats[0]) if seats else "",
        seat_to=str(seats[-1]) if seats else "",
        quantity=len(seats),
        price=price,
        currency=_wire.text_at(body, "price", "currency") or "USD",
        state=_LISTING_STATES.get(_wire.text_at(body, "state"), RemoteListingState.GONE),
        proceeds=_money(body, "proceeds"),
        all_in=_money(body, "buyer_pays"),
        updated_at=_wire.moment_of(_wire.dig(body, "updated_at")),
        views=_wire.int_of(_wire.dig(body, "views")),
    )


def sale_of(body: Any) -> RemoteSale:
    """Order. Raises PermanentError where it is none."""
    sale_id, sold_at = _wire.text_at(body, "id"), _wire.moment_of(_wire.dig(body, "created_at"))
    gross, fees = _money(body, "gross"), _money(body, "fees")
    if not sale_id or sold_at is None or gross is None or fees is None:
        raise PermanentError("the answer is no order")
    state = _ORDER_STATES.get(_wire.text_at(body, "status"), RemoteSaleState.UNKNOWN)
    buyer = Buyer(_wire.text_at(body, "buyer", "name"), _wire.text_at(body, "buyer", "email"))
    status, seats = _wire.text_at(body, "status"), tuple(map(str, _wire.items_at(body, "seats")))
    return RemoteSale(
        sale_id=sale_id,
        external_id=_wire.text_at(body, "listing_key"),
        listing_id=_wire.text_at(body, "listing_id"),
        event_id=_wire.text_at(body, "event_id"),
        quantity=_wire.int_of(_wire.dig(body, "quantity")) or len(seats),
        section=_wire.text_at(body, "section"),
        row=_wire.text_at(body, "row"),
        seats=seats,
        gross=gross,
        fees=fees,
        proceeds=gross - fees,
        currency=_wire.text_at(body, "gross", "currency") or "USD",
        state=state,
        remote_status=status,
        sold_at=sold_at,
        confirm_by=_wire.moment_of(_wire.dig(body, "confirm_by")),
        ship_by=_wire.moment_of(_wire.dig(body, "transfer_by")),
        step=_step(body, state),
        step_note=_wire.text_at(body, "transfer_problem"),
        buyer=buyer if buyer.email else None,
    )


def _step(body: Any, state: RemoteSaleState) -> DeliveryStep:
    if state is not RemoteSaleState.AWAITING_FULFILMENT:
        return DeliveryStep.UNTOLD
    return DeliveryStep.TRANSFER_AGAIN if _wire.text_at(body, "transfer_problem") else DeliveryStep.TRANSFER


def payment_of(body: Any) -> RemotePayment:
    """Payout."""
    return RemotePayment(
        reference=_wire.text_at(body, "reference"),
        paid_at=_wire.moment_of(_wire.dig(body, "paid_at")),
        net=_money(body, "net") or _ZERO,
        currency=_wire.text_at(body, "net", "currency") or "USD",
        lines=tuple(_line(item) for item in _wire.items_at(body, "lines")),
    )


def _line(item: Any) -> PaymentLine:
    gross, fee, penalty = (_money(item, name) or _ZERO for name in ("gross", "fee", "penalty"))
    return PaymentLine(_wire.text_at(item, "order_id"), gross, fee, penalty, gross - fee - penalty)


def _money(body: Any, name: str) -> Decimal | None:
    return _wire.decimal_of(_wire.dig(body, name, "amount"))


# The webhook.
def verify(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises BadSignature unless the header is sha256=HMAC(secret, body)."""
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    given = headers.get(SIGNATURE_HEADER, "")
    if not secret or not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadSignature("the signature is not one of this body")


def notices_of(raw: bytes) -> list[Notice]:
    """The one item of a delivery. Raises PermanentError where the body is not JSON."""
    body = _wire.parsed(raw)
    topic = _wire.text_at(body, "type")
    kind = _KINDS.get(topic, NoticeKind.UNKNOWN)
    about = "listing" if kind is NoticeKind.LISTING_UPDATE else "order"
    return [
        Notice(
            kind=kind, topic=topic, action=_wire.text_at(body, about, "status"),
            resource_id=_wire.text_at(body, about, "id"),
            external_id=_wire.text_at(body, about, "listing_key") or _wire.text_at(body, about, "key"),
            delivery_id=_wire.text_at(body, "id"), body=raw,
            listing_id=_wire.text_at(body, about, "id" if about == "listing" else "listing_id"),
        )
    ]  # fmt: skip
