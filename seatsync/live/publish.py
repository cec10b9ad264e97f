"""The one door for live events: services publish, and it happens when their transaction commits."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction

from seatsync.core.clock import now
from seatsync.live.events import LiveMessage, LiveType, group_of
from seatsync.live.models import LiveEvent
from seatsync.live.ports import watchers_of

log = structlog.get_logger(__name__)

_NEXT = """
INSERT INTO live_counters (user_id, seq) VALUES (%s, %s)
ON CONFLICT (user_id) DO UPDATE SET seq = live_counters.seq + EXCLUDED.seq RETURNING seq
"""


def publish(
    *,
    tenant_id: uuid.UUID,
    user_ids: Iterable[uuid.UUID] = (),
    watching: uuid.UUID | None = None,
    kind: LiveType,
    object_id: uuid.UUID | str,
    version: int = 0,
) -> None:
    """Tell these users that an object of the tenant changed, once the transaction commits; never after a rollback.

    `watching`: a season ticket, whose people are told; who they are is asked at the commit, once for all that it says.
    What one transaction says is told together as far as its savepoints allow, each change once and with its last
    version. Hints that cannot be written are logged: what else waits for the commit goes on.
    """
    batch = _open_batch()
    told = batch or _Batch()
    for user_id in set(user_ids):
        told.events[user_id][LiveType(kind), str(object_id)] = (tenant_id, version)
    if watching is not None:
        told.watched[watching][LiveType(kind), str(object_id)] = (tenant_id, version)
    if batch is None:
        transaction.on_commit(told.tell, robust=True)


_Events = dict[tuple[LiveType, str], tuple[uuid.UUID, int]]


class _Batch:
    """What is told when the transaction, or the part of it that a savepoint may still undo, is committed."""

    def __init__(self) -> None:
        # user -> (kind, object) -> (tenant, version)
        self.events: dict[uuid.UUID, _Events] = defaultdict(dict)
        # The same by season ticket.
        self.watched: dict[uuid.UUID, _Events] = defaultdict(dict)

    def take_over(self, other: "_Batch") -> None:
        """Tell what came later as well; the other has nothing to tell any more."""
        for user_id, events in other.events.items():
            self.events[user_id].update(events)
        for ticket_id, events in other.watched.items():
            self.watched[ticket_id].update(events)
        other.events.clear()
        other.watched.clear()

    def tell(self) -> None:
        """Number and keep the events, then send them."""
        if self.watched:
            people = watchers_of(list(self.watched))
            for ticket_id, events in self.watched.items():
                for user_id in people.get(ticket_id, ()):
                    self.events[user_id].update(events)
        if not self.events:
            return
        with transaction.atomic():
            messages = {user_id: self._kept(user_id) for user_id in sorted(self.events)}
        _send(messages)

    def _kept(self, user_id: uuid.UUID) -> list[LiveMessage]:
        events, at = self.events[user_id], now()
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [user_id, len(events)])
            (last,) = cursor.fetchone()
        messages = [
            LiveMessage(seq, kind, object_id, version, at)
            for seq, ((kind, object_id), (_, version)) in enumerate(events.items(), start=last - len(events) + 1)
        ]
        LiveEvent.objects.bulk_create(
            LiveEvent(
                tenant_id=events[told.type, told.id][0], user_id=user_id, seq=told.seq, type=told.type.value,
                object_id=told.id, version=told.version, at=told.at,
            )
            for told in messages
        )  # fmt: skip
        return messages


def _open_batch() -> _Batch | None:
    """The batch of this transaction that is undone exactly when what happens now is undone; None where there is none.

    The database notes with every hook the savepoints that stood when it was registered, and drops it when one of them
    is rolled back. Those that stand now must be among them; the rest are released, and can be rolled back no more.
    Batches that have become alike in that way are made one.
    """
    standing = set(connection.savepoint_ids)
    hooks = ((savepoints, getattr(hook, "__self__", None)) for savepoints, hook, *_ in connection.run_on_commit)
    first: _Batch | None = None
    for savepoints, batch in hooks:
        if not isinstance(batch, _Batch) or not standing <= savepoints:
            continue
        if first is None:
            first = batch
        else:
            first.take_over(batch)
    return first


def _send(messages: dict[uuid.UUID, list[LiveMessage]]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return

    async def send_all() -> None:
        for user_id, told in messages.items():
            frames = [message.as_json() for message in told]
            await layer.group_send(group_of(user_id), {"type": "live.events", "messages": frames})

    try:
        async_to_sync(send_all)()
    except Exception as error:
        # The hints are lost, the event rows are not: the page asks for what it missed when it reconnects.
        log.warning("live.not_sent", error=str(error), events=sum(map(len, messages.values())))
