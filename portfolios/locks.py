"""Locks of the ledger."""

import uuid
from collections.abc import Collection, Iterable

from portfolios.models import Seat
from seatsync.core.errors import Conflict
from seatsync.core.locks import Level, lock_announce, lock_waiting


def seats_lock(seat_ids: Iterable[uuid.UUID]) -> list[Seat]:
    """Lock these seats in primary-key order and read them fresh; unknown ids are left out. Raises Busy."""
    lock_announce(Level.SEATS)
    wanted = Seat.objects.filter(pk__in=list(seat_ids)).order_by("pk").select_for_update(of=("self",), no_key=True)
    with lock_waiting("these seats"):
        return list(wanted)


def seats_lock_whole(seats: Collection[Seat]) -> list[Seat]:
    """Lock exactly these seats. Raises Busy, or Conflict where one was taken out of the ledger meanwhile."""
    locked = seats_lock(seat.pk for seat in seats)
    if len(locked) != len(seats):
        raise Conflict("The season ticket of these seats was changed.", field="seats", remedy="Look at it again first.")
    return locked
