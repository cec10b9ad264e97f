"""StubHub's words and ours. Unknown fields are ignored, unknown sale states become `unknown`."""

from decimal import Decimal
from typing import Any

from marketplaces.contracts import (
    Constraints,
    Draft,
    MarketPoint,
    PriceBasis,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemoteSale,
    RemoteSaleState,
)  # fmt: skip
from marketplaces.errors import PermanentError
from marketplaces.wire import amount, moment, number

SPLITS = {
    "any": "Any",
    "none": "None",
    "pairs": "Pairs",
    "avoid_one": "AvoidOne",
    "avoid_one_and_three": "AvoidOneAndThree",
}
TICKET_TYPE = "MobileTransfer"

_S = RemoteSaleState
SALE_STATES: dict[str, RemoteSaleState] = {
    "UnderReview": _S.PROVISIONAL,
    "ConfirmSale": _S.AWAITING_CONFIRM,
    **dict.fromkeys(
        (
            "UploadETickets", "UploadTicketsLinks", "TransferTDT", "UploadQRCodes", "UploadBarcodes",
            "ReenterBarcodes", "PrintShippingLabels", "EnterTrackingNumbers", "DropOffTickets",
            "UploadReservationCode", "WaitForShippingDetails", "WaitUntil2DaysBeforeTheEvent",
        ),
        _S.AWAITING_FULFILMENT,
    ),
    **dict.fromkeys(
        ("WaitForCourierPickup", "OnTheWay", "WaitingForBuyerPickup", "ProcessingTransfer", "GetPaid"), _S.IN_DELIVERY
    ),
    "Complete": _S.COMPLETE,
    "Cancelled": _S.CANCELLED,
    "Issue": _S.ISSUE,
}  # fmt: skip


def money(value: Decimal, currency: str) -> dict[str, Any]:
    """A Money body."""
    return {"amount": number(value), "currency_code": currency}


def listing_body(draft: Draft, *, known_event: bool) -> dict[str, Any]:
    """A Post(RequestedEvent)SellerListingRequest; with an unknown event its names go along."""
    body: dict[str, Any] = {
        "ticket_price": money(draft.price, draft.currency),
        "seating": {
            "section": draft.section, "row": draft.row, "seat_from": str(draft.seats[0]),
            "seat_to": str(draft.seats[-1]),
        },
        "ticket_type": TICKET_TYPE,
        "split_type": SPLITS[draft.split],
        "number_of_tickets": draft.quantity,
        "external_id": draft.external_id,
        "published": True,
    }  # fmt: skip
    if draft.face_value is not None:
        body["face_value"] = money(draft.face_value, draft.currency)
    if draft.in_hand_at is not None:
        body["in_hand_at"] = draft.in_hand_at.isoformat()
    if not known_event:
        body["event"] = {"name": draft.event_name, "start_date": draft.starts_at.isoformat(), "date_confirmed": True}
        body["venue"] = {"name": draft.venue, "city": ""}
        body["country"] = {"code": "US"}
    return body


def listing_of(body: dict[str, Any], event_id: str = "") -> RemoteListing:
    """A SellerListing resource. Raises PermanentError where it is not one."""
    try:
        price = body["ticket_price"]
        seating = body.get("seating") or {}
        event = (body.get("_embedded") or {}).get("event") or {}
        proceeds = body.get("ticket_proceeds")
        return RemoteListing(
            listing_id=str(body["id"]),
            external_id=body.get("external_id") or "",
            event_id=str(event.get("id") or event_id),
            section=seating.get("section") or "",
            row=seating.get("row") or "",
            seat_from=seating.get("seat_from") or "",
            seat_to=seating.get("seat_to") or "",
            quantity=int(body.get("number_of_tickets") or 0),
            price=amount(price["amount"]),
            currency=price["currency_code"],
            state=RemoteListingState.HIDDEN if body.get("undeliverable") else RemoteListingState.ACTIVE,
            proceeds=amount(proceeds["amount"]) if proceeds else None,
            updated_at=moment(body.get("updated_at")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(f"an answer that is no listing: {error!r}") from error


def seats_between(seat_from: str | None, seat_to: str | None, quantity: int) -> tuple[str, ...]:
    """The seats of a contiguous block; empty where the labels are not numbers or do not make `quantity` seats."""
    if not (seat_from and seat_to and seat_from.isdigit() and seat_to.isdigit()):
        return ()
    seats = tuple(str(seat) for seat in range(int(seat_from), int(seat_to) + 1))
    return seats if len(seats) == quantity else ()


def sale_of(body: dict[str, Any]) -> RemoteSale:
    """A Sale resource. `proceeds` is the whole sale's; gross is the listing price where told, else proceeds alone."""
    try:
        embedded = body.get("_embedded") or {}
        listing = embedded.get("seller_listing") or {}
        seating = body.get("seating") or {}
        quantity = int(body["number_of_tickets"])
        proceeds = amount(body["proceeds"]["amount"])
        price = listing.get("ticket_price")
        gross = amount(price["amount"]) * quantity if price else proceeds
        status = str(body.get("status") or "")
        sold_at = moment(body.get("created_at"))
        if sold_at is None:
            raise PermanentError("a sale without created_at")
        return RemoteSale(
            sale_id=str(body["id"]),
            external_id=body.get("external_listing_id") or listing.get("external_id") or "",
            listing_id=str(listing.get("id") or ""),
            event_id=str((embedded.get("event") or {}).get("id") or ""),
            quantity=quantity,
            section=seating.get("section") or "",
            row=seating.get("row") or "",
            seats=seats_between(seating.get("seat_from"), seating.get("seat_to"), quantity),
            gross=gross,
            fees=gross - proceeds,
            proceeds=proceeds,
            currency=body["proceeds"]["currency_code"],
            state=SALE_STATES.get(status, RemoteSaleState.UNKNOWN),
            remote_status=status,
            sold_at=sold_at,
            confirm_by=moment(body.get("confirm_by")),
            ship_by=moment(body.get("ship_by")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(f"an answer that is no sale: {error!r}") from error


def constraints_of(body: dict[str, Any]) -> Constraints:
    """A ListingConstraints resource."""
    embedded = body.get("_embedded") or {}
    lowest, highest = body.get("min_ticket_price"), body.get("max_ticket_price")
    return Constraints(
        min_price=amount(lowest["amount"]) if lowest else None,
        max_price=amount(highest["amount"]) if highest else None,
        min_quantity=int(body.get("min_number_of_tickets") or 1),
        max_quantity=body.get("max_number_of_tickets"),
        split_types=tuple(item["type"] for item in embedded.get("split_types") or ()),
        ticket_types=tuple(item["type"] for item in embedded.get("ticket_types") or ()),
        sections=tuple(item["name"] for item in body.get("sections") or ()),
        seats_required=bool(body.get("seats_required")),
        currency=lowest["currency_code"] if lowest else "USD",
    )


def event_of(body: dict[str, Any]) -> RemoteEvent | None:
    """A catalog Event; None for one without a date."""
    starts_at = moment(body.get("start_date"))
    if starts_at is None:
        return None
    venue = ((body.get("_embedded") or {}).get("venue") or {}).get("name") or ""
    return RemoteEvent(str(body["id"]), body.get("name") or "", venue, starts_at)


def market_of(body: dict[str, Any]) -> MarketPoint | None:
    """What a catalog Event tells of the market: the lowest price, all-in display unknown, so stated as list."""
    lowest = body.get("min_ticket_price")
    if not lowest:
        return None
    return MarketPoint("", "", "", None, amount(lowest["amount"]), lowest["currency_code"], PriceBasis.LIST)
