"""Raising, acknowledging and recovering alerts; the only writers of alert rows."""

import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import F

from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import NotFound
from seatsync.core.jobs import enqueue_on_commit
from seatsync.live.events import LiveType
from seatsync.live.models import Alert, AlertDelivery, AlertState, DeliveryState, Severity
from seatsync.live.publish import publish


@transaction.atomic
def alert_raise(
    *,
    tenant_id: uuid.UUID,
    user_id: uuid.UUID,
    kind: str,
    title: str,
    url: str,
    body: str = "",
    severity: str = Severity.INFO,
    object_type: str = "",
    object_id: str = "",
    dedupe_key: str | None = None,
) -> Alert:
    """Tell a person something: in the product at once, and by mail where it needs action.

    `url`: the page of what it is about (page_link).
    While an alert with the same key is open it is counted up instead of raised again.
    """
    key = (dedupe_key or f"{kind}:{object_id or uuid.uuid4()}")[:120]
    open_alerts = Alert.objects.filter(user_id=user_id, dedupe_key=key, acknowledged_at=None).exclude(
        state=AlertState.RECOVERED
    )
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                tenant_id=tenant_id, user_id=user_id, kind=kind, severity=severity, object_type=object_type,
                object_id=object_id, title=title[:160], body=body, url=url, dedupe_key=key, raised_at=now(),
            )  # fmt: skip
    except IntegrityError:
        open_alerts.update(count=F("count") + 1, updated_at=now())
        return open_alerts.get()
    _deliveries(alert)
    publish(tenant_id=tenant_id, user_ids=[user_id], kind=LiveType.ALERT_RAISED, object_id=alert.pk)
    return alert


def _deliveries(alert: Alert) -> None:
    moment = now()
    AlertDelivery.objects.create(
        tenant_id=alert.tenant_id,
        alert=alert,
        channel="in_app",
        state=DeliveryState.SENT,
        not_before=moment,
        sent_at=moment,
    )
    if alert.severity != Severity.INFO:
        AlertDelivery.objects.create(tenant_id=alert.tenant_id, alert=alert, channel="mail", not_before=moment)
        enqueue_on_commit("seatsync.live.tasks.deliver_alerts")


def alert_acknowledge(*, actor: Actor, alert_id: uuid.UUID) -> Alert:
    """Note that its own person has seen it; a second time changes nothing. Raises NotFound for anybody else's."""
    alert = Alert.objects.get_for(actor, alert_id)
    if actor.user_id != alert.user_id:
        raise NotFound("No alert with this id.")
    Alert.objects.filter(pk=alert.pk, acknowledged_at=None).update(acknowledged_at=now(), updated_at=now())
    alert.refresh_from_db()
    publish(
        tenant_id=alert.tenant_id, user_ids=[alert.user_id], kind=LiveType.ALERT_RAISED, object_id=alert.pk, version=1
    )
    return alert


@transaction.atomic
def alert_recover(*, user_id: uuid.UUID, dedupe_key: str) -> int:
    """Close the open alert of this key because its cause is gone; returns how many were closed."""
    open_alerts = Alert.objects.filter(user_id=user_id, dedupe_key=dedupe_key).exclude(state=AlertState.RECOVERED)
    found = list(open_alerts)
    open_alerts.filter(pk__in=[alert.pk for alert in found]).update(
        state=AlertState.RECOVERED, recovered_at=now(), updated_at=now()
    )
    _changed(found)
    return len(found)


@transaction.atomic
def alert_reword(*, user_id: uuid.UUID, dedupe_key: str, body: str) -> int:
    """Say how what an alert told of has gone on, whether it was seen already or not; returns how many were reworded."""
    alerts = Alert.objects.filter(user_id=user_id, dedupe_key=dedupe_key).exclude(body=body)
    found = list(alerts)
    alerts.filter(pk__in=[alert.pk for alert in found]).update(body=body, updated_at=now())
    _changed(found)
    return len(found)


def _changed(alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        publish(
            tenant_id=alert.tenant_id, user_ids=[alert.user_id], kind=LiveType.ALERT_RAISED, object_id=alert.pk
        )  # fmt: skip
