"""Helpers of the tests with real processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
HIDDEN = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
USER = """
import sys, json, os
from seatsync.core.embedded import provide_servers, lost
provide_servers()
print(json.dumps([os.environ["DATABASE_URL"], os.environ["REDIS_URL"]]), flush=True)
for line in sys.stdin:
    print(json.dumps(lost()), flush=True)
"""


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.05)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of this size at a folder that is not there yet; skips where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no small disk can be mounted here (that takes root)")
    umount = ["umount", str(folder)]
    try:
        yield folder
    finally:
        until(lambda: subprocess.run(umount, check=False, capture_output=True).returncode == 0, "unmounted")


def environment(state: Path) -> dict[str, str]:
    """What a person's shell gives, with a state folder of its own."""
    given = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    return given | {"ENVIRONMENT": "dev", "SEATSYNC_STATE_DIR": str(state)}


class User:
    """A process that uses the servers of a folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER], cwd=ROOT, env=environment(state), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()

    def ask(self) -> str | None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: str | None = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> str:
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return errors


def servers(state: Path) -> list[psutil.Process]:
    """Every live process that serves this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            status = process.status()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if status != psutil.STATUS_ZOMBIE and words and Path(words[0]).name in {"postgres", "valkey-server"}:
            found += [process] if any(word.startswith(str(state)) for word in words) else []
    return found
