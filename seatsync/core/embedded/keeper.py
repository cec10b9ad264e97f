"""The keeper: owns both servers, and stops them when no process holds the users' lock any more, or one server dies."""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from seatsync.core.embedded.errors import EmbeddedError
from seatsync.core.embedded.lifetime import pid_of
from seatsync.core.embedded.postgres import Postgres
from seatsync.core.embedded.valkey import Valkey

LOOK_EVERY_S = 0.1
TAKE_OVER_WITHIN_S = 30.0


def keep(directory: Path) -> None:
    """Start, announce in services.json, wait for the last user to go (or SIGTERM), stop.

    Raises EmbeddedError where a server does not start or ends by itself, or another keeper stays.
    """
    _own(directory / "keeper.lock")
    postgres, valkey = Postgres(directory), Valkey(directory)
    try:
        valkey.start()
        postgres.start()
        _announce(directory, postgres, valkey)
        _watch(directory, postgres, valkey)
    except InterruptedError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (directory / "services.json").unlink(missing_ok=True)
        postgres.stop()
        valkey.stop()


def _own(path: Path) -> None:
    """Hold the keeper's lock until this process ends; a keeper that is stopping its servers is waited for."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + TAKE_OVER_WITHIN_S
    while not _locked(lock):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"Process {pid_of(path)} keeps the servers of {path.parent}, but services.json there is gone or "
                "damaged. Stop that process and start again."
            )
        time.sleep(LOOK_EVERY_S)
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _watch(directory: Path, postgres: Postgres, valkey: Valkey) -> None:
    """Returns with the users' lock held, once nobody else holds it; raises EmbeddedError where a server ended."""
    # Every user holds this lock shared. It stays ours until this process is gone, so that nobody joins a server
    # that is stopping.
    users = os.open(directory / "users.lock", os.O_RDWR | os.O_CREAT, 0o644)
    while not _locked(users):
        for name, server in (("PostgreSQL", postgres), ("Valkey", valkey)):
            if server.process is None or server.process.poll() is not None:
                raise EmbeddedError(f"{name} ended by itself; its log in {directory} says why. Start again.")
        time.sleep(LOOK_EVERY_S)


def _announce(directory: Path, postgres: Postgres, valkey: Valkey) -> None:
    found = {
        "keeper_pid": os.getpid(),
        "database_url": postgres.url,
        "redis_url": valkey.url,
    }
    draft = directory / "services.json.new"
    draft.write_text(json.dumps(found))
    draft.replace(directory / "services.json")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise InterruptedError


def main() -> None:
    """Entry of `python -m seatsync.core.embedded.keeper DIRECTORY`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    try:
        keep(Path(sys.argv[1]))
    except EmbeddedError as error:
        sys.exit(f"error: {error}")
    except InterruptedError:
        return  # asked to stop before anything was started
    except OSError as error:
        sys.exit(f"error: The servers could not be kept ({error}). Free the disk or mend the rights of the folder.")


if __name__ == "__main__":
    main()
