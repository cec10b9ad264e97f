"""Locks of the ledger."""

import uuid
from collections.abc import Iterable

from portfolios.models import Seat
from seatsync.core.locks import Level, lock_announce, lock_waiting


def seats_lock(seat_ids: Iterable[uuid.UUID]) -> list[Seat]:
    """Lock these seats in primary-key order and read them fresh; unknown ids are left out. Raises Busy."""
    lock_announce(Level.SEATS)
    wanted = Seat.objects.filter(pk__in=list(seat_ids)).order_by("pk").select_for_update(of=("self",), no_key=True)
    with lock_waiting("these seats"):
        return list(wanted)
