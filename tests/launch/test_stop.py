"""Ctrl-C, SIGTERM and SIGKILL of the launcher leave nothing running, in every phase, whatever its children do."""

import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatsync.launch.interrupts import Interrupts, Stopped
from tests.launch.terminal import CTRL_C, ROOT, Terminal
from tests.product import ports

NOISE = ("Traceback", "error:", "Error", "Exception")
HIDDEN = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER", "ENVIRONMENT"}
Start = Callable[..., Terminal]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program on a terminal of its own; ends what is left of it."""
    begun: list[Terminal] = []

    def begin(*command: str, **environment: str) -> Terminal:
        kept = {key: value for key, value in os.environ.items() if key not in HIDDEN}
        terminal = Terminal(list(command), uuid.uuid4().hex, kept | {"PYTHONPATH": str(ROOT)} | environment)
        begun.append(terminal)
        return terminal

    yield begin
    for terminal in begun:
        terminal.end()


def gone(terminal: Terminal) -> None:
    terminal.wait(lambda: terminal.process.poll() is not None, "the launcher ends")
    terminal.wait(lambda: not terminal.left(), "nothing is left")


@pytest.mark.parametrize("phase", ["running", "command"])
@pytest.mark.parametrize("way", ["ctrl-c", "ctrl-c thrice", "term", "kill", "terminal closed"])
def test_children_that_ignore_signals_and_what_they_leave_behind_are_ended(start: Start, phase: str, way: str) -> None:
    terminal = start(sys.executable, str(Path(__file__).with_name("stubborn.py")), phase, "1")
    terminal.wait_for("ready")
    expected = 5 if phase == "running" else 7
    # The launcher, its guard, and two processes a child.
    terminal.wait(lambda: len(terminal.left()) >= expected + 1, "all run")
    if way == "term":
        terminal.process.send_signal(signal.SIGTERM)
    elif way == "kill":
        terminal.process.kill()
    elif way == "terminal closed":
        terminal.close()
    else:
        for _ in range(3 if "thrice" in way else 1):
            terminal.type(CTRL_C)
    gone(terminal)
    if way != "kill":
        assert terminal.process.returncode == 0
    assert not any(word in terminal.text for word in NOISE), terminal.text


def product(start: Start, state: Path) -> Terminal:
    for folder in (state, *state.parents):
        # PostgreSQL runs as another user where we are root, and must be able to get here.
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    port, simulator_port = ports()
    return start(
        sys.executable, "-m", "seatsync.launch", "--port", str(port), "--simulator-port", str(simulator_port),
        ENVIRONMENT="dev", SEATSYNC_STATE_DIR=str(state),
    )  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all, so that the database is made once."""
    return tmp_path_factory.mktemp("launch")


@pytest.mark.chaos
@pytest.mark.parametrize(
    "words", ["", "PostgreSQL and Valkey running", "database ready", "demo loaded", "SeatSync is at"]
)
def test_ctrl_c_stops_the_product_quietly_in_every_phase(start: Start, state: Path, words: str) -> None:
    terminal = product(start, state)
    if words:
        terminal.wait_for(words)
    terminal.type(CTRL_C)
    before = len(terminal.text)
    gone(terminal)
    assert terminal.process.returncode in ({0} if words else {0, -signal.SIGINT, 1, 130})
    if words:
        assert not any(word in terminal.text[before:] for word in NOISE), terminal.text


@pytest.mark.chaos
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_launcher_ends_the_product(start: Start, state: Path, number: int) -> None:
    terminal = product(start, state)
    terminal.wait_for("SeatSync is at")
    assert sum("granian" in line for line in terminal.left()) >= 2
    before = len(terminal.text)
    terminal.process.send_signal(number)
    gone(terminal)
    if number == signal.SIGTERM:
        assert terminal.process.returncode == 0
        assert not any(word in terminal.text[before:] for word in NOISE), terminal.text


def test_a_signal_is_heard_once_and_not_in_the_middle_of_a_piece_of_work() -> None:
    interrupts = Interrupts()
    done: list[str] = []

    def work() -> None:
        with interrupts.held():
            interrupts._hear(signal.SIGINT, None)
            done.append("all of it")
        done.append("never")

    with pytest.raises(Stopped):
        work()
    interrupts._hear(signal.SIGINT, None)
    assert done == ["all of it"]


def test_a_speed_without_a_record_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from seatsync.launch import options as launcher

    monkeypatch.setattr(sys, "argv", ["bin/start", "--speed", "60"])
    with pytest.raises(SystemExit, match="1"):
        launcher.arguments()
    assert capsys.readouterr().err == "error: --speed is the speed of a replay. Give --data PATH with it.\n"
