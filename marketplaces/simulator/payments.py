"""Paying sellers: each platform on its own calendar, or at once when it is told to; charges are kept back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from marketplaces.simulator.dialects import rules_of
from marketplaces.simulator.http import Refusal
from marketplaces.simulator.rules import PayoutRule
from marketplaces.simulator.state import Account, Charge, Ledger, Payment, Sale

DAY_S = 86_400.0
KINDS = ("after_game", "after_delivery", "weekly", "none")


@dataclass(slots=True)
class Line:
    """One sale's part of a payment, in cents; `sale_id` 0: charges that are no sale's."""

    sale_id: int
    gross_cents: int = 0
    fees_cents: int = 0
    charges: list[Charge] = field(default_factory=list)

    @property
    def charged_cents(self) -> int:
        """What is kept back of it."""
        return sum(charge.cents for charge in self.charges)

    @property
    def net_cents(self) -> int:
        """What it adds to the payment."""
        return self.gross_cents - self.fees_cents - self.charged_cents


def rule_read(told: dict[str, Any]) -> dict[str, Any]:
    """A calendar as it is kept in the settings; raises Refusal(400) for one that there is none of."""
    rule = PayoutRule(**told)
    if rule.kind not in KINDS or not 0 <= rule.weekday <= 6 or rule.days < 0:
        raise Refusal(400, f"a payout's kind is one of {', '.join(KINDS)}, its weekday 0 to 6, its days not negative")
    return {"kind": rule.kind, "days": int(rule.days), "weekday": int(rule.weekday)}


def rule_of(ledger: Ledger, platform: str) -> PayoutRule:
    """The calendar of a platform in this run."""
    told = ledger.settings.payout.get(platform)
    return rules_of(platform).payout if told is None else PayoutRule(**told)


def due_at(ledger: Ledger, sale: Sale) -> float | None:
    """When a sale is paid by the calendar; None while it is not, or is paid only when that is asked for."""
    rule = rule_of(ledger, sale.platform)
    if not _owed(sale) or rule.kind == "none":
        return None
    delivered = sale.handed_over_at or sale.updated_at
    if rule.kind == "after_game":
        event = ledger.events.get(sale.event_id)
        return None if event is None else max(event.starts_at + rule.days * DAY_S, delivered)
    if rule.kind == "after_delivery":
        return delivered + rule.days * DAY_S
    return _next_weekday(delivered + rule.days * DAY_S, rule.weekday)


def pay(ledger: Ledger, platform: str, now: float) -> list[Payment]:
    """Pay every handed-over sale that is not paid, and settle every charge, one payment an account."""
    made = (
        _payment(ledger, account, now, _unpaid(ledger, account), _unsettled(ledger, account))
        for account in ledger.accounts.values()
        if account.platform == platform
    )
    return [payment for payment in made if payment is not None]


def pay_due(ledger: Ledger, now: float) -> int:
    """What the calendars make due by now; returns how many payments were made."""
    made = 0
    # Asked at every tick: most of the time nothing is owed to anybody.
    owed = {sale.account_id for sale in ledger.sales.values() if _owed(sale)}
    owed |= {item.account_id for item in ledger.charges.values() if not item.paid_in}
    for account in [ledger.accounts[key] for key in sorted(owed) if ledger.accounts[key].pays_from <= now]:
        sales = [sale for sale in _unpaid(ledger, account) if (due_at(ledger, sale) or now + 1) <= now]
        charges = _unsettled(ledger, account)
        if not sales:
            # Nothing to keep it back of: it is taken from the seller's card, as late as a payment would have come.
            wait_s = max(rule_of(ledger, account.platform).days, 1) * DAY_S
            charges = [charge for charge in charges if charge.created_at + wait_s <= now]
        made += _payment(ledger, account, now, sales, charges) is not None
    return made


def give_back(ledger: Ledger, payment: Payment, *, now: float, again_in_s: float) -> None:
    """The seller's bank sent a payment back: it pays nothing, and what it paid is owed once more.

    The calendar pays it no sooner than `again_in_s` later: the platform asks for another bank account first. Raises
    Refusal(409) where it came back before.
    """
    if payment.returned_at:
        raise Refusal(409, f"payment {payment.id} came back before")
    for sale in [ledger.sales[key] for key in payment.sale_ids]:
        words = rules_of(sale.platform).words
        sale.paid_in, sale.updated_at = 0, now
        sale.status = words.complete if sale.status == words.paid else sale.status
    for key in payment.charge_ids:
        ledger.charges[key].paid_in = 0
    payment.sale_ids, payment.charge_ids, payment.returned_at = [], [], now
    ledger.accounts[payment.account_id].pays_from = now + again_in_s


def upcoming(ledger: Ledger, account: Account, now: float) -> Payment | None:
    """The next payment as it would be by now; it has no id yet. None where there is nothing to pay."""
    sales, charges = _unpaid(ledger, account), _unsettled(ledger, account)
    if not sales and not charges:
        return None
    return Payment(
        0, account.platform, account.id, now, [sale.id for sale in sales], [charge.id for charge in charges]
    )  # fmt: skip


def charge(ledger: Ledger, sale: Sale, *, cents: int, reason: str, now: float) -> Charge:
    """The seller owes this for a sale."""
    made = Charge(ledger.new_id(), sale.platform, sale.account_id, sale.id, cents, reason, now)
    ledger.charges[made.id] = made
    return made


def lines_of(ledger: Ledger, payment: Payment) -> list[Line]:
    """A payment's lines: one a sale, and one for the charges that are no sale's."""
    lines: dict[int, Line] = {}
    for sale_id in payment.sale_ids:
        sale = ledger.sales[sale_id]
        lines[sale_id] = Line(sale_id, sale.gross_cents, sale.fees_cents)
    for charge_id in payment.charge_ids:
        kept = ledger.charges[charge_id]
        lines.setdefault(kept.sale_id, Line(kept.sale_id)).charges.append(kept)
    return list(lines.values())


def _owed(sale: Sale) -> bool:
    return sale.fulfilled and not (sale.paid_in or sale.cancelled or sale.rejected or sale.issue)


def _unpaid(ledger: Ledger, account: Account) -> list[Sale]:
    return [sale for sale in ledger.sales.values() if sale.account_id == account.id and _owed(sale)]


def _unsettled(ledger: Ledger, account: Account) -> list[Charge]:
    return [one for one in ledger.charges.values() if one.account_id == account.id and not one.paid_in]


def _payment(ledger: Ledger, account: Account, now: float, sales: list[Sale], charges: list[Charge]) -> Payment | None:
    if not sales and not charges:
        return None
    payment = Payment(
        ledger.new_id(), account.platform, account.id, now, [sale.id for sale in sales], [item.id for item in charges]
    )
    ledger.payments[payment.id] = payment
    for sale in sales:
        sale.paid_in, sale.updated_at = payment.id, now
        sale.status = rules_of(sale.platform).words.paid or sale.status
    for item in charges:
        item.paid_in = payment.id
    return payment


def _next_weekday(moment: float, weekday: int) -> float:
    day = datetime.fromtimestamp(moment, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = (weekday - day.weekday()) % 7 or 7
    return (day + timedelta(days=ahead)).timestamp()
