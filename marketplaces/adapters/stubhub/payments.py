"""StubHub's payouts to ours."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.adapters.stubhub.mapping import amount_at
from marketplaces.contracts import PaymentLine, RemotePayment

_ZERO = Decimal("0.00")
_PENALTY_WORDS = ("penalt", "fine", "failed", "replacement", "cancel", "revers")


def payment_of(body: Any) -> RemotePayment:
    """Payment; net is what was paid out."""
    net = amount_at(body, "payment_amount")
    return RemotePayment(
        reference=_wire.text_at(body, "id"),
        paid_at=_wire.moment_of(_wire.dig(body, "created_at")),
        net=_ZERO if net is None else net,
        currency=_wire.text_at(body, "payment_amount", "currency_code") or "USD",
        lines=tuple(_line(item) for item in _wire.items_at(body, "_embedded", "sales")),
    )


def next_payment_of(body: Any) -> RemotePayment | None:
    """The payment that is coming: no id, and a day only where its date lies ahead. None for an empty one."""
    told = payment_of(body)
    if not told.lines and told.net == _ZERO:
        return None
    day = told.paid_at if told.paid_at is not None and told.paid_at > datetime.now(UTC) else None
    return replace(told, reference="", paid_at=None, expected_at=day)


def _line(item: Any) -> PaymentLine:
    """One sale's line; a credit adds to the net only."""
    charges = _wire.items_at(item, "charges")
    penalty = sum((_amount(charge) for charge in charges if _is_penalty(charge)), _ZERO)
    fee = sum((_amount(charge) for charge in charges if not _is_penalty(charge)), _ZERO)
    gross = sum((_amount(part) for part in _wire.items_at(item, "proceeds")), _ZERO)
    credit = sum((_amount(part) for part in _wire.items_at(item, "credits")), _ZERO)
    sale_id = _wire.text_at(item, "_embedded", "sale", "id")
    note = "; ".join(_wire.text_at(charge, "reason_description") for charge in charges if _is_penalty(charge))
    return PaymentLine(sale_id, gross, fee, penalty, gross - fee - penalty + credit, note)


def _amount(detail: Any) -> Decimal:
    """Charges come with or without their minus sign: the column says which they are."""
    return abs(amount_at(detail, "amount") or _ZERO)


def _is_penalty(charge: Any) -> bool:
    reason = _wire.text_at(charge, "reason_description").lower()
    return any(word in reason for word in _PENALTY_WORDS)
