"""The keeper: owns both servers, and stops them when no process holds the users' lock any more."""

import contextlib
import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from seatsync.core.embedded.errors import EmbeddedError
from seatsync.core.embedded.postgres import Postgres
from seatsync.core.embedded.valkey import Valkey


def keep(directory: Path) -> None:
    """Start, announce in services.json, wait for the last user to go (or SIGTERM), stop."""
    postgres, valkey = Postgres(directory), Valkey(directory)
    try:
        valkey.start()
        postgres.start()
        _announce(directory, postgres, valkey)
        # Every user holds this lock shared; a pending exclusive request does not keep new users out.
        with (
            (directory / "users.lock").open("a+") as users,
            contextlib.suppress(InterruptedError),
        ):
            fcntl.flock(users, fcntl.LOCK_EX)
            (directory / "services.json").unlink(missing_ok=True)
            postgres.stop()
            valkey.stop()
    finally:
        (directory / "services.json").unlink(missing_ok=True)
        postgres.stop()
        valkey.stop()


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


if __name__ == "__main__":
    main()
