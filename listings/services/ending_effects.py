"""What an ending does to tax lots, resale budget and settlement, written down in its own transaction for their owners.

A row is written where something is otherwise than the last row of its kind says, so the same word twice writes nothing;
what is lifted is reversed by a row of its own, and none is ever changed. Of a sale that nothing went wrong with there
are no rows: it is disposed of, counts and is settled as it was told.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from listings.models import EffectKind, EndingEffect, Sale
from listings.payables import received_for
from listings.states import BudgetEffect, LotEffect, SettlementEffect, Standing, sale_counts, standing_of
from seatsync.core.clock import now

_ZERO = Decimal("0.00")
_WORDS: dict[tuple[str, str], str] = {
    (EffectKind.LOT, LotEffect.NOT_DISPOSED): "not sold: their cost stays with them, and what it brought is taken off",
    (EffectKind.LOT, LotEffect.DISPOSED): "sold, for what it brings",
    (EffectKind.LOT, LotEffect.WAITS): "wait until its marketplace has decided",
    (EffectKind.BUDGET, BudgetEffect.COUNTS_NO_MORE): "counts no more",
    (EffectKind.BUDGET, BudgetEffect.COUNTS): "counts",
    (EffectKind.SETTLEMENT, SettlementEffect.OWED_BACK): "to be shared no more: what partners got of it is owed back",
    (EffectKind.SETTLEMENT, SettlementEffect.STANDS): "stands, less what was charged",
    (EffectKind.SETTLEMENT, SettlementEffect.SHARES_CHARGE): "partners share the charge",
    (EffectKind.SETTLEMENT, SettlementEffect.WAITS): "waits until its marketplace has decided",
}


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One row of a sale in words."""

    effect: EndingEffect
    words: str

    @property
    def tickets(self) -> str:
        """How many tickets count more or less, in words; empty where none do."""
        count = self.effect.tickets
        sign = "+" if count > 0 else "\N{MINUS SIGN}"
        return f"{sign}{abs(count)} ticket{'' if abs(count) == 1 else 's'}" if count else ""


def effects_told(sale: Sale) -> list[EffectLine]:
    """What a sale's endings changed, in words, the oldest first."""
    return [EffectLine(row, _WORDS[row.kind, row.effect]) for row in sale.effects.all()]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a kind is to stand: in which effect, and what its rows add up to."""

    effect: str
    amount: Decimal = _ZERO
    tickets: int = 0


def effects_note(sale: Sale) -> list[EndingEffect]:
    """Write down what changed for the sale's lots, budget and settlement since the last time; returns the new rows.

    The caller holds the sale's lock and a transaction. Amounts are in the sale's currency.
    """
    told: dict[str, list[EndingEffect]] = defaultdict(list)
    for row in EndingEffect.objects.filter(sale=sale).order_by("number"):
        told[row.kind].append(row)
    made = [_row(sale, kind, target, told[kind]) for kind, target in _targets(sale).items()]
    return EndingEffect.objects.bulk_create([row for row in made if row is not None])


def _targets(sale: Sale) -> dict[EffectKind, _Target]:
    standing = standing_of(sale.ending)
    taken = -sale.proceeds if standing.uncounted else _ZERO
    owed_back = taken if standing.settlement is SettlementEffect.OWED_BACK else _ZERO
    return {
        EffectKind.LOT: _Target(standing.lot, taken),
        EffectKind.BUDGET: _Target(standing.budget, tickets=-sale.quantity if standing.uncounted else 0),
        EffectKind.SETTLEMENT: _Target(standing.settlement, owed_back - _borne(sale)),
    }


def _borne(sale: Sale) -> Decimal:
    """What those who share the sale bear of what was charged for it.

    Of one that counts no more only what was charged beyond what it had brought: else that is taken back twice.
    """
    return sale.charged if sale_counts(sale.state, sale.ending) else max(-received_for(sale).net, _ZERO)


def _row(sale: Sale, kind: EffectKind, target: _Target, told: list[EndingEffect]) -> EndingEffect | None:
    """The row that brings a kind to its target; None where it is there."""
    effect = told[-1].effect if told else getattr(Standing(), kind)
    amount = target.amount - sum((row.amount for row in told), _ZERO)
    tickets = target.tickets - sum(row.tickets for row in told)
    if effect == target.effect and not amount and not tickets:
        return None
    return EndingEffect(
        tenant_id=sale.tenant_id, sale=sale, kind=kind, number=len(told) + 1, effect=target.effect, ending=sale.ending,
        amount=amount, currency=sale.currency, tickets=tickets, at=now(),
    )  # fmt: skip
