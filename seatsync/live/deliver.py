"""Carrying alerts to people over the channels outside the product (mail)."""

from datetime import timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from seatsync.core.clock import now
from seatsync.live.locks import delivery_claim
from seatsync.live.models import AlertDelivery, DeliveryState
from seatsync.live.ports import address_of

MOST_ATTEMPTS = 8


def deliveries_send(limit: int = 100) -> int:
    """Send due deliveries; returns how many were tried."""
    tried = 0
    while tried < limit and _send_next():
        tried += 1
    return tried


def _send_next() -> bool:
    with transaction.atomic():
        delivery = delivery_claim()
        if delivery is None:
            return False
        delivery.attempts += 1
        # Taken: another worker finds it again only if we die on the way.
        delivery.not_before = now() + timedelta(seconds=min(3600, 15 * 2**delivery.attempts))
        delivery.save(update_fields=["attempts", "not_before", "updated_at"])
    _send(delivery)
    return True


def _send(delivery: AlertDelivery) -> None:
    address = address_of(delivery.alert.user_id)
    if address is None:
        delivery.state = DeliveryState.NO_ADDRESS
        delivery.save(update_fields=["state", "updated_at"])
        return
    try:
        _message(delivery, address).send()
    except OSError as error:
        delivery.last_error = str(error)[:200]
        if delivery.attempts >= MOST_ATTEMPTS:
            delivery.state = DeliveryState.FAILED
    else:
        delivery.state, delivery.sent_at = DeliveryState.SENT, now()
    delivery.save(update_fields=["state", "sent_at", "last_error", "updated_at"])


def _message(delivery: AlertDelivery, address: str) -> EmailMessage:
    alert = delivery.alert
    link = urljoin(settings.BASE_URL, alert.url) if alert.url else ""
    body = render_to_string("live/mail/alert.txt", {"alert": alert, "link": link})
    return EmailMessage(subject=f"Paper: {alert.title}" if alert.paper else alert.title, body=body, to=[address])
