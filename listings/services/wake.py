"""Waking the outbox's workers: what is urgent has one of its own, which no backlog keeps waiting."""

from seatsync.core.jobs import enqueue_on_commit

DRAIN = "listings.tasks.drain_commands"
DRAIN_URGENT = "listings.tasks.drain_urgent"


def outbox_wake(*, urgent: bool = False, after_s: float = 0.0) -> None:
    """When the transaction commits, or seconds after it. At most one message of a kind waits for a worker."""
    for path in (DRAIN_URGENT, DRAIN) if urgent else (DRAIN,):
        enqueue_on_commit(path, countdown_s=after_s, one_waits=not after_s)
