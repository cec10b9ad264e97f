"""Child processes that never outlive us: started in order, watched, stopped in order.

Each child leads a session and a process group of its own: a terminal's Ctrl-C reaches the launcher alone, and what a
child has started can be ended with it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatsync.core.embedded import EmbeddedError
from seatsync.launch import guard
from seatsync.launch.interrupts import Interrupts

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded before any fork: the child may do no more than call it, since our threads' locks are copied as they stand.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# How long the processes of one rank have to stop by themselves, and what they left behind to go.
GRACE_S = 10.0
REST_S = 2.0
PAUSE_S = 0.02
# So often in so many seconds one that ends by itself is started anew.
MOST_REVIVED = 3
REVIVED_WITHIN_S = 600.0


class LaunchError(EmbeddedError):
    """Something cannot be started; the text is one sentence with its remedy."""


def _die_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        # Linux ends the child when we die, even by SIGKILL; where that came first, it ends itself.
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


@dataclass(frozen=True, slots=True)
class Spec:
    """One process: its name (the prefix of its lines), its command, and its rank: lower ones are stopped first.

    `again`: where it ends by itself it is started anew, as whoever runs the product elsewhere does.
    """

    name: str
    command: list[str]
    rank: int = 0
    again: bool = False


class Processes:
    """The children, by name."""

    def __init__(self, environment: Mapping[str, str], interrupts: Interrupts, *, grace_s: float = GRACE_S) -> None:
        self.environment = {**os.environ, **environment}
        self.interrupts = interrupts
        self.grace_s = grace_s
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.ranks: dict[str, int] = {}
        self.quiet = False
        self._ended: dict[str, list[float]] = defaultdict(list)
        self._guard: subprocess.Popen[str] | None = None
        if _LIBC is not None:
            # What a child leaves behind becomes ours, not the machine's: we end and collect it.
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def start(self, spec: Spec) -> None:
        """Start one and pass its lines on with its name."""
        with self.interrupts.held():
            process = self._begin(spec)
            threading.Thread(target=self._pass_on, args=(spec.name, process), daemon=True).start()

    def run(self, spec: Spec, hear: Callable[[str], None] | None = None, *, cwd: Path) -> int:
        """Run one to its end; `hear` is told every line, without it they go where ours go. Returns its exit status."""
        with self.interrupts.held():
            process = self._begin(spec, cwd=cwd, piped=hear is not None)
        for line in process.stdout or ():
            if hear is not None:
                hear(line)
        status = process.wait()
        self._end([spec.name])
        return status

    def _begin(self, spec: Spec, *, cwd: Path | None = None, piped: bool = True) -> subprocess.Popen[str]:
        self._watched_over()
        streams = (subprocess.PIPE, subprocess.STDOUT) if piped else (None, None)
        process = subprocess.Popen(
            spec.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=streams[0],
            stderr=streams[1], text=True, errors="replace", cwd=cwd, start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - see _LIBC
        )  # fmt: skip
        self.running[spec.name], self.ranks[spec.name] = process, spec.rank
        self._tell_guard(f"+{process.pid}")
        return process

    def _watched_over(self) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, str(self.grace_s)], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            )  # fmt: skip

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            # A guard that somebody killed is missed only if we are killed too.
            with contextlib.suppress(OSError):
                self._guard.stdin.write(f"{line}\n")
                self._guard.stdin.flush()

    def _pass_on(self, name: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            if not self.quiet:
                sys.stderr.write(f"{name:<10} {line}")

    def kill(self, name: str) -> None:
        """End one at once with everything that it started, as the kernel does when memory runs out."""
        process = self.running[name]
        guard.tell(process.pid, signal.SIGKILL)
        process.wait()
        self._forget(name)

    def dead(self) -> str | None:
        """The name of a child that ended by itself."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def worked_s(self, name: str) -> float | None:
        """The processor seconds of a child and of what it started; None where the machine does not tell."""
        process = self.running.get(name)
        return None if process is None else guard.worked_s(process.pid)

    def revive(self, spec: Spec) -> bool:
        """Start one anew that ended by itself; False where it did so too often: what ails it, no start mends."""
        ended = [at for at in self._ended[spec.name] if time.monotonic() - at < REVIVED_WITHIN_S]
        self._ended[spec.name] = [*ended, time.monotonic()]
        self.kill(spec.name)
        if len(ended) >= MOST_REVIVED:
            return False
        self.start(spec)
        return True

    def stop(self) -> None:
        """Ask all to stop, rank by rank, and end what does not, with everything that it started."""
        self.quiet = True
        for rank in sorted(set(self.ranks.values())):
            self._end([name for name in self.running if self.ranks[name] == rank])
        if self._guard is not None and self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _end(self, names: list[str]) -> None:
        processes = [self.running[name] for name in names]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        _until(lambda: all(process.poll() is not None for process in processes), self.grace_s)
        # The leader is gone, or will not go. What is left of its group is ended with it.
        _until(lambda: all(process.poll() is None or _gone(process.pid) for process in processes), REST_S)
        for process in processes:
            guard.tell(process.pid, signal.SIGKILL)
            process.wait()
        for name in names:
            self._forget(name)

    def _forget(self, name: str) -> None:
        """One that has ended, once nothing is left of what it started."""
        process = self.running[name]
        _until(lambda: _gone(process.pid), self.grace_s)
        self._tell_guard(f"-{process.pid}")
        del self.running[name]


def _until(condition: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(PAUSE_S)


def _gone(group: int) -> bool:
    """Whether nothing is left of a group whose leader was collected; orphans that came to us are collected here."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    return not guard.alive(group)
