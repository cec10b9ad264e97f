"""The one door for live events: services publish, and it happens when their transaction commits."""

import uuid
from collections.abc import Iterable

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction

from seatsync.core.clock import now
from seatsync.live.events import LiveMessage, LiveType, group_of
from seatsync.live.models import LiveEvent

log = structlog.get_logger(__name__)

_NEXT = """
INSERT INTO live_counters (user_id, seq) VALUES (%s, 1)
ON CONFLICT (user_id) DO UPDATE SET seq = live_counters.seq + 1 RETURNING seq
"""


def publish(*, user_ids: Iterable[uuid.UUID], type: LiveType, object_id: uuid.UUID | str, version: int = 0) -> None:  # noqa: A002
    """Tell these users that an object changed, once the transaction commits; nothing is said after a rollback."""
    users = sorted(set(user_ids))
    kind = LiveType(type)

    def send() -> None:
        for user_id in users:
            _send(user_id, kind, str(object_id), version)

    transaction.on_commit(send)


def _send(user_id: uuid.UUID, kind: LiveType, object_id: str, version: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NEXT, [user_id])
        (seq,) = cursor.fetchone()
        message = LiveMessage(seq, kind, object_id, version, now())
        LiveEvent.objects.create(
            user_id=user_id, seq=seq, type=kind.value, object_id=object_id, version=version, at=message.at
        )
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group_of(user_id), {"type": "live.event", "message": message.as_json()})
    except Exception as error:
        # The hint is lost, the event row is not: the page asks for what it missed when it reconnects.
        log.warning("live.not_sent", error=str(error), kind=kind.value)
