"""The lock of an alert's delivery."""

from seatsync.core.clock import now
from seatsync.core.locks import Level, lock_announce
from seatsync.live.models import AlertDelivery, DeliveryState


def delivery_claim() -> AlertDelivery | None:
    """Lock the delivery that is due longest and that nobody else holds; None where there is none."""
    lock_announce(Level.PEOPLE)
    due = AlertDelivery.objects.filter(state=DeliveryState.PENDING, not_before__lte=now())
    locked = due.select_for_update(of=("self",), skip_locked=True, no_key=True)
    return locked.select_related("alert").order_by("not_before", "pk").first()
