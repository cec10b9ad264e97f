"""The one door for live events: services publish, and it happens when their transaction commits."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction

from seatsync.core.clock import now
from seatsync.core.ids import uuid7
from seatsync.live.events import LiveMessage, LiveType, group_of
from seatsync.live.layer import LiveLayer
from seatsync.live.ports import watchers_of

log = structlog.get_logger(__name__)

# Numbered and kept by one statement, people in the order of their ids.
_KEEP = """
WITH told AS (
  SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::int[])
    WITH ORDINALITY AS told (id, tenant_id, user_id, type, object_id, version, place)
), counted AS (
  INSERT INTO live_counters (user_id, seq) SELECT user_id, count(*) FROM told GROUP BY user_id ORDER BY user_id
  ON CONFLICT (user_id) DO UPDATE SET seq = live_counters.seq + EXCLUDED.seq RETURNING user_id, seq AS last
)
INSERT INTO live_events (id, created_at, updated_at, tenant_id, user_id, seq, type, object_id, version, at)
SELECT id, %s, %s, tenant_id, user_id,
  last + 1 - row_number() OVER (PARTITION BY user_id ORDER BY place DESC), type, object_id, version, %s
FROM told JOIN counted USING (user_id) RETURNING id, seq
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
        if self.events:
            _send(self._kept())

    def _kept(self) -> dict[uuid.UUID, list[LiveMessage]]:
        at = now()
        rows = [
            (uuid7(), tenant_id, user_id, kind.value, object_id, version)
            for user_id, events in self.events.items()
            for (kind, object_id), (tenant_id, version) in events.items()
        ]
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [*map(list, zip(*rows, strict=True)), at, at, at])
            numbers = dict(cursor.fetchall())
        messages: dict[uuid.UUID, list[LiveMessage]] = {}
        for key, _, user_id, kind, object_id, version in rows:
            messages.setdefault(user_id, []).append(LiveMessage(numbers[key], LiveType(kind), object_id, version, at))
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
    wanted = {
        group_of(user_id): {"type": "live.events", "messages": [message.as_json() for message in told]}
        for user_id, told in messages.items()
    }

    async def send_all() -> None:
        for group, message in wanted.items():
            await layer.group_send(group, message)

    try:
        if isinstance(layer, LiveLayer):
            layer.groups_send(wanted)
        elif layer is not None:
            async_to_sync(send_all)()
    except Exception as error:
        # The hints are lost, the event rows are not: the page asks for what it missed when it reconnects.
        log.warning("live.not_sent", error=str(error), events=sum(map(len, messages.values())))
