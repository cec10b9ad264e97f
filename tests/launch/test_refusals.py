"""What bin/start refuses at once, and what it notices later: one sentence, status 1, nothing left running."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seatsync.core.embedded.ports import free_port
from seatsync.launch.interrupts import Interrupts
from seatsync.launch.processes import LaunchError, Processes
from seatsync.launch.product import manage
from tests.launch.tools import PATIENCE_S, ROOT, environment, servers, small_disk, until
from tests.product import ports


def begin(state: Path, *arguments: str, prefix: Sequence[str] = ()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "seatsync.launch", *arguments], cwd=ROOT, env=environment(state), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def refused(state: Path, *arguments: str, prefix: Sequence[str] = ()) -> str:
    process = begin(state, *arguments, prefix=prefix)
    try:
        output, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        # One that was not refused is no business of the next test's.
        process.kill()
    assert (process.returncode, output) == (1, ""), errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1, errors
    assert not (state / "postgres").exists(), "nothing was started"
    return errors


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("--port", "70000"), "--port gives port 70000 to the web"),
    (("--port", "65535"), "--port gives port 65536 to the socket"),
    (("--port", "-5"), "--port gives port -5 to the web"),
    (("--port", "0"), "--port gives port 0 to the web"),
    (("--simulator-port", "70000"), "--simulator-port gives port 70000 to the simulator"),
    (("--check", "--simulator-port", "70000"), "--simulator-port gives port 70000 to the simulator"),
    (("--data", "/nonexistent"), "--data /nonexistent is no folder that can be read"),
    (("--data", "/proc/self"), "/proc/self/sales_mlb_2025.csv.gz does not exist. Give the folder that holds"),
    (("--data", "/tmp", "--speed", "banana"), "--speed 'banana' is not a speed. Give recorded seconds per second"),
    (("--data", "/tmp", "--speed=-4"), "--speed '-4' is not a speed."),
    (("--data", "/tmp", "--speed"), "--speed: expected one argument. `bin/start --help` lists the options."),
    (("--speed", "3600"), "--speed is the speed of a replay. Give --data PATH with it."),
    (("--port", "abc"), "--port: 'abc' is no port. Give a number from 1 to 65535."),
    (("--banana",), "unrecognized arguments: --banana. `bin/start --help` lists the options."),
])  # fmt: skip
def test_what_cannot_be_is_refused_at_once(state: Path, arguments: tuple[str, ...], sentence: str) -> None:
    given = arguments if "--port" in arguments else ("--port", str(ports()[0]), *arguments)
    assert sentence in refused(state, *given)


@pytest.mark.parametrize(("line", "told"), [
    ("CommandError: --data: sales.csv is empty. Give another.", "--data: sales.csv is empty. Give another."),
    ("ValueError: 7", "`manage.py prepare --data x` failed: ValueError: 7"),
])  # fmt: skip
def test_what_a_command_refuses_is_told_in_its_own_sentence(
    line: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Processes, spec: Any, hear: Any, *, cwd: Path) -> int:
        hear(f"{line}\n")
        return 1

    monkeypatch.setattr(Processes, "run", run)
    with pytest.raises(LaunchError) as caught:
        manage(Processes({}, Interrupts()), "prepare", "--data", "x")
    assert str(caught.value) == told


def test_an_unknown_environment_is_refused_at_once(state: Path) -> None:
    said = refused(state, "--port", str(ports()[0]), prefix=("env", "ENVIRONMENT=bogus"))
    assert said == "error: ENVIRONMENT='bogus' is unknown. Set it to one of: dev, test, production.\n"


def test_a_traceback_is_not_taken_for_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        "  database ready (1.2 s)",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in y',
        "ValueError: 7",
    ]

    def run(self: Processes, spec: Any, hear: Any, *, cwd: Path) -> int:
        for line in said:
            hear(f"{line}\n")
        return 1

    monkeypatch.setattr(Processes, "run", run)
    with pytest.raises(LaunchError):
        manage(Processes({}, Interrupts()), "prepare")
    assert capsys.readouterr().err == "  database ready (1.2 s)\n"


def test_a_disk_that_fills_while_the_database_is_made_is_named(state: Path) -> None:
    with small_disk(state.with_name("disk"), megabytes=60) as disk:
        web, simulator = ports()
        process = begin(disk / "state", "--port", str(web), "--simulator-port", str(simulator))
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1, errors
        assert (
            errors.splitlines()[-1] == f"error: The disk that holds {disk / 'state'} is full. Free it and start again."
        )
        assert "Traceback" not in errors
        until(lambda: not servers(disk), "nothing is left running")


def test_a_database_that_is_not_there_is_told_with_its_remedy(state: Path) -> None:
    away = {"DATABASE_URL": f"postgres://a@127.0.0.1:{free_port()}/a", "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=ROOT, env=environment(state) | away, text=True, check=False,
        capture_output=True, timeout=PATIENCE_S,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("CommandError: The database cannot be reached: connection ")
    assert last.endswith("Start it, or mend DATABASE_URL, and start again.")


def test_one_port_for_two_is_refused(state: Path) -> None:
    port = free_port()
    assert f"Port {port} is wanted by the web and the simulator" in refused(
        state, "--port", str(port), "--simulator-port", str(port)
    )
    assert f"Port {port + 1} is wanted by the socket and the simulator" in refused(
        state, "--port", str(port), "--simulator-port", str(port + 1)
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_somebody_listens_on_is_refused(state: Path, host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        try:
            listener.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listener.listen()
        port = int(listener.getsockname()[1])
        assert f"Port {port} is in use" in refused(state, "--port", str(port))


def test_a_privileged_port_is_refused_to_an_ordinary_user(state: Path) -> None:
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not limit.exists() or int(limit.read_text()) <= 80:
        pytest.skip("this system keeps no low ports back")
    # Root without the one right that ordinary users lack.
    prefix = ["setpriv", "--bounding-set=-net_bind_service"] if os.geteuid() == 0 else []
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("root cannot give up a right here")
    assert "Port 80 may not be used by an ordinary user" in refused(state, "--port", "80", prefix=prefix)


def test_a_second_start_in_the_same_folder_is_refused_and_names_the_first(state: Path) -> None:
    port = free_port()
    first = begin(state, "--port", str(port), "--simulator-port", str(free_port()))
    try:
        until(lambda: (state / "launcher.lock").exists() and (state / "launcher.lock").read_text(), "the first began")
        second = begin(state, "--check")
        output, errors = second.communicate(timeout=PATIENCE_S)
        assert (second.returncode, output) == (1, "")
        assert errors == (
            f"error: SeatSync is already running from this folder (pid {first.pid}, http://localhost:{port}). "
            "Use that, or stop it first.\n"
        )
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_check_that_is_cut_off_has_not_succeeded(state: Path, number: signal.Signals, status: int) -> None:
    process = begin(state, "--check")
    until(lambda: servers(state), "the servers are being started")
    process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, errors
    assert "ok" not in output
    assert "Traceback" not in errors


def test_the_launcher_stops_when_a_server_dies(state: Path) -> None:
    web, simulator = ports()
    process = begin(state, "--port", str(web), "--simulator-port", str(simulator))
    until((state / "services.json").exists, "the servers run")
    next(one for one in servers(state) if Path(one.cmdline()[0]).name == "postgres").kill()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, errors
    assert f"error: PostgreSQL or Valkey of {state} ended;" in errors
