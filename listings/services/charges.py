"""What marketplaces charge for sales, found among the lines of payouts: a charge on a sale that stands is a penalty."""

from django.db.models import Sum

from listings.locks import sale_lock
from listings.models import Payout, PayoutLine, Sale, SaleEnding
from listings.payables import lines_made
from listings.services.endings import ending_settle, sale_end
from listings.services.notify import sale_changed
from listings.states import ending_may_be
from seatsync.core.actors import Actor


def charges_note(payout: Payout) -> None:
    """Sum up anew what was charged for each sale of a payout, and end or settle by it; in the caller's transaction."""
    actor = Actor.marketplace(payout.tenant_id, payout.account_id)
    for sale_id in sorted(payout.lines.exclude(sale=None).values_list("sale_id", flat=True)):
        sale = sale_lock(sale_id)
        lines = PayoutLine.objects.filter(lines_made(), sale=sale)
        charged, was = lines.aggregate(sum=Sum("penalty"))["sum"] or 0, sale.charged
        if charged == was:
            continue
        sale.charged = charged
        sale.version += 1
        sale.save(update_fields=["charged", "version", "updated_at"])
        sale_changed(sale)
        if charged > was:
            _charged(actor, sale, payout)
        elif not charged and sale.penalty_reason:
            reason = f"payout {payout.reference} gives it back"
            ending_settle(actor=actor, sale=sale, ending=SaleEnding.PENALTY, reason=reason)


def _charged(actor: Actor, sale: Sale, payout: Payout) -> None:
    if sale.penalty_reason or not ending_may_be(sale.state, SaleEnding.PENALTY):
        return
    notes = payout.lines.filter(sale=sale).exclude(note="").values_list("note", flat=True)
    reason = "; ".join(notes) or f"payout {payout.reference} keeps it back"
    sale_end(actor=actor, sale_id=sale.pk, ending=SaleEnding.PENALTY, reason=reason)
