"""One lock order for the whole product: seats, then listings, then sales, then commands; each by primary key.

Every `select_for_update` on those tables goes through an app's `locks.py`, which announces its level here first.
"""

from enum import IntEnum

from django.db import connection
from django.db.transaction import TransactionManagementError

LOCK_TIMEOUT_MS = 3000


class Level(IntEnum):
    """What may be locked, lowest first."""

    SEATS = 1
    LISTINGS = 2
    SALES = 3
    COMMANDS = 4


class LockOrderError(Exception):
    """A lock of a lower level was asked for after one of a higher level, in the same transaction."""


def lock_announce(level: Level) -> None:
    """Say that rows of `level` are about to be locked; the first lock also sets the lock timeout (I-02).

    Raises LockOrderError, or TransactionManagementError outside a transaction.
    """
    # A test case's own wrapping block is not one of ours.
    blocks = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
    if not blocks:
        raise TransactionManagementError("locks are taken inside a transaction")
    outermost = blocks[0]
    held: tuple[object, Level] | None = getattr(connection, "seatsync_locks", None)
    if held is None or held[0] is not outermost:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
    elif held[1] > level:
        raise LockOrderError(f"{level.name} asked for after {held[1].name}")
    connection.seatsync_locks = (outermost, level)  # type: ignore[attr-defined]
