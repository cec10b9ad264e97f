"""Ctrl-C, SIGTERM and a closed terminal: heard once, when it suits, and never again while everything is stopped."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):  # no error: nothing that handles errors may take it for one
    """Somebody asked us to stop; `status` is the exit status of a program that a signal ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class Interrupts:
    """Raises Stopped in the main thread at the first of these signals; later ones change nothing."""

    def __init__(self) -> None:
        self._held = 0
        self._waiting = 0
        self._done = False

    def listen(self) -> None:
        """From now on; signals that were blocked by whoever started us arrive here."""
        for number in NUMBERS:
            # Started under nohup: a closed terminal is no reason to stop.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._hear)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, NUMBERS)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._done:
            return
        if self._held:
            self._waiting = number
            return
        self._done = True
        raise Stopped(number)

    def ignore(self) -> None:
        """We are stopping already."""
        self._done = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """A piece of work that is not cut in two: the signal is heard at its end."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._waiting and not self._held and not self._done:
            self._done = True
            raise Stopped(self._waiting)
