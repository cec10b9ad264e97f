"""What the tests with real processes share: a state folder that everybody may enter, and a stranger."""

import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.tools import servers, until


@pytest.fixture(autouse=True, scope="session")
def _children_hear_signals() -> None:
    """A run that was started in the background, or to outlive its terminal, ignores some; what it starts would too."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            # Ignored by us all the same, but a handler is not inherited.
            signal.signal(number, lambda *_: None)


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder outside pytest's own: another run of pytest shuts that to all other users, PostgreSQL's among them."""
    with tempfile.TemporaryDirectory(prefix="seatsync-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "state"
        until(lambda: not servers(Path(folder)), "nothing serves the folder any more")


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of another program that leads a group of its own; any signal ends it."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    alive = process.poll() is None
    process.kill()
    process.wait()
    assert alive, "a stranger was signalled"
