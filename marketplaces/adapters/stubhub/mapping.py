"""StubHub's shapes to ours and back. Reading is lenient; what is sent fits the published schema."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import (
    Buyer,
    Constraints,
    Draft,
    EventStanding,
    EventState,
    EventWords,
    RemoteEvent,
    RemoteListing,
    RemoteListingState,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import DeliveryStep, DeliveryType, Fulfilment, HandOver, SeatTicket
from marketplaces.errors import PermanentError

SPLITS = {
    "any": "Any", "none": "None", "pairs": "Pairs", "avoid_one": "AvoidOne",
    "avoid_one_and_three": "AvoidOneAndThree",
}  # fmt: skip
_OURS = {theirs: ours for ours, theirs in SPLITS.items()}
# Their names for a kind of ticket, the usual one first; the constraints are asked only where that is refused.
TICKET_TYPES: dict[DeliveryType, tuple[str, ...]] = {
    DeliveryType.MOBILE_TRANSFER: ("MobileTransfer", "TicketMasterMobile", "ElectronicTransfer", "ETicketUrl"),
    DeliveryType.BARCODE: ("ElectronicTransfer", "ETicket"),
    DeliveryType.PDF: ("ETicket",),
    DeliveryType.QR_CODE: ("MobileQRCode", "ETicket"),
    DeliveryType.PAPER: ("PaperTicket",),
}
# The currencies in which prices are offered, by the country that a requested event in each of them is asked for in.
COUNTRIES = {"USD": "US", "CAD": "CA", "GBP": "GB"}
# What a status is to us: where the sale stands, and what it waits for.
# What a listing's ticket type tells of its tickets. `ElectronicTransfer` is said of phones and of barcodes.
_KINDS = {
    "MobileTransfer": DeliveryType.MOBILE_TRANSFER, "TicketMasterMobile": DeliveryType.MOBILE_TRANSFER,
    "ETicketUrl": DeliveryType.MOBILE_TRANSFER, "ETicket": DeliveryType.PDF, "MobileQRCode": DeliveryType.QR_CODE,
    "PaperTicket": DeliveryType.PAPER,
}  # fmt: skip
_STATUSES: dict[str, tuple[RemoteSaleState, DeliveryStep]] = {
    "UnderReview": (RemoteSaleState.PROVISIONAL, DeliveryStep.UNTOLD),
    "ConfirmSale": (RemoteSaleState.AWAITING_CONFIRM, DeliveryStep.UNTOLD),
    "UploadETickets": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.FILES),
    "UploadTicketsLinks": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.LINKS),
    "TransferTDT": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.TRANSFER),
    "UploadQRCodes": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.QR_CODES),
    "UploadBarcodes": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.BARCODES),
    "ReenterBarcodes": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.BARCODES_AGAIN),
    "PrintShippingLabels": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.LABELS),
    "EnterTrackingNumbers": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.TRACKING),
    "WaitForShippingDetails": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.ADDRESS),
    "WaitUntil2DaysBeforeTheEvent": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.LATER),
    "DropOffTickets": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.DROP_OFF),
    "UploadReservationCode": (RemoteSaleState.AWAITING_FULFILMENT, DeliveryStep.RESERVATION_CODE),
    "WaitForCourierPickup": (RemoteSaleState.IN_DELIVERY, DeliveryStep.COURIER),
    "OnTheWay": (RemoteSaleState.IN_DELIVERY, DeliveryStep.ON_THE_WAY),
    "ProcessingTransfer": (RemoteSaleState.IN_DELIVERY, DeliveryStep.ARRIVING),
    "WaitingForBuyerPickup": (RemoteSaleState.IN_DELIVERY, DeliveryStep.PICKUP),
    "GetPaid": (RemoteSaleState.IN_DELIVERY, DeliveryStep.PAYMENT),
    "Complete": (RemoteSaleState.COMPLETE, DeliveryStep.UNTOLD),
    "Cancelled": (RemoteSaleState.CANCELLED, DeliveryStep.UNTOLD),
    "Issue": (RemoteSaleState.ISSUE, DeliveryStep.UNTOLD),
}


def status_words(status: str) -> str:
    """One form for the enum and for its localised text: `ConfirmSale` and `Confirm Sales` are the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", status)
    return "".join(word.lower().removesuffix("s") for word in re.findall(r"[A-Za-z0-9]+", spaced))


_BY_WORDS = {status_words(name): meant for name, meant in _STATUSES.items()}


