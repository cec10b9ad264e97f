"""Servers that end with their keeper, and those of a keeper that was killed found again; a stranger is never signalled.

A pid file is a claim: the number may be anybody's by now. A process is ours when it runs our server on our folder.
"""

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seatsync.core.embedded.errors import EmbeddedError

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: the child may do no more than call it.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
ORPHAN_WITHIN_S = 15.0


def dies_with_us(name: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: Linux sends the child this signal when we die, even by SIGKILL; None elsewhere."""
    libc = _LIBC
    return None if libc is None else lambda: libc.prctl(_PR_SET_PDEATHSIG, name.value)


def rearmed(name: signal.Signals) -> list[str]:
    """The command prefix that arms it again behind a change of user, which forgets it; empty where there is none."""
    return ["setpriv", f"--pdeathsig={name.name.removeprefix('SIG')}"] if shutil.which("setpriv") else []


def pid_of(pid_file: Path) -> int:
    """The process that a pid file names on its first line; 0 where it names none (1 is the machine's own)."""
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pid if pid > 1 else 0


def is_ours(pid: int, *, program: str, option: str, folder: Path) -> bool:
    """Whether this process is that program with `option` leading to our folder; a zombie or a stranger is not."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
    except OSError:
        return False
    if Path(words[0]).name != program or option not in words:
        return False
    return Path(words[words.index(option) + 1]).resolve() == folder.resolve()


def end_orphan(pid_file: Path, *, program: str, option: str, folder: Path, name: signal.Signals) -> None:
    """End a server of ours that outlived its keeper, and remove its pid file. Raises EmbeddedError if it stays.

    The caller holds the keeper's lock: no other keeper owns it.
    """
    pid = pid_of(pid_file)
    if not Path("/proc/self/cmdline").exists():
        return  # nobody can tell whose it is; the server itself refuses a folder in use

    def stays() -> bool:
        return pid > 0 and is_ours(pid, program=program, option=option, folder=folder)

    deadline = time.monotonic() + ORPHAN_WITHIN_S
    if stays():
        os.kill(pid, name)
    while stays():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Another {program} still serves {folder} (pid {pid}). Stop it and start again.")
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


__all__ = ["dies_with_us", "end_orphan", "is_ours", "pid_of", "rearmed"]
