"""Reading alerts and live events."""

import uuid
from datetime import timedelta

from django.db.models import QuerySet

from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.live.events import LiveMessage, LiveType
from seatsync.live.models import Alert, AlertState, LiveCounter, LiveEvent

KEPT = timedelta(hours=24)
MOST_REPLAYED = 500


def alert_list(actor: Actor) -> QuerySet[Alert]:
    """The person's own alerts, newest first."""
    if actor.user_id is None or actor.tenant_id is None:
        return Alert.objects.none()
    return Alert.objects.filter(tenant_id=actor.tenant_id, user_id=actor.user_id).order_by("-raised_at", "-pk")


def alerts_open(actor: Actor) -> QuerySet[Alert]:
    """Alerts that wait to be acknowledged."""
    return alert_list(actor).filter(acknowledged_at=None).exclude(state=AlertState.RECOVERED)


def last_seq(user_id: uuid.UUID) -> int:
    """The newest sequence number of a user's events; 0 before the first."""
    return LiveCounter.objects.filter(user_id=user_id).values_list("seq", flat=True).first() or 0


def events_since(user_id: uuid.UUID, seq: int) -> list[LiveMessage] | None:
    """What the user missed after `seq`; None where it cannot all be told (too old, too many, or a made-up number)."""
    newest = last_seq(user_id)
    if not 0 <= seq <= newest or newest - seq > MOST_REPLAYED:
        return None
    rows = list(LiveEvent.objects.filter(user_id=user_id, seq__gt=seq).order_by("seq"))
    if len(rows) != newest - seq:
        return None
    return [LiveMessage(row.seq, LiveType(row.type), row.object_id, row.version, row.at) for row in rows]


def events_purge() -> int:
    """Delete events older than 24 hours; returns how many."""
    return LiveEvent.objects.filter(at__lt=now() - KEPT).delete()[0]
