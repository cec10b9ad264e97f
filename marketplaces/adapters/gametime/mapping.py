"""Gametime's purchases and webhooks in our words."""

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.adapters.gametime.inventory import Bought, Sold, iso_date
from marketplaces.contracts import (
    Buyer,
    EventWords,
    Notice,
    NoticeKind,
    PaymentLine,
    RemotePayment,
    RemoteSale,
    RemoteSaleState,
)
from marketplaces.delivery import DeliveryStep, Fulfilment, HandOver
from marketplaces.errors import BadSignature, PermanentError
from marketplaces.proofs import secret_given

_ZERO = Decimal("0.00")
_STATES = {
    "unconfirmed": RemoteSaleState.AWAITING_CONFIRM,
    "unfulfilled": RemoteSaleState.AWAITING_FULFILMENT,
    # Handed over: that it was paid is never told.
    "completed": RemoteSaleState.IN_DELIVERY,
    "rejected": RemoteSaleState.CANCELLED,
}


def moment_of(value: Any) -> datetime | None:
    """A moment, which may come wrapped: ISODate("2026-04-01T12:00:00Z")."""
    match = re.fullmatch(r'ISODate\("?([^")]*)"?\)', value.strip()) if isinstance(value, str) else None
    return _wire.moment_of(match[1] if match else value)


def sale_of(body: Any) -> RemoteSale:
    """Purchase. `price` (cents) is taken for what one ticket brings: nothing says more. Raises PermanentError."""
    sale_id, cents = _wire.text_at(body, "id"), _wire.int_of(_wire.dig(body, "price"))
    sold_at = bought_at(body)
    if not sale_id or cents is None or sold_at == _LONG_AGO:
        raise PermanentError("Gametime's answer is no purchase")
    quantity, status = _wire.int_of(_wire.dig(body, "quantity")) or 0, _wire.text_at(body, "status")
    total = Decimal(cents) / 100 * quantity
    state = _STATES.get(status, RemoteSaleState.UNKNOWN)
    ours = _wire.text_at(body, "listing_reference_id")
    return RemoteSale(
        sale_id=sale_id,
        external_id=ours,
        listing_id=ours,
        event_id=_wire.text_at(body, "event_id"),
        quantity=quantity,
        section=_wire.text_at(body, "section"),
        row=_wire.text_at(body, "row"),
        seats=_seats(body),
        gross=total,
        fees=_ZERO,
        proceeds=total,
        currency="USD",
        state=state,
        remote_status=status,
        sold_at=sold_at,
        gross_known=False,
        event=EventWords(
            _wire.text_at(body, "event_name"),
            _wire.text_at(body, "venue"),
            iso_date(_wire.text_at(body, "event_date")),
        ),
        step=_step(body, state),
        buyer=buyer_of(body),
    )


def _seats(body: Any) -> tuple[str, ...]:
    told = _wire.dig(body, "seats")
    return tuple(sorted(map(str, told), key=lambda seat: (len(seat), seat))) if isinstance(told, Mapping) else ()


def sold_of(purchases: Iterable[Any]) -> Sold:
    """The purchases of each ticket id that stand; a seat that is no number, or a quantity that is none, is not told.

    It asks for nothing else of them: one that lacks its price must keep no file back.

    A purchase that names no row says nothing of any: rows of somebody's hand may have no ticket id either. One that
    was rejected took nothing: whoever has its seats may offer them again.
    """
    found: dict[str, list[Bought]] = defaultdict(list)
    for body in purchases:
        ours, state = _wire.text_at(body, "listing_reference_id"), _STATES.get(_wire.text_at(body, "status"))
        if not ours or state is RemoteSaleState.CANCELLED:
            continue
        seats = frozenset(number for seat in _seats(body) if (number := _wire.int_of(seat)) is not None)
        quantity = _wire.int_of(_wire.dig(body, "quantity")) or len(seats) or UNTOLD
        found[ours].append(Bought(_wire.text_at(body, "id"), quantity, seats, bought_at(body)))
    return found


# Of a purchase that tells neither how many nor which seats: all of them, as far as anybody knows.
UNTOLD = 1_000
# As long ago as one that does not say when it was made, so that it counts among what every hand knows of.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def bought_at(body: Any) -> datetime:
    """When a purchase was made (aware UTC)."""
    return moment_of(_wire.dig(body, "purchased_at")) or moment_of(_wire.dig(body, "created_at")) or _LONG_AGO


_STEPS = {
    "mobile": DeliveryStep.TRANSFER, "barcode": DeliveryStep.BARCODES, "electronic": DeliveryStep.FILES,
}  # fmt: skip


def _step(body: Any, state: RemoteSaleState) -> DeliveryStep:
    """What a purchase waits for, by its delivery type."""
    if state is not RemoteSaleState.AWAITING_FULFILMENT:
        return DeliveryStep.UNTOLD
    return _STEPS.get(_wire.text_at(body, "delivery_type"), DeliveryStep.UNTOLD)


def buyer_of(body: Any) -> Buyer | None:
    """To whom the tickets go; None where no address is told."""
    email, phone = _wire.text_at(body, "email"), _wire.text_at(body, "phone")
    name = " ".join(filter(None, (_wire.text_at(body, "first_name"), _wire.text_at(body, "last_name"))))
    return Buyer(name, email, phone) if email or phone else None


def upload_bodies(proof: Fulfilment) -> list[tuple[str, dict[str, Any]]]:
    """The uploads of the tickets themselves: barcodes together, a PDF a seat. Empty where a transfer proves it."""
    if proof.method == HandOver.BARCODE:
        seats = {ticket.seat: {"barcode": ticket.barcode} for ticket in proof.tickets}
        return [("barcode_upload", {"seats": seats})]
    if proof.method != HandOver.PDF:
        return []
    return [
        ("pdf_upload", {"seats": [one.seat], "pdf": base64.b64encode(one.content).decode()}) for one in proof.tickets
    ]


def proof_form(proof: Fulfilment) -> list[tuple[str, str]]:
    """The fields of a transfer: its number or its addresses."""
    fields = [("transfer_type", "generic"), *(("transfer_url[]", url) for url in proof.transfer_urls)]
    return [*fields, ("transaction_id", proof.confirmation)] if proof.confirmation else fields


def payment_of(sale: RemoteSale) -> RemotePayment:
    """A completed purchase is a payout of its own, of which neither the day nor the deposit is told."""
    line = PaymentLine(sale.sale_id, sale.proceeds, _ZERO, _ZERO, sale.proceeds)
    return RemotePayment(f"purchase {sale.sale_id}", None, sale.proceeds, sale.currency, (line,))


def verify(headers: Mapping[str, str], secret: str) -> None:
    """Raises BadSignature unless the Authorization header carries `secret`, as a bearer or as a Basic password."""
    if not secret_given(headers, secret):
        raise BadSignature("the Authorization header does not carry the webhook's secret")


def notices_of(raw: bytes) -> list[Notice]:
    """A sale; anything else is unknown. Raises PermanentError where the body is not JSON."""
    body = _wire.parsed(raw)
    sale_id, ours = _wire.text_at(body, "id"), _wire.text_at(body, "source_id")
    kind = NoticeKind.SALE if sale_id and ours else NoticeKind.UNKNOWN
    # TicketID is both there: the seller's key, and what names the listing.
    return [Notice(kind, "sale" if kind is NoticeKind.SALE else "", "", sale_id, ours, sale_id, raw, ours)]
