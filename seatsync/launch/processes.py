"""Child processes that never outlive us: started in order, watched, stopped together."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from seatsync.core.embedded import EmbeddedError

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: the child may do no more than call it, since our threads' locks are copied as they stand.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
GRACE_S = 15.0


class LaunchError(EmbeddedError):
    """Something cannot be started; the text is one sentence with its remedy."""


def _die_with_parent() -> None:
    """Linux ends the child when we die, even by SIGKILL."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Spec:
    """One process: its name (the prefix of its lines) and its command."""

    name: str
    command: list[str]


class Processes:
    """The children, by name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**os.environ, **environment}
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.quiet = False

    def start(self, spec: Spec) -> None:
        """Start one and pass its lines on with its name."""
        process = subprocess.Popen(
            spec.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, preexec_fn=_die_with_parent,  # noqa: PLW1509 - see _LIBC
        )  # fmt: skip
        self.running[spec.name] = process
        threading.Thread(target=self._pass_on, args=(spec.name, process), daemon=True).start()

    def _pass_on(self, name: str, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            if not self.quiet:
                sys.stderr.write(f"{name:<10} {line}")

    def dead(self) -> str | None:
        """The name of a child that ended by itself."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Ask all to stop, wait, and end those that do not."""
        self.quiet = True
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in self.running.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
