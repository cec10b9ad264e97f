"""SeatGeek's words and ours."""

from typing import Any

from marketplaces.contracts import Draft, RemoteListing, RemoteListingState, RemoteSale, RemoteSaleState
from marketplaces.errors import PermanentError
from marketplaces.wire import amount, moment, number

_S = RemoteSaleState
ORDER_STATES = {
    "submitted": _S.AWAITING_CONFIRM,
    "confirmed": _S.AWAITING_FULFILMENT,
    "fulfilled": _S.IN_DELIVERY,
    "denied": _S.CANCELLED,
    "void": _S.CANCELLED,
}


def split_fields(split: str, quantity: int) -> dict[str, str]:
    """SeatGeek's split words; a CUSTOM list must end at the quantity."""
    if split == "any":
        return {"split_type": "ANY"}
    if split == "avoid_one":
        return {"split_type": "DONTLEAVEONE"}
    if split == "pairs":
        allowed = range(2, quantity + 1, 2)
    elif split == "none":
        allowed = range(quantity, quantity + 1)
    else:
        allowed = range(1, quantity + 1)
    kept = [n for n in allowed if split != "avoid_one_and_three" or quantity - n not in {1, 3}]
    return {"split_type": "CUSTOM", "splits": ",".join(map(str, kept))}


def listing_body(draft: Draft) -> dict[str, Any]:
    """The body of PUT /listings/single/{id}; the event is named in words, its id goes along where known."""
    body: dict[str, Any] = {
        "seller_listing_id": draft.external_id,
        "event": draft.event_name,
        "venue": draft.venue,
        "event_date": draft.local_date,
        "event_time": draft.local_time,
        "quantity": draft.quantity,
        "cost": number(draft.price),
        "section": draft.section,
        "row": draft.row,
        "seat_from": draft.seats[0],
        "seat_thru": draft.seats[-1],
        "is_edelivery": True,
        "stock_type": "mobile",
        **split_fields(draft.split, draft.quantity),
    }
    if draft.event_id.isdigit():
        body["event_id"] = int(draft.event_id)
    if draft.in_hand_at is not None:
        body["in_hand_date"] = f"{draft.in_hand_at:%Y-%m-%d}"
    return body


def listing_of(body: dict[str, Any]) -> RemoteListing:
    """A listing object. An inactive one, or one without seats left, is gone."""
    try:
        quantity = int(body.get("quantity") or 0)
        inactive = body.get("status") in {"inactive", "deleted"} or quantity == 0
        hidden = bool(body.get("hidden_reason_code"))
        shown = RemoteListingState.HIDDEN if hidden else RemoteListingState.ACTIVE
        return RemoteListing(
            listing_id=str(body.get("sg_listing_id") or body["seller_listing_id"]),
            external_id=str(body["seller_listing_id"]),
            event_id=str(body.get("event_id") or ""),
            section=str(body.get("section") or ""),
            row=str(body.get("row") or ""),
            seat_from=str(body.get("seat_from") or ""),
            seat_to=str(body.get("seat_thru") or ""),
            quantity=quantity,
            price=amount(body["cost"]),
            currency="USD",
            state=RemoteListingState.GONE if inactive else shown,
            updated_at=moment(body.get("updated")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(f"an answer that is no listing: {error!r}") from error


def sale_of(body: dict[str, Any]) -> RemoteSale:
    """An order. The seats are the seller's to choose, so none are read; total = subtotal - fees, unrounded there."""
    try:
        listing = body.get("listing") or {}
        gross = amount(body["subtotal"])
        fees = amount(body.get("fees"))
        proceeds = amount(body["total"]) if body.get("total") is not None else gross - fees
        status = str(body.get("status") or "")
        sold_at = moment(body.get("created"))
        if sold_at is None:
            raise PermanentError("an order without created")
        seats = str(body.get("seats") or "")
        return RemoteSale(
            sale_id=str(body["id"]),
            external_id=str(listing.get("id") or ""),
            listing_id="",
            event_id=str((body.get("event") or {}).get("seatgeek_event_id") or ""),
            quantity=int(listing["quantity"]),
            section=str(listing.get("section") or ""),
            row=str(listing.get("row") or ""),
            seats=tuple(seat.strip() for seat in seats.split(",") if seat.strip()),
            gross=gross,
            fees=fees,
            proceeds=proceeds,
            currency="USD",
            state=ORDER_STATES.get(status, RemoteSaleState.UNKNOWN),
            remote_status=status,
            sold_at=sold_at,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PermanentError(f"an answer that is no order: {error!r}") from error
