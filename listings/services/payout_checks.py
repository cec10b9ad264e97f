"""Whether what was to be paid was: each sale's money late, short or too much, and what is mended, told once each."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from listings.expected import expectation_of
from listings.payables import is_late, received_for, sales_late, short_of, too_much_of, with_people
from listings.services.payout_alerts import LATE, SHORT, TOO_MUCH, alert_late, alert_short, alert_too_much
from seatsync.live.models import Alert, AlertState


def payouts_check() -> int:
    """Say of every sale whose money is late, short or too much, or no longer; returns how many were looked at."""
    told = Alert.objects.filter(kind__in=[LATE, SHORT, TOO_MUCH]).exclude(state=AlertState.RECOVERED)
    ids = {uuid.UUID(pk) for pk in told.values_list("object_id", flat=True)}
    ids |= {sale.pk for sale in sales_late()}
    sales_check(ids)
    return len(ids)


def sales_check(sale_ids: Iterable[uuid.UUID]) -> None:
    """Raise, reword or recover what is to be said of these sales' money; one transaction a sale."""
    for sale in with_people(list(sale_ids)):
        with transaction.atomic():
            received = received_for(sale)
            alert_late(sale, expectation_of(sale), late=is_late(sale))
            alert_short(sale, received, short_of(sale, received))
            alert_too_much(sale, received, too_much_of(sale, received))
