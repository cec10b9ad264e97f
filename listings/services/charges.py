"""What marketplaces charge for sales, found among the lines of payouts: a charge on a sale that stands is a penalty."""

from django.db.models import Sum

from listings.locks import sale_lock
from listings.models import Payout, PayoutLine, Sale, SaleEnding
from listings.payables import lines_counted
from listings.services.ending_alerts import alert_charged
from listings.services.endings import ending_lift, sale_end
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
            continue
        sale.charged = charged
        if charged > was and sale.ending == SaleEnding.PENALTY:
            sale.ending_reason = _reason(sale, payout)
        sale.version += 1
        sale.save(update_fields=["charged", "ending_reason", "version", "updated_at"])
        sale_changed(sale)
        if charged > was and not sale.ending and ending_may_be(sale.state, SaleEnding.PENALTY):
            sale_end(actor=actor, sale_id=sale.pk, ending=SaleEnding.PENALTY, reason=_reason(sale, payout))
        elif not charged and sale.ending == SaleEnding.PENALTY:
            ending_lift(actor=actor, sale_id=sale.pk, reason=f"payout {payout.reference} gives it back")
        else:
            alert_charged(sale)


def _reason(sale: Sale, payout: Payout) -> str:
    """What this payout calls its charge, after what the sale was charged for before."""
    notes = payout.lines.filter(sale=sale).exclude(note="").values_list("note", flat=True)
    told = "; ".join(notes) or f"payout {payout.reference} keeps it back"
    if not sale.ending_reason or told in sale.ending_reason:
        return sale.ending_reason or told
    return f"{sale.ending_reason}; {told}"[:300]
