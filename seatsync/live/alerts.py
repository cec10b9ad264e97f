"""Raising, acknowledging and recovering alerts; the only writers of alert rows."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Required, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import F

from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import NotFound
from seatsync.core.jobs import enqueue_on_commit
from seatsync.live.events import LiveType
from seatsync.live.models import Alert, AlertDelivery, AlertState, DeliveryState, Severity
from seatsync.live.publish import publish


class Said(TypedDict, total=False):
    """What an alert says; see `alerts_raise`."""

    tenant_id: Required[uuid.UUID]
    kind: Required[str]
    title: Required[str]
    url: Required[str]
    body: str
    severity: str
    mode: str
    object_type: str
    object_id: str
    dedupe_key: str | None


def alert_raise(*, user_id: uuid.UUID, **said: Unpack[Said]) -> Alert:
    """Tell one person something; see `alerts_raise`."""
    return alerts_raise(user_ids=[user_id], **said)[0]


@transaction.atomic(savepoint=False)
def alerts_raise(
    *,
    tenant_id: uuid.UUID,
    user_ids: Iterable[uuid.UUID],
    kind: str,
    title: str,
    url: str,
    body: str = "",
    severity: str = Severity.INFO,
    mode: str = "",
    object_type: str = "",
    object_id: str = "",
    dedupe_key: str | None = None,
) -> list[Alert]:
    """Tell people something: in the product at once, and by mail where it needs action. An alert each, in their order.

    `url`: the page of what it is about (page_link); `mode`: the market that it happened in, "" where it is of none.
    While a person's alert with the same key is open it is counted up instead of raised again.
    """
    key = (dedupe_key or f"{kind}:{object_id or uuid.uuid4()}")[:120]
    alerts = [
        Alert(
            tenant_id=tenant_id, user_id=user_id, kind=kind, severity=severity, mode=mode,
            object_type=object_type, object_id=object_id, title=title[:160], body=body, url=url, dedupe_key=key,
            raised_at=now(),
        )
        for user_id in user_ids
    ]  # fmt: skip
    # Together where nobody has it yet, as is usual; else one by one.
    if _raise(alerts):
        return alerts
    return [alert if _raise([alert]) else _count_up(alert) for alert in alerts]


def _raise(alerts: Sequence[Alert]) -> bool:
    """Keep and deliver these; whether none of their people has it open already."""
    try:
        with transaction.atomic():
            # In the same order by whoever raises it: two must not wait for each other.
            Alert.objects.bulk_create(sorted(alerts, key=lambda alert: alert.user_id))
    except IntegrityError:
        return False
    AlertDelivery.objects.bulk_create([delivery for alert in alerts for delivery in _deliveries(alert)])
    if any(alert.severity != Severity.INFO for alert in alerts):
        enqueue_on_commit("seatsync.live.tasks.deliver_alerts")
    _changed(alerts)
    return True


def _count_up(alert: Alert) -> Alert:
    """The one that is open, told once more."""
    told = Alert.objects.filter(user_id=alert.user_id, dedupe_key=alert.dedupe_key, acknowledged_at=None)
    still_open = told.exclude(state=AlertState.RECOVERED)
    still_open.update(count=F("count") + 1, updated_at=now())
    return still_open.get()


def _deliveries(alert: Alert) -> list[AlertDelivery]:
    moment, by_mail = now(), alert.severity != Severity.INFO
    shown = AlertDelivery(
        tenant_id=alert.tenant_id, alert=alert, channel="in_app", state=DeliveryState.SENT, not_before=moment,
        sent_at=moment,
    )  # fmt: skip
    mail = AlertDelivery(tenant_id=alert.tenant_id, alert=alert, channel="mail", not_before=moment)
    return [shown, *([mail] if by_mail else [])]


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


def alert_recover(*, user_id: uuid.UUID, dedupe_key: str) -> int:
    """Close the open alert of this key because its cause is gone; returns how many were closed."""
    return alerts_recover(user_ids=[user_id], dedupe_keys=[dedupe_key])


@transaction.atomic(savepoint=False)
def alerts_recover(*, user_ids: Collection[uuid.UUID], dedupe_keys: Collection[str]) -> int:
    """Close these people's open alerts of any of these keys; returns how many were closed."""
    told = Alert.objects.filter(user_id__in=user_ids, dedupe_key__in=dedupe_keys)
    open_alerts = told.exclude(state=AlertState.RECOVERED)
    found = list(open_alerts)
    open_alerts.filter(pk__in=[alert.pk for alert in found]).update(
        state=AlertState.RECOVERED, recovered_at=now(), updated_at=now()
    )
    _changed(found)
    return len(found)


@transaction.atomic(savepoint=False)
def alerts_reword(
    *, user_ids: Collection[uuid.UUID], dedupe_keys: Collection[str], body: str, title: str | None = None
) -> int:  # fmt: skip
    """Say how what these people's alerts told of has gone on, seen already or not; returns how many were reworded.

    `title` None: it stays. What is over keeps what it said in its time.
    """
    said = {"body": body} | ({} if title is None else {"title": title[:160]})
    told = Alert.objects.filter(user_id__in=user_ids, dedupe_key__in=dedupe_keys)
    alerts = told.exclude(state=AlertState.RECOVERED).exclude(**said)
    if not (found := list(alerts)):
        return 0
    alerts.filter(pk__in=[alert.pk for alert in found]).update(**said, updated_at=now())
    _changed(found)
    return len(found)


def _changed(alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        publish(
            tenant_id=alert.tenant_id, user_ids=[alert.user_id], kind=LiveType.ALERT_RAISED, object_id=alert.pk
        )  # fmt: skip