def sale_state(status: str) -> RemoteSaleState:
    """Our word for their status; an unknown one is unknown, never guessed."""
    return _meant(status)[0]


def _meant(status: str) -> tuple[RemoteSaleState, DeliveryStep]:
    return _BY_WORDS.get(status_words(status), (RemoteSaleState.UNKNOWN, DeliveryStep.UNTOLD))


def money(amount: Decimal, currency: str) -> dict[str, Any]:
    """Their Money."""
    return {"amount": _wire.cents(amount), "currency_code": currency}


def seating(section: str, row: str, seats: tuple[int, ...]) -> dict[str, Any]:
    """Their seating, whole: on a change, a field that is left out is blanked. Raises PermanentError."""
    first, last = _wire.adjacent(seats)
    return {"section": section, "row": row, "seat_from": str(first), "seat_to": str(last)}


def listing_body(draft: Draft, *, ticket_type: str, preview: bool = False) -> dict[str, Any]:
    """PostSellerListingRequest, or with an unknown event PostRequestedEventSellerListingRequest, or their previews."""
    body: dict[str, Any] = {
        "ticket_price": money(draft.price, draft.currency),
        "seating": seating(draft.section, draft.row, draft.seats),
        "ticket_type": ticket_type,
        "split_type": split_type(draft.split),
        "number_of_tickets": draft.quantity,
    }
    if not preview:
        body |= {"external_id": draft.external_id, "published": True}
    if draft.face_value is not None:
        body["face_value"] = money(draft.face_value, draft.currency)
    if draft.in_hand_at is not None:
        body["in_hand_at"] = draft.in_hand_at.astimezone(UTC).isoformat()
    if draft.disclosures:
        body["notes"] = "; ".join(draft.disclosures)
    if draft.tickets and not preview:
        body["barcodes"] = barcodes(draft.tickets, draft.row)
    return body if draft.event_id else body | event_body(draft)


def split_type(split: str) -> str:
    """Their split; raises PermanentError for one that is not ours."""
    if split not in SPLITS:
        raise PermanentError(f"{split!r} is not a split")
    return SPLITS[split]


def event_body(draft: Draft) -> dict[str, Any]:
    """The event in words, for the platform to map (PutRequestedEventRequest)."""
    name, _, place = draft.venue.partition(",")
    city, _, state = place.partition(",")
    # `city` is required and may be null: a venue's name alone is what we are sure of.
    venue: dict[str, Any] = {"name": name.strip(), "city": city.strip() or None}
    if state.strip():
        venue["state_province"] = state.strip()
    event = {"name": draft.event_name, "start_date": local_start(draft), "date_confirmed": True}
    return {"event": event, "venue": venue, "country": {"code": COUNTRIES.get(draft.currency, "US")}}


def local_start(draft: Draft) -> str:
    """The start in the venue's wall clock with its offset, found from the local and the UTC moment."""
    moment = draft.starts_at.astimezone(UTC)
    try:
        wall = datetime.fromisoformat(f"{draft.local_date}T{draft.local_time}").replace(tzinfo=UTC)
    except ValueError:
        return moment.isoformat()
    offset = timedelta(minutes=round((wall - moment).total_seconds() / 60))
    return moment.isoformat() if abs(offset) >= timedelta(hours=24) else moment.astimezone(timezone(offset)).isoformat()


def proof_body(proof: Fulfilment, row: str = "") -> dict[str, Any]:
    """PatchSaleRequest of a hand-over that is told in one call.

    A reservation code and an office's receipt have no field of their own: they go as the confirmation number.
    """
    if proof.method == HandOver.BARCODE:
        return {"barcodes": barcodes(proof.tickets, row)}
    if proof.transfer_urls:
        return {"eticket_urls": [{"url": url, "index": index} for index, url in enumerate(proof.transfer_urls)]}
    if proof.method == HandOver.TRACKING:
        return {"tracking_number": proof.confirmation}
    return {"transfer_confirmation_number": proof.confirmation}


def barcodes(tickets: Iterable[SeatTicket], row: str) -> list[dict[str, Any]]:
    """BarcodeInformation2 of each seat, in the order of the seats."""
    return [
        {"seat_ordinal": ordinal, "seat": ticket.seat, "row": row or None, "barcode_values": [ticket.barcode]}
        for ordinal, ticket in enumerate(tickets, start=1)
    ]


