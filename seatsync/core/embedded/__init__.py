"""Embedded services: the real PostgreSQL and Valkey from wheels, where neither DATABASE_URL nor REDIS_URL is set.

Every process that uses them holds a shared lock on one file; a keeper process owns both servers and stops them when
it gains that lock exclusively, that is, when the last user is gone, however it went (even by SIGKILL).
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from seatsync.core.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT_S = 60.0
LOG_NEEDS_BYTES = 64 * 1024
_held: list[IO[str]] = []


def state_dir() -> Path:
    """Where the servers keep their files: SEATSYNC_STATE_DIR, else `.seatsync/` beside manage.py."""
    given = os.environ.get("SEATSYNC_STATE_DIR")
    return Path(given).resolve() if given else Path(__file__).resolve().parents[3] / ".seatsync"


def provide_servers() -> None:
    """Put DATABASE_URL and REDIS_URL into the environment, finding or starting the embedded servers.

    Does nothing in production or where both are set. Raises EmbeddedError with one sentence and its remedy.
    """
    names = ("DATABASE_URL", "REDIS_URL")
    given = [name for name in names if os.environ.get(name)]
    if os.environ.get("ENVIRONMENT", "dev") == "production" or len(given) == len(names):
        return
    if given:
        missing = next(name for name in names if name not in given)
        raise EmbeddedError(
            f"{given[0]} is set but {missing} is not. Set both, or neither to use the embedded servers."
        )
    os.environ.update(_join(state_dir()))


def _join(directory: Path) -> dict[str, str]:
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _locked(directory / "start.lock"):
            users = (directory / "users.lock").open("a+")
            # Waits only while a keeper is shutting its servers down.
            fcntl.flock(users, fcntl.LOCK_SH)
            _held.append(users)
            return _running(directory) or _start(directory)
    except OSError as error:
        raise EmbeddedError(
            f"The folder {directory} cannot be used ({error}). Free the disk or mend its rights."
        ) from error


@contextmanager
def _locked(path: Path) -> "Iterator[None]":
    with path.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def lost() -> str | None:
    """One sentence where the embedded servers that this process uses are gone; None while they run."""
    if not _held:
        return None
    running = _running(state_dir())
    if running is not None and all(os.environ.get(name) == address for name, address in running.items()):
        return None
    log = state_dir() / "keeper.log"
    if _disk_was_full(log.parent):
        return _full(log.parent)
    return f"PostgreSQL or Valkey of {log.parent} ended; {log} says why. Start again."


def _disk_was_full(directory: Path) -> bool:
    """Whether PostgreSQL ended for want of space: it says so last, where there was room for that."""
    with suppress(OSError):
        said = (directory / "postgres.log").read_bytes()[-LOG_NEEDS_BYTES:]
        return b"No space left on device" in said or shutil.disk_usage(directory).free < LOG_NEEDS_BYTES
    return False


def _full(directory: Path) -> str:
    return f"The disk that holds {directory} is full. Free it and start again."


def _running(directory: Path) -> dict[str, str] | None:
    """The servers' addresses; None unless a keeper holds its lock, whatever services.json says."""
    try:
        found = json.loads((directory / "services.json").read_text())
        addresses = {"DATABASE_URL": str(found["database_url"]), "REDIS_URL": str(found["redis_url"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return addresses if _kept(directory / "keeper.lock") else None


def _kept(lock: Path) -> bool:
    with lock.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start(directory: Path) -> dict[str, str]:
    log_path = directory / "keeper.log"
    (directory / "services.json").unlink(missing_ok=True)
    with log_path.open("ab") as log:
        offset = log.tell()
        keeper = subprocess.Popen(
            [sys.executable, "-m", "seatsync.core.embedded.keeper", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[3],
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if (found := _running(directory)) is not None:
            return found
        if keeper.poll() is not None:
            break
        time.sleep(0.02)
    keeper.poll()
    keeper.terminate() if keeper.returncode is None else None
    raise EmbeddedError(_reason(log_path, offset))


def _reason(log_path: Path, offset: int) -> str:
    with log_path.open("rb") as log:
        log.seek(offset)
        lines = [line for line in log.read().decode(errors="replace").splitlines() if line.startswith("error: ")]
    if lines:
        return lines[-1].removeprefix("error: ")
    if shutil.disk_usage(log_path.parent).free < LOG_NEEDS_BYTES:  # where not even the reason could be written
        return _full(log_path.parent)
    return f"The embedded servers did not start. {log_path} says why; `rm -r {log_path.parent}` starts afresh."


__all__ = ["EmbeddedError", "lost", "provide_servers", "state_dir"]
