"""StubHub's payouts to ours."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.adapters.stubhub.mapping import amount_at
from marketplaces.contracts import PaymentLine, RemotePayment
from marketplaces.errors import TemporaryError

_ZERO = Decimal("0.00")
# StubHub publishes no list of its charges. A penalty that passes for a fee is told to nobody, and a fee that passes for
# a penalty is asked about once: so only what is called a fee or commission, and names nothing that went wrong, is one.
_FEE = re.compile(r"\b(?:fees?|commissions?)\b", re.IGNORECASE)
# It takes an "admin fee" for a failed order. A fee for cancelling is a penalty, one for cover against it is not.
_WRONG = re.compile(
    r"\bpenal|\bfine[ds]?\b|\bcharge.?back|\bdenied\b|\b(?:not |non.?|un)deliver|\blate(?:ness)?\b|\bfail|\breplac|"
    r"\binvalid\b|\bdispute|\bviolat|\badmin|\bcancel\w*(?: order| sale)? fees?\b",
    re.IGNORECASE,
)


def payment_of(body: Any) -> RemotePayment:
    """Payment; net is what was paid out.

    Charges may come with a minus or without. One that is given back has the other sign, and must not pass for one that
    is kept: they are read as what is taken off, unless only the other way explains the deposit.
    """
    net = amount_at(body, "payment_amount") or _ZERO
    items = _wire.items_at(body, "_embedded", "sales")
    told, turned = (tuple(_line(item, sign) for item in items) for sign in (1, -1))
    return RemotePayment(
        reference=_wire.text_at(body, "id"),
        paid_at=_wire.moment_of(_wire.dig(body, "created_at")),
        net=net,
        currency=_wire.text_at(body, "payment_amount", "currency_code") or "USD",
        lines=turned if _net(turned) == net != _net(told) else told,
    )


def next_payment_of(body: Any) -> RemotePayment | None:
    """The payment that is coming: no id, and a day only where its date lies ahead. None for an empty one.

    Raises TemporaryError for what is none.
    """
    if _wire.dig(body, "payment_amount") is None and _wire.dig(body, "_embedded", "sales") is None:
        raise TemporaryError("StubHub's answer is no payment")
    told = payment_of(body)
    if not told.lines and told.net == _ZERO:
        return None
    day = told.paid_at if told.paid_at is not None and told.paid_at > datetime.now(UTC) else None
    return replace(told, reference="", paid_at=None, expected_at=day)


def _line(item: Any, sign: int) -> PaymentLine:
    """One sale's line, its charges times `sign` being what is taken off; a credit adds to the net only."""
    charges = _wire.items_at(item, "charges")
    penalties = [charge for charge in charges if not _is_fee(charge)]
    penalty = _sum(penalties) * sign
    fee = _sum([charge for charge in charges if _is_fee(charge)]) * sign
    gross, credit = _sum(_wire.items_at(item, "proceeds")), _sum(_wire.items_at(item, "credits"))
    sale_id = _wire.text_at(item, "_embedded", "sale", "id")
    note = "; ".join(filter(None, (_wire.text_at(charge, "reason_description") for charge in penalties)))
    return PaymentLine(sale_id, gross, fee, penalty, gross - fee - penalty + credit, note)


def _net(lines: tuple[PaymentLine, ...]) -> Decimal:
    return sum((line.net for line in lines), _ZERO)


def _sum(details: list[Any]) -> Decimal:
    return sum((amount_at(detail, "amount") or _ZERO for detail in details), _ZERO)


def _is_fee(charge: Any) -> bool:
    name = _wire.text_at(charge, "reason_description")
    return _FEE.search(name) is not None and _WRONG.search(name) is None
