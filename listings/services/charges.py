"""What marketplaces charge for sales, found among the lines of payouts: a charge on a sale that stands is a penalty."""

from django.db.models import Sum

from listings.locks import sale_lock
from listings.models import Payout, PayoutLine, Sale, SaleEnding
from listings.payables import lines_counted
from listings.services.ending_alerts import alert_charged
from listings.services.ending_effects import effects_note
from listings.services.endings import ending_settle, sale_end
from listings.services.notify import sale_changed
from listings.states import ending_may_be
from seatsync.core.actors import Actor


def charges_note(payout: Payout) -> None:
    """Sum up anew what was charged for each sale of a payout, and end or settle by it; in the caller's transaction."""
    actor = Actor.marketplace(payout.tenant_id, payout.account_id)
    for sale_id in sorted(payout.lines.exclude(sale=None).values_list("sale_id", flat=True)):
        sale = sale_lock(sale_id)
        lines = PayoutLine.objects.filter(lines_counted(), sale=sale)
        charged, was = lines.aggregate(sum=Sum("penalty"))["sum"] or 0, sale.charged
        if charged == was:
            if sale.ending:
                # What was paid may have been taken back without a charge.
                effects_note(sale)
            continue
        sale.charged, back = charged, payout.returned_at is not None
        if not back:
            # What is given back and charged anew is not settled; a deposit that came back gives nothing back.
            sale.charge_settled = min(sale.charge_settled, max(charged, 0))
        more = charged > max(was, sale.charge_settled)
        told = _reason(sale, payout)
        if more and sale.penalty_reason:
            sale.penalty_reason = told
            sale.ending_reason = told if sale.ending == SaleEnding.PENALTY else sale.ending_reason
        sale.version += 1
        sale.save(
            update_fields=["charged", "charge_settled", "ending_reason", "penalty_reason", "version", "updated_at"]
        )
        sale_changed(sale)
        if more and not sale.penalty_reason and ending_may_be(sale.state, SaleEnding.PENALTY):
            sale = sale_end(actor=actor, sale_id=sale.pk, ending=SaleEnding.PENALTY, reason=told)
        elif not charged and sale.penalty_reason and not back:
            reason = f"payout {payout.reference} gives it back"
            ending_settle(actor=actor, sale=sale, ending=SaleEnding.PENALTY, reason=reason)
        else:
            alert_charged(sale)
        # Whatever it says of itself: a charge may hide behind what weighs more.
        effects_note(sale)


def _reason(sale: Sale, payout: Payout) -> str:
    """What this payout calls its charge, after what the sale was charged for before."""
    notes = payout.lines.filter(sale=sale).exclude(note="").values_list("note", flat=True)
    told = "; ".join(notes) or f"payout {payout.reference} keeps it back"
    if not sale.penalty_reason or told in sale.penalty_reason:
        return sale.penalty_reason or told
    return f"{sale.penalty_reason}; {told}"[:300]