def event_of(body: Any) -> RemoteEvent | None:
    """An event; None where it has no id or no date."""
    event_id, starts_at = _wire.text_at(body, "id"), _wire.moment_of(_wire.dig(body, "start_date"))
    if not event_id or starts_at is None:
        return None
    venue = _wire.text_at(body, "_embedded", "venue", "name")
    return RemoteEvent(event_id, _wire.text_at(body, "name"), venue, starts_at, _page_of(body))


def _page_of(body: Any) -> str:
    """The event's page on the website, which the Catalog links to."""
    return _wire.text_at(body, "_links", "event:webpage", "href")


_EVENT_STATES = {
    "normal": EventState.ON,
    "contingent": EventState.ON,  # a play-off game that is played if it is needed
    "postponed": EventState.POSTPONED,
    "rescheduled": EventState.RESCHEDULED,
    "relocated": EventState.RELOCATED,
    "relocatedandrescheduled": EventState.RELOCATED,
    "cancelled": EventState.CANCELLED,
    "deleted": EventState.CANCELLED,
}


def standing_of(event_id: str, body: Any) -> EventStanding:
    """Catalog Event. A date that is not confirmed counts as not told; one without a status is told by its date."""
    word = _wire.text_at(body, "status")
    dated = _wire.dig(body, "date_confirmed") is not False
    return EventStanding(
        event_id=event_id,
        state=_EVENT_STATES.get(word.lower(), EventState.UNKNOWN) if word else EventState.UNTOLD,
        word=word,
        starts_at=_wire.moment_of(_wire.dig(body, "start_date")) if dated else None,
        page=_page_of(body),
    )


def amount_at(body: Any, name: str) -> Decimal | None:
    """The amount of a Money field; None where missing."""
    return _wire.decimal_of(_wire.dig(body, name, "amount"))


def constraints_of(body: Any, currency: str) -> Constraints:
    """ListingConstraints."""
    bounds = (_wire.dig(body, "min_ticket_price"), _wire.dig(body, "max_ticket_price"))
    told = next((code for bound in bounds if (code := _wire.text_at(bound, "currency_code"))), currency)
    return Constraints(
        min_price=amount_at(body, "min_ticket_price"),
        max_price=amount_at(body, "max_ticket_price"),
        min_quantity=_wire.int_of(_wire.dig(body, "min_number_of_tickets")) or 1,
        max_quantity=_wire.int_of(_wire.dig(body, "max_number_of_tickets")),
        splits=tuple(_OURS[name] for name in _names(body, ("_embedded", "split_types"), "type") if name in _OURS),
        ticket_types=_names(body, ("_embedded", "ticket_types"), "type"),
        sections=_names(body, ("sections",), "name"),
        seats_required=_wire.dig(body, "seats_required") is True,
        currency=told,
    )


