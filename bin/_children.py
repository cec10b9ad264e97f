"""Programs run in groups of their own, which end with us: a signal while one runs leaves nothing behind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5.0


class Stopped(Exception):
    """A signal came. `status` is the exit status that tells of it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}; nothing is left running")
        self.status = 128 + number


class Children:
    """At most one program at a time. A signal ends its group; then, or at the next step, Stopped is raised."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[str] | None = None
        self._signal: int | None = None
        self._asked_at = 0.0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over, and give them back."""
        # What nohup or a shell's `&` had ignored stays ignored.
        ours = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = [signal.signal(number, self._heard) for number in ours]
        try:
            yield
            self.check()
        finally:
            for number, handler in zip(ours, before, strict=True):
                signal.signal(number, handler)

    def check(self) -> None:
        """Raises Stopped where a signal came."""
        if self._signal is not None:
            raise Stopped(self._signal)

    def run(self, command: list[str], cwd: Path) -> tuple[int, str]:
        """Status and output of a program. Raises Stopped once its group is gone, where a signal came."""
        self.check()
        self._running = subprocess.Popen(
            command, cwd=cwd, start_new_session=True, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if self._signal is not None:  # it came before there was anybody to pass it to
            self._end(signal.SIGTERM)
        output = self._output(self._running)
        status = self._running.returncode
        self._running = None
        self.check()
        return status, output

    def _output(self, process: "subprocess.Popen[str]") -> str:
        # Not waited for before its pipe closes, that is, before the whole group is gone: its number stays its own.
        while True:
            try:
                return process.communicate(timeout=0.5)[0]
            except subprocess.TimeoutExpired:
                if self._signal is not None and time.monotonic() > self._asked_at + GRACE_S:
                    self._end(signal.SIGKILL)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self._signal is None:
            self._signal, self._asked_at = number, time.monotonic()
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._running is not None and self._running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, number)
