"""What people are told when a sale goes wrong: what happened, what it does to seats and money, and what is asked."""

from listings.models import PayoutLine, Sale, SaleEnding, SaleState
from listings.payables import lines_counted, owed, received_for
from listings.services.conflicts import conflict_told
from listings.services.sale_alerts import sale_settle_kinds, sale_tell, sale_what
from listings.states import SALE_ENDINGS, MoneyEffect, SeatEffect
from marketplaces.registry import platform_name
from seatsync.core.money import money_text

# A sale that is over tells so under the kind that it always had.
_KINDS = {
    SaleEnding.PROMISE_CANCELLED: "sale.cancelled",
    SaleEnding.CANCELLED: "sale.cancelled",
    SaleEnding.REJECTED: "sale.rejected",
    SaleEnding.GAME_OFF: "sale.game_off",
    SaleEnding.CLAIM: "sale.claim",
    SaleEnding.PENALTY: "sale.penalty",
    SaleEnding.REPLACEMENT: "sale.replaced",
}
_SEATS = {
    SeatEffect.FREED: "Your seats are available again. Nothing was listed again.",
    SeatEffect.KEPT: "The seats stay the buyer's.",
    SeatEffect.NONE: "",
}
_MONEY = {
    MoneyEffect.NEVER_CAME: "",
    MoneyEffect.TAKEN_BACK: "No money comes of it, and what was paid is taken back.",
    MoneyEffect.TAKEN_BACK_AND_CHARGED: "No money comes of it, and the buyer's other tickets are charged to you.",
    MoneyEffect.CHARGED: "You get what it brought, less the charge.",
    MoneyEffect.WAITS: "Its money waits until the marketplace has decided.",
}


def ending_words(sale: Sale) -> str:
    """What a sale's ending does to seats and money, and what it asks, in sentences; empty where nothing went wrong."""
    row = SALE_ENDINGS.get(sale.ending)
    if row is None:
        return ""
    if sale.practice_over:
        return f"{_SEATS[SeatEffect.FREED]} No money moved: it was sold on paper."
    over = sale.state == SaleState.CANCELLED
    seats = _SEATS[SeatEffect.FREED if over and row.seats is SeatEffect.KEPT else row.seats]
    told = f"It is said to cost {money_text(sale.told_charge, sale.currency)}." if sale.told_charge else ""
    return " ".join(filter(None, (seats, _MONEY[row.money], told, row.asks)))


def alert_ending(sale: Sale) -> None:
    """Something went wrong with a sale that stood."""
    ending = SaleEnding(sale.ending)
    if ending == SaleEnding.PENALTY and sale.charged:
        alert_charged(sale)
        return
    name, row = platform_name(sale.platform), SALE_ENDINGS[ending]
    titles = {
        SaleEnding.GAME_OFF: f"Sold, and the game is off: {sale_what(sale)}",
        SaleEnding.CLAIM: f"{name} has a complaint about a sale: {sale_what(sale)}",
        SaleEnding.PENALTY: _charges_you(sale),
        SaleEnding.REPLACEMENT: f"{name} gave the buyer other tickets: {sale_what(sale)}",
        SaleEnding.REJECTED: f"Sold twice, and rejected on {name}: {sale_what(sale)}",
    }
    cancelled = f"{'Practice is over' if sale.practice_over else f'Sale cancelled on {name}'}: {sale_what(sale)}"
    conflict = conflict_told(sale)
    why = (
        ""
        if not sale.practice_over and ending in {SaleEnding.PROMISE_CANCELLED, SaleEnding.CANCELLED}
        else f"{sale.ending_reason}. "
    )
    sale_tell(
        sale, kind=_KINDS[ending], title=titles.get(ending, cancelled)[:160],
        body=f"{why[:1].upper()}{why[1:]}{ending_words(sale)}" if conflict is None else conflict.body,
        severity=row.severity,
    )  # fmt: skip


def alert_charged(sale: Sale) -> None:
    """What payouts charge for a sale is told under a penalty's kind, and anew when it comes to something else.

    Not where the lacking money tells it (payout.short), nor what was said before that it would cost.
    """
    received = received_for(sale)
    if not sale.charged or (received.paid and (owed(sale) or received.net >= 0)):
        sale_settle_kinds(sale, _KINDS[SaleEnding.PENALTY])
        return
    costs = -received.net if received.paid else sale.charged
    if costs <= (sale.told_charge or 0):
        return
    lines = PayoutLine.objects.filter(lines_counted(), sale=sale).exclude(penalty=0).select_related("payout")
    each = ", ".join(
        f"{money_text(line.penalty, sale.currency)} ({line.note or f'payout {line.payout.reference}'})"
        for line in lines.order_by("payout__paid_at", "pk")
    )
    row = SALE_ENDINGS[SaleEnding.PENALTY]
    asks = ending_words(sale) if sale.ending == SaleEnding.PENALTY else row.asks
    sale_tell(
        sale, kind=_KINDS[SaleEnding.PENALTY], title=_charges_you(sale)[:160], severity=row.severity,
        body=f"{money_text(sale.charged, sale.currency)} was charged: {each}. {asks}",
    )  # fmt: skip


def _charges_you(sale: Sale) -> str:
    return f"{platform_name(sale.platform)} charges you for a sale: {sale_what(sale)}"


def alerts_of_ending_settle(sale: Sale) -> None:
    """What was told of another ending of this sale is no longer so."""
    now_said = _KINDS.get(SaleEnding(sale.ending)) if sale.ending else None
    # That it is cancelled is over with the state, and not with the reason for it.
    kinds = {kind for kind in _KINDS.values() if kind not in {now_said, "sale.cancelled"}}
    sale_settle_kinds(sale, *sorted(kinds))