def _names(body: Any, path: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(name for item in _wire.items_at(body, *path) if (name := _wire.text_at(item, key)))


def listing_of(body: Any) -> RemoteListing:
    """SellerListing. Raises PermanentError where the answer names no listing or no price."""
    price = amount_at(body, "ticket_price")
    listing_id = _wire.text_at(body, "id")
    if price is None or not listing_id:
        raise PermanentError("StubHub's answer is no seller listing")
    quantity = _wire.int_of(_wire.dig(body, "number_of_tickets")) or 0
    return RemoteListing(
        listing_id=listing_id,
        external_id=_wire.text_at(body, "external_id"),
        event_id=_wire.text_at(body, "_embedded", "event", "id"),
        section=_wire.text_at(body, "seating", "section"),
        row=_wire.text_at(body, "seating", "row"),
        seat_from=_wire.text_at(body, "seating", "seat_from"),
        seat_to=_wire.text_at(body, "seating", "seat_to"),
        quantity=quantity,
        price=price,
        currency=_wire.text_at(body, "ticket_price", "currency_code") or "USD",
        state=_listing_state(body, quantity),
        proceeds=amount_at(body, "ticket_proceeds"),
        updated_at=_wire.moment_of(_wire.dig(body, "updated_at")),
        event=event_words(body),
        undeliverable=_wire.dig(body, "undeliverable") is True,
        expires_at=_wire.moment_of(_wire.dig(body, "expires_at")),
        delivery=_KINDS.get(_wire.text_at(body, "_embedded", "ticket_type", "type")),
    )


def event_words(body: Any) -> EventWords:
    """The event that a listing or a sale embeds."""
    about = _wire.dig(body, "_embedded", "event")
    venue = _wire.text_at(about, "_embedded", "venue", "name") or _wire.text_at(body, "_embedded", "venue", "name")
    starts_at = _wire.moment_of(_wire.dig(about, "start_date"))
    return EventWords(_wire.text_at(about, "name"), venue, starts_at=starts_at)


def _listing_state(body: Any, quantity: int) -> RemoteListingState:
    if quantity <= 0:
        return RemoteListingState.GONE
    links = _wire.dig(body, "_links") or {}
    # The schema has no `published`: a listing that can be published is off sale.
    unpublished = "sellerlisting:publish" in links and "sellerlisting:unpublish" not in links
    if unpublished or _wire.dig(body, "undeliverable") is True:
        return RemoteListingState.HIDDEN
    return RemoteListingState.ACTIVE


def sale_of(body: Any) -> RemoteSale:
    """Sale. StubHub tells proceeds only: gross equals them and fees are zero until `with_gross` is applied."""
    sale_id, proceeds = _wire.text_at(body, "id"), amount_at(body, "proceeds")
    sold_at = _wire.moment_of(_wire.dig(body, "created_at"))
    if not sale_id or sold_at is None:
        raise PermanentError("StubHub's answer is no sale")
    status = _wire.text_at(body, "status")
    state, step = _meant(status)
    quantity = _wire.int_of(_wire.dig(body, "number_of_tickets")) or 0
    net = proceeds or Decimal("0.00")
    return RemoteSale(
        sale_id=sale_id,
        external_id=_wire.text_at(body, "external_listing_id"),
        listing_id=_wire.text_at(body, "_links", "sale:listing", "href").rstrip("/").rpartition("/")[2],
        event_id=_wire.text_at(body, "_embedded", "event", "id"),
        quantity=quantity,
        section=_wire.text_at(body, "seating", "section"),
        row=_wire.text_at(body, "seating", "row"),
        seats=seats_of(body, quantity),
        gross=net,
        fees=Decimal("0.00"),
        proceeds=net,
        currency=_wire.text_at(body, "proceeds", "currency_code") or "USD",
        state=state,
        remote_status=status,
        sold_at=sold_at,
        confirm_by=_wire.moment_of(_wire.dig(body, "confirm_by")),
        ship_by=_wire.moment_of(_wire.dig(body, "ship_by")),
        event=event_words(body),
        step=step,
        step_note=_told_beside(status, _wire.text_at(body, "status_description")),
        buyer=buyer_of(body),
    )


def _told_beside(status: str, description: str) -> str:
    """What they say beside the status, where it says more."""
    return "" if status_words(description) == status_words(status) else description


def buyer_of(body: Any) -> Buyer | None:
    """The first ticket holder: tickets are transferred to his address. None where no address is told."""
    holder = next(iter(_wire.items_at(body, "_embedded", "ticketholders")), None)
    email = _wire.text_at(holder, "email_address")
    return Buyer(_wire.text_at(holder, "full_name"), email) if email else None


def seats_of(body: Any, quantity: int) -> tuple[str, ...]:
    """The platform's allocation from `seating`, else from the barcodes; empty where it is not plain."""
    first, last = _wire.text_at(body, "seating", "seat_from"), _wire.text_at(body, "seating", "seat_to")
    if first and last and (seats := _seat_run(first, last, quantity)):
        return seats
    told = tuple(_wire.text_at(item, "seat") for item in _wire.items_at(body, "barcodes"))
    return told if len(set(told)) == quantity and all(told) else ()


def _seat_run(first: str, last: str, quantity: int) -> tuple[str, ...]:
    low, high = _wire.int_of(first), _wire.int_of(last)
    if low is None or high is None:
        ends = (first,) if first == last else (first, last)
        return ends if len(ends) == quantity else ()
    span = high - low
    if quantity < 1 or span < 0:
        return ()
    # Rows numbered odd or even count in twos.
    step = 1 if quantity == 1 else span // (quantity - 1)
    exact = span == 0 if quantity == 1 else step in {1, 2} and span == step * (quantity - 1)
    return tuple(str(low + step * index) for index in range(quantity)) if exact else ()


def gross_of(sale: RemoteSale, listing: Mapping[str, Any] | None) -> Decimal | None:
    """The sale at list price, from the listing's ratio of price to proceeds (which a later reprice keeps).

    None where the listing does not tell them.
    """
    price, proceeds = amount_at(listing, "ticket_price"), amount_at(listing, "ticket_proceeds")
    if not price or not proceeds or price < proceeds:
        return None
    if proceeds * sale.quantity == sale.proceeds:
        return price * sale.quantity
    return _wire.cents(sale.proceeds * price / proceeds)
