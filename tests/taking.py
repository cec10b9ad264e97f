"""Threads that want the same rows, each on a connection of its own, and how to tell that one waits for another."""

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from portfolios.locks import seats_lock
from portfolios.models import Seat
from seatsync.core import locks
from seatsync.core.limiters import valkey
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

PATIENCE_S = 60.0


def patient_market(platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch) -> Market:
    """A market on real connections, where whoever waits for a lock does so until the test lets go of it."""
    valkey().flushdb()
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", int(PATIENCE_S * 1000))
    return build_market(platforms)


class Doer(threading.Thread):
    """Does one thing on a connection of its own and keeps what came of it."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work = work
        self.pid: int | None = None
        self.begun, self.has = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (self.pid,) = cursor.fetchone()
            self.begun.set()
            self.work()
        except BaseException as error:
            self.error = error
        finally:
            self.has.set()
            connection.close()

    def finish(self) -> "Doer":
        self.join(PATIENCE_S)
        assert not self.is_alive()
        return self


class Taker(Doer):
    """Locks seats, says so, and keeps them until it is told to end."""

    def __init__(self, seat_ids: list[uuid.UUID], before_end: Callable[[list[Seat]], object] = list) -> None:
        self.seat_ids, self.before_end = seat_ids, before_end
        self.end = threading.Event()
        self.seats: list[Seat] = []
        super().__init__(self._take)

    @transaction.atomic
    def _take(self) -> None:
        self.seats = seats_lock(self.seat_ids)
        self.has.set()
        self.end.wait(PATIENCE_S)
        self.before_end(self.seats)

    def finish(self) -> "Taker":
        self.end.set()
        super().finish()
        return self


def wait_until_blocked(doer: Doer) -> None:
    """Until the database itself says that it waits for somebody's lock."""
    assert doer.begun.wait(PATIENCE_S)
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [doer.pid])
            if cursor.fetchone()[0]:
                return
        if doer.has.wait(0.1):
            break
    raise AssertionError("it did not wait")
