"""A program on a terminal of its own, as a person starts it, and what is left of it afterwards."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
# Generous: these machines are shared.
PATIENCE_S = 180.0
CTRL_C = b"\x03"


class Terminal:
    """One program in the foreground of a pseudo-terminal; `marker` stands in the environment of all it starts."""

    def __init__(self, command: list[str], marker: str, environment: Mapping[str, str]) -> None:
        self.marker = marker
        self.keyboard, screen = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**environment, "TERMINAL_MARKER": marker}, stdin=screen, stdout=screen,
            stderr=screen, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the test has no other thread then
        )  # fmt: skip
        os.close(screen)
        self._seen = b""
        self._closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while not self._closed.is_set():
                if select.select([self.keyboard], [], [], 0.1)[0]:
                    self._seen += os.read(self.keyboard, 65536)
        except OSError:
            return
        finally:
            os.close(self.keyboard)

    def close(self) -> None:
        """The window is closed: the program hears SIGHUP, and can write nowhere."""
        self._closed.set()

    @property
    def text(self) -> str:
        return self._seen.decode(errors="replace").replace("\r", "")

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def wait_for(self, words: str) -> None:
        self.wait(lambda: words in self.text or self.process.poll() is not None, f"{words!r} on the screen")
        assert words in self.text, self.text[-3000:]

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"never: {what}\n{self.left()}\n{self.text[-3000:]}"
            time.sleep(0.05)

    def left(self) -> list[str]:
        """What was started from here and still runs, this process left out."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("TERMINAL_MARKER") == self.marker
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} (of {process.ppid()}): {' '.join(process.cmdline())[:120]}")
            except psutil.Error:
                continue
        return found

    def end(self) -> None:
        """Leave nothing behind, whatever the test found."""
        for line in self.left():
            os.kill(int(line.split()[0]), signal.SIGKILL)
        self.process.wait()
        self.close()
