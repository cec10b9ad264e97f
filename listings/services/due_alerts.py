"""Reminders of sales whose tickets are still to be handed over: some time before the deadline, and once it is over."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from listings.locks import sale_lock
from listings.models import Sale
from listings.selectors import hand_over_end, sale_zone, to_hand_over
from listings.services.hand_over_due import due_said, sales_due_fill
from listings.services.sale_alerts import DUE, DUE_SOON, LATE, sale_settle_kinds, sale_tell, sale_what
from marketplaces.registry import platform_name
from seatsync.core.clock import now
from seatsync.core.jobs import one_by_one
from seatsync.core.venue_time import local
from seatsync.live.models import Severity

# How long before the deadline its people are told each time: in the product and by mail.
_STEPS = (
    (timedelta(hours=24), DUE, Severity.ACTION), (timedelta(hours=4), DUE_SOON, Severity.CRITICAL),
    (timedelta(0), LATE, Severity.CRITICAL),
)  # fmt: skip


def hand_overs_remind() -> int:
    """Tell of each sale that is to be handed over soon, or is late, once a step; returns how many were told of."""
    sales_due_fill()
    waiting = Sale.objects.filter(to_hand_over()).annotate(due=hand_over_end())
    moment = now()
    due = Q(pk__in=[])
    for step, (before, _, _) in enumerate(_STEPS):
        due |= Q(reminded=step, due__lte=moment + before)

    @transaction.atomic
    def tell(sale_id: uuid.UUID) -> bool:
        sale = sale_lock(sale_id)
        # It may be on its way by now, its game off, or its deadline another one.
        end = waiting.filter(pk=sale_id).values_list("due", flat=True).first()
        return end is not None and _remind(sale, end)

    ids = list(waiting.filter(due).order_by(F("due").asc(), "pk").values_list("pk", flat=True))
    return one_by_one("hand_overs.remind", ids, tell)


def _remind(sale: Sale, due: datetime) -> bool:
    """Tell of the last step that is reached; those before it are over with it."""
    reached = sum(now() >= due - before for before, _, _ in _STEPS)
    if reached <= sale.reminded:
        return False
    sale_settle_kinds(sale, *(kind for _, kind, _ in _STEPS[: reached - 1]))
    _, kind, severity = _STEPS[reached - 1]
    name = platform_name(sale.platform)
    by = f"{local(due, sale_zone(sale) or 'UTC'):%-d %b %H:%M %Z}"
    new, over = (" new", " again") if sale.asked_again_at is not None else ("", "")
    told = due_said(sale) if due == sale.ship_by else ""
    known = told or f"{name} told no{new} deadline, and the game begins then"
    late = kind == LATE
    sale_tell(
        sale,
        kind=kind,
        title=f"{'Late: hand' if late else 'Hand'} over{over} {sale_what(sale)}, {'was due' if late else 'by'} {by}"[
            :160
        ],
        body=f"Sold on {name}. {known[:1].upper()}{known[1:]}. What is handed over late may be cancelled and charged.",
        severity=severity,
    )
    sale.reminded = reached
    sale.save(update_fields=["reminded", "updated_at"])
    return True
