"""Another transaction, in a thread and on a connection of its own, that stays open for as long as a test wants."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections, transaction

PATIENCE_S = 60.0


@contextmanager
def held_elsewhere(work: Callable[[], object]) -> Iterator[None]:
    """Inside, `work` has been done there and not committed: what it locked is locked."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                work()
                locked.set()
                done.wait(PATIENCE_S)
        finally:
            connections.close_all()

    worker = threading.Thread(target=hold)
    worker.start()
    try:
        assert locked.wait(PATIENCE_S)
        yield
    finally:
        done.set()
        worker.join()
