"""A child that is killed as the kernel does it is gone with what it started, and may be started again."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatsync.launch import guard, product
from seatsync.launch.interrupts import Interrupts
from seatsync.launch.processes import MOST_REVIVED, Processes, Spec

# It starts another, and neither heeds SIGTERM.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
)


def test_a_child_that_is_killed_is_gone_with_its_own_and_starts_again() -> None:
    processes = Processes({}, Interrupts(), grace_s=5.0)
    spec = Spec("stubborn", [sys.executable, "-c", STUBBORN])
    try:
        processes.start(spec)
        group = processes.running["stubborn"].pid
        tasks = Path(f"/proc/{group}/task/{group}/children")
        until = time.monotonic() + 60
        while not tasks.read_text().split():
            assert time.monotonic() < until, "it never started its own"
            time.sleep(0.02)
        processes.kill("stubborn")
        assert not guard.alive(group)
        assert (processes.running, processes.dead()) == ({}, None)
        processes.start(spec)
        assert processes.running["stubborn"].pid != group
        processes.kill("stubborn")
    finally:
        processes.stop()


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes({}, Interrupts(), grace_s=5.0)
    yield made
    made.stop()


def test_a_worker_that_ends_by_itself_is_started_anew_and_not_for_ever(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(product, "lost", lambda: None)
    begun = tmp_path / "begun"
    worker = Spec("worker", [sys.executable, "-c", f"open({str(begun)!r}, 'a').write('x')"], again=True)
    processes.start(worker)
    assert product.watch(processes, [worker]) == 1
    assert begun.read_text() == "x" * (1 + MOST_REVIVED)
    said = capsys.readouterr().err
    assert said.count("is started anew") == MOST_REVIVED
    assert "error: the process worker ended" in said


def test_another_process_that_ends_stops_everything(
    processes: Processes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(product, "lost", lambda: None)
    web = Spec("web", [sys.executable, "-c", "pass"])
    processes.start(web)
    assert product.watch(processes, [web]) == 1
    assert "anew" not in capsys.readouterr().err
