"""Charges that a holder said by hand, and his marketplace tells since: each is one charge, and what it tells stands.

It is the same charge where it is of the same sale and kind and comes to the same, alone or with all others that were
said; or where it is told after it was said, is the first that this payout tells of, and no other was said. Else nobody
knows which of them it is, and the holder is asked.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet, Sum

from listings.models import CHARGED_BY_HAND, TAKEN_BY_HAND, Payout, PayoutLine
from listings.payables import lines_made

# What payouts took off, by the sale and how a payout begins with which a holder says that kind; positive.
Less = Mapping[tuple[uuid.UUID, str], Decimal]
_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What a payout tells of a sale (`told`, positive) and what its holder had said; `sure`: that they are the same."""

    sale_id: uuid.UUID
    told: Decimal
    note: str
    said: list[PayoutLine]
    sure: bool

    @property
    def differs(self) -> bool:
        """Whether it comes to something else than was said."""
        return self.told != _sum(self.said)

    def amount_of(self, line: PayoutLine) -> Decimal:
        """How much of what is told the charge of this line is, where it is sure; positive."""
        return self.told if self.differs else -line.net


def less_of(payout: Payout) -> Less:
    """What a payout that was made takes off for its sales; a line in another currency counts for none."""
    found: dict[tuple[uuid.UUID, str], Decimal] = {}
    for line in _lines(payout):
        if line.sale_id is not None and line.penalty > 0:
            found[line.sale_id, CHARGED_BY_HAND] = line.penalty
        if line.sale_id is not None and line.gross < 0:
            found[line.sale_id, TAKEN_BY_HAND] = -(line.net + line.penalty)
    return found


def said_before(payout: Payout, before: Less) -> Iterator[SaidBefore]:
    """What a told payout has in common with what was said by hand; `before`: what it took off so far."""
    notes = {line.sale_id: line.note for line in _lines(payout)}
    for (sale_id, begins), amount in less_of(payout).items():
        said = list(said_of(sale_id, begins))
        if not said:
            continue
        # What was found in it before is found no second time, also where it came back meanwhile: only what it comes to
        # more may be another one.
        found = Payout.objects.filter(told_with=payout, reference__startswith=begins, lines__sale=sale_id)
        answered = found.aggregate(sum=Sum("told_amount"))["sum"] or _ZERO
        news = amount - max(before.get((sale_id, begins), _ZERO), answered)
        told = news if answered else amount
        same = _same(said, told, news=news > 0)
        if same:
            yield SaidBefore(sale_id, told, notes[sale_id], same, sure=True)
        elif news > 0:
            yield SaidBefore(sale_id, told, notes[sale_id], said, sure=len(said) == 1 and not answered)


def taken_before(payout: Payout, paid: Mapping[uuid.UUID, Decimal]) -> Iterator[SaidBefore]:
    """What of a payout that came back its holder had said was taken back; `paid`: what it had paid, by the sale."""
    for sale_id, amount in paid.items() if payout.returned_at is not None else ():
        said = list(said_of(sale_id, TAKEN_BY_HAND))
        same = _same(said, amount, news=True)
        if said:
            yield SaidBefore(sale_id, amount, "", same or said, sure=bool(same))


def said_of(sale_id: uuid.UUID, begins: str) -> QuerySet[PayoutLine]:
    """What a holder says was kept of a sale in this way, and its marketplace has not told of."""
    lines = PayoutLine.objects.filter(lines_made(), sale=sale_id, net__lt=0, payout__reference__startswith=begins)
    return lines.filter(payout__told_with=None).select_related("payout").order_by("pk")


def _same(said: list[PayoutLine], told: Decimal, *, news: bool) -> list[PayoutLine]:
    alone = [line for line in said if -line.net == told][:1]
    return alone or (said if news and _sum(said) == told else [])


def _sum(lines: list[PayoutLine]) -> Decimal:
    return sum((-line.net for line in lines), _ZERO)


def _lines(payout: Payout) -> QuerySet[PayoutLine]:
    made = payout.lines.filter(payout__paid_at__isnull=False)
    return made.exclude(sale=None).filter(sale__currency=payout.currency).order_by("sale_id")
