"""One lock order for the whole product: accounts, seats, listings, sales, commands, people; each by primary key.

Every `select_for_update` is in an app's `locks.py`, which announces its level here first. Locks are NO KEY: a row that
is locked can still be referred to, so that an account being refreshed does not hold up a sale.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import OperationalError, connection
from django.db.transaction import TransactionManagementError
from psycopg.errors import DeadlockDetected, LockNotAvailable

from seatsync.core.errors import Busy

LOCK_TIMEOUT_MS = 3000


class Level(IntEnum):
    """What may be locked, lowest first."""

    ACCOUNTS = 0
    SEATS = 1
    LISTINGS = 2
    SALES = 3
    COMMANDS = 4
    # Users, sign-ins, deliveries: always last.
    PEOPLE = 5


class LockOrderError(Exception):
    """A lock of a lower level was asked for after one of a higher level, in the same transaction."""


def lock_announce(level: Level, *, waits: bool = True) -> None:
    """Say that rows of `level` are about to be locked; the first that may wait sets the lock timeout (I-02).

    `waits`: no for rows that are passed over where somebody else has them. Raises LockOrderError, or
    TransactionManagementError outside a transaction.
    """
    transaction = _transaction()
    held: tuple[object, Level, bool] | None = getattr(connection, "seatsync_locks", None)
    if held is None or held[0] is not transaction:
        held = (transaction, level, False)
    elif held[1] > level:
        raise LockOrderError(f"{level.name} asked for after {held[1].name}")
    if waits and not held[2]:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    # Kept where the transaction is: on the connection, which the stubs take to have no attributes of ours.
    connection.seatsync_locks = (transaction, level, waits or held[2])  # type: ignore[attr-defined]


@contextmanager
def lock_waiting(what: str) -> Iterator[None]:
    """Around the query that takes the locks: raises Busy where they were not to be had within the lock timeout.

    Nor where two of one level wait for each other, and the server gave this one up.
    """
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        raise Busy(f"Somebody else is changing {what}.", remedy="Try again in a moment.") from error


def transaction_open() -> bool:
    """Whether what is written now can still be undone by whoever began (not by a test case's own wrapping block)."""
    return len(connection.atomic_blocks) > _outer()


def _outer() -> int:
    return sum(1 for block in connection.atomic_blocks if getattr(block, "_from_testcase", False))


def _transaction() -> object:
    """An object that is the same for one transaction and another for the next."""
    outer = _outer()
    if not transaction_open():
        raise TransactionManagementError("locks are taken inside a transaction")
    # Django makes a new list of commit hooks for each transaction. Inside a test case's own wrapping block ours is a
    # savepoint, and its name is new each time.
    return connection.savepoint_ids[outer - 1] if outer else connection.run_on_commit
