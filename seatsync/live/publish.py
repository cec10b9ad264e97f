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


def publish(
    *,
    tenant_id: uuid.UUID,
    user_ids: Iterable[uuid.UUID],
    kind: LiveType,
    object_id: uuid.UUID | str,
    version: int = 0,
) -> None:
    """Tell these users that an object of the tenant changed, once the transaction commits; never after a rollback.

    A hint that cannot be written is logged: what else waits for the commit goes on.
    """
    known = LiveType(kind)
    for user_id in sorted(set(user_ids)):
        # Django names a robust hook that failed, so it needs a name: a partial has none.
        def send(to: uuid.UUID = user_id) -> None:
            _send(tenant_id, to, known, str(object_id), version)

        transaction.on_commit(send, robust=True)


def _send(tenant_id: uuid.UUID, user_id: uuid.UUID, kind: LiveType, object_id: str, version: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NEXT, [user_id])
        (seq,) = cursor.fetchone()
        message = LiveMessage(seq, kind, object_id, version, now())
        LiveEvent.objects.create(
            tenant_id=tenant_id,
            user_id=user_id,
            seq=seq,
            type=kind.value,
            object_id=object_id,
            version=version,
            at=message.at,
        )
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group_of(user_id), {"type": "live.event", "message": message.as_json()})
    except Exception as error:
        # The hint is lost, the event row is not: the page asks for what it missed when it reconnects.
        log.warning("live.not_sent", error=str(error), kind=kind.value)
