"""Threads that do something again and again, and how much is on its way just now."""

import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from django.db import OperationalError, close_old_connections, connection

from listings.models import CommandKind, CommandState, MarketplaceCommand
from marketplaces.models import InboundEvent, InboxState


class Worker(ABC):
    """Takes turns until it is told to stop; what a turn raises ends it, and is raised by `check`.

    Only what the database undoes, such as a deadlock, ends no more than the turn: it is told and counted.
    """

    def __init__(self, name: str, *, pause_s: float) -> None:
        self.pause_s = pause_s
        self.error: BaseException | None = None
        self.undone = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def turn(self) -> None:
        """One round."""

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def stop(self) -> None:
        """No further turn; the one under way is waited for."""
        self._over.set()
        self._thread.join()
        self.check()

    def check(self) -> None:
        """Raises what ended it."""
        if self.error is not None:
            raise self.error

    def pause(self, seconds: float) -> None:
        """Wait, unless it is told to stop."""
        self._over.wait(seconds)

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    self.turn()
                except OperationalError as error:
                    self.undone += 1
                    sys.stderr.write(f"  a turn of {self._thread.name} came to nothing: {error}\n")
                close_old_connections()
                self.pause(self.pause_s)
        except BaseException as error:  # whatever it is, the main thread shall know
            self.error = error
        finally:
            connection.close()


def urgent_open() -> int:
    """Notices that wait, and commands that take something down and are not done."""
    waiting = InboundEvent.objects.filter(state=InboxState.RECEIVED).count()
    urgent = MarketplaceCommand.objects.filter(priority=0, state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
    return waiting + urgent.count()


def work_open() -> int:
    """Everything that is not finished, sweeps of whole accounts apart."""
    open_commands = MarketplaceCommand.objects.filter(state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
    waiting = InboundEvent.objects.filter(state=InboxState.RECEIVED).count()
    return waiting + open_commands.exclude(kind=CommandKind.SYNC_ACCOUNT).count()


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether the condition came to hold in time; it is asked twice a second."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True
