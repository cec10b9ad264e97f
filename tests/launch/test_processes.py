"""A child that is killed as the kernel does it is gone with what it started, and may be started again."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from seatsync.core.embedded.ports import free_port
from seatsync.launch import guard, product
from seatsync.launch.interrupts import Interrupts
from seatsync.launch.processes import MOST_REVIVED, LaunchError, Processes, Spec

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


def test_the_processor_time_of_a_child_is_told_with_that_of_its_own(processes: Processes) -> None:
    burns = "import os; os.fork()\nwhile True: pass"
    processes.start(Spec("busy", [sys.executable, "-c", burns]))
    until = time.monotonic() + 60
    while (processes.worked_s("busy") or 0.0) < 0.2:
        assert time.monotonic() < until, "it never worked"
        time.sleep(0.02)
    assert processes.worked_s("nobody") is None
    # Another process group's work is not its.
    assert guard.worked_s(1 << 30) in {0.0, None}


class EnoughError(Exception):
    pass


def looked(times: int) -> Callable[[], None]:
    left = iter(range(times))

    def check() -> None:
        if next(left, None) is None:
            raise EnoughError

    return check


def test_whoever_is_at_work_is_waited_for_and_whoever_hangs_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setattr(product, "QUIET_S", 0.0)
    monkeypatch.setattr(product, "SAYS_EVERY_S", 0.0)
    work = count(0.0, product.AT_WORK_S)
    with pytest.raises(EnoughError):
        product.wait_for(nobody, looked(5), lambda: next(work) * 2 + 1)
    with pytest.raises(LaunchError, match=r"nothing went on for 0 s \(nothing answered\).*start again"):
        product.wait_for(nobody, looked(5), lambda: 7.0)
    monkeypatch.setattr(product, "READY_WITHIN_S", 0.0)
    with pytest.raises(LaunchError, match="is not ready after 0 s"):
        product.wait_for(nobody, looked(5), lambda: next(work))


def test_whoever_answers_that_it_is_not_ready_is_not_at_work_by_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Unready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(product, "QUIET_S", 0.0)
        work = count(1.0, product.AT_WORK_S)
        with pytest.raises(LaunchError, match=r"\(it answered 503\)"):
            product.wait_for(f"http://127.0.0.1:{server.server_port}/", looked(5), lambda: next(work))
        server.shutdown()
