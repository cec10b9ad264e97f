"""From a ready virtual environment to the running product; the arguments are those of bin/start."""

import argparse
import contextlib
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from seatsync.core.embedded import EmbeddedError, lost, provide_servers, state_dir
from seatsync.core.embedded.ports import free_port
from seatsync.launch.interrupts import Interrupts, Stopped
from seatsync.launch.options import arguments
from seatsync.launch.processes import LaunchError, Processes, Spec
from seatsync.launch.refusals import alone, data_readable, environment_known, ports_usable, speed_usable

ROOT = Path(__file__).resolve().parents[2]
# As long as a process that is at work may take to answer (on a starved machine a start takes minutes), and how long one
# that is not at work is waited for: by so little processor time it is told from one that hangs.
READY_WITHIN_S, QUIET_S, AT_WORK_S = 900.0, 90.0, 0.5
SAYS_EVERY_S = 30.0
SILENT = "nothing answered"
KEEPER_SEES_S = 3.0
WEB_PORT, SIMULATOR_PORT = 8000, 9100
# How Django begins the line of a command that refuses.
REFUSED = "CommandError: "
PYTHON = sys.executable
BIN = Path(sys.executable).parent


def ports_choose(options: argparse.Namespace) -> int:
    """Fill in the ports that the command line leaves open; returns the socket's.

    A check takes free ones, since the product may be running on the usual ones.
    """
    chosen = options.port
    if chosen is None:
        options.port = free_port() if options.check else WEB_PORT
    if options.simulator_port is None:
        options.simulator_port = free_port() if options.check else SIMULATOR_PORT
    return free_port() if options.check and chosen is None else options.port + 1


def environment(options: argparse.Namespace, ws_port: int) -> dict[str, str]:
    """What every process of this run gets."""
    return {
        "BASE_URL": f"http://localhost:{options.port}",
        "WS_URL": f"ws://localhost:{ws_port}",
        "SIMULATOR_URL": f"http://127.0.0.1:{options.simulator_port}",
        "PYTHONUNBUFFERED": "1",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
    }


def specs(options: argparse.Namespace, ws_port: int) -> list[Spec]:
    """The product's processes (docs/architecture.md)."""
    celery = [PYTHON, "-W", "ignore", "-m", "celery", "-q", "-A", "seatsync.celery", "--skip-checks"]
    worker = [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    return [
        Spec("web", [str(BIN / "granian"), "--interface", "asginl", "--host", "127.0.0.1", "--port", str(options.port),
                     "--workers", "2", "--no-ws", "--log-level", "warning", "seatsync.web:application"]),
        Spec("ws", [str(BIN / "daphne"), "-v", "0", "-b", "127.0.0.1", "-p", str(ws_port),
                    "seatsync.asgi:application"]),
        Spec("urgent", [*worker, "-Q", "urgent", "-c", "2", "-n", "urgent@%h"], rank=1, again=True),
        Spec("sync", [*worker, "-Q", "sync", "-c", "2", "-n", "sync@%h"], rank=1, again=True),
        Spec("worker", [*worker, "-Q", "default,automation,reports", "-c", "1", "-n", "worker@%h"], rank=1, again=True),
        Spec("beat", [*celery, "beat", "--loglevel=WARNING", "-S", "django_celery_beat.schedulers:DatabaseScheduler",
                      "--pidfile="], rank=1, again=True),
    ]  # fmt: skip


_STEP = re.compile(r"  \S.* \(\d+\.\d s\)")


def step(text: str, started: float) -> None:
    """A line of progress."""
    sys.stderr.write(f"  {text} ({time.monotonic() - started:.1f} s)\n")


def manage(processes: Processes, *command: str) -> None:
    """Run a management command in this run's environment and pass its steps on; raises LaunchError with its last line.

    A command that refuses says why in whole sentences; any other failure is told with the command's name.

    A step is a line that is set in by two spaces and ends with its time: a traceback's lines do not.
    """
    last = "no reason given"

    def hear(line: str) -> None:
        nonlocal last
        if _STEP.fullmatch(line.rstrip("\n")):
            sys.stderr.write(line)
        last = line.strip() or last

    if processes.run(Spec(command[0], [PYTHON, "manage.py", *command]), hear, cwd=ROOT) != 0:
        said = last.removeprefix(REFUSED)
        if said != last:
            raise LaunchError(lost() or said)
        raise LaunchError(_lost_by_now() or f"`manage.py {' '.join(command)}` failed: {last}")


def _lost_by_now() -> str | None:
    """As `lost`: who is cut off by a server that ends knows it a moment before the server's keeper does."""
    deadline = time.monotonic() + KEEPER_SEES_S
    while (gone := lost()) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return gone


def _check_up(processes: Processes) -> None:
    """Raises LaunchError where a server or a process is gone."""
    if (gone := lost()) is not None:
        raise LaunchError(gone)
    if (name := processes.dead()) is not None:
        raise LaunchError(f"The process {name} ended at once; its lines above say why. Mend that and start again.")


def wait_for(url: str, check: Callable[[], None], worked: Callable[[], float | None] = lambda: None) -> None:
    """Wait until an address answers 200, as long as whoever is to answer is at work.

    `worked`: its processor seconds so far; None where that cannot be told, then it is waited for to the end. Raises
    LaunchError where time runs out or nothing goes on, and what `check` raises meanwhile.
    """
    began = moved = said = time.monotonic()
    mark = worked()
    while True:
        check()
        if (answer := _answer(url)) is None:
            return
        at, by_now = time.monotonic(), worked()
        # One that answers has started: what it lacks, its work on our questions does not bring.
        if answer == SILENT and (by_now is None or by_now >= (mark or 0.0) + AT_WORK_S):
            mark, moved = by_now, at
        elif at - moved >= QUIET_S:
            raise LaunchError(
                f"{url} is not ready, and nothing went on for {QUIET_S:.0f} s ({answer}). "
                "Look at the lines above, mend what they say and start again."
            )
        if at - began >= READY_WITHIN_S:
            raise LaunchError(
                f"{url} is not ready after {READY_WITHIN_S:.0f} s ({answer}). "
                "Look at the lines above; where the machine is busy, start again once it is less so."
            )
        if at - said >= SAYS_EVERY_S:
            said = at
            step(f"still starting, {answer} at {url}", began)
        time.sleep(0.1)


def _answer(url: str) -> str | None:
    """Why an address is not ready; None where it is."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
            return None if answer.status == 200 else f"it answered {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"it answered {error.code}"
    except (urllib.error.URLError, OSError):
        return SILENT


def start(options: argparse.Namespace, processes: Processes, ws_port: int) -> None:
    """Bring everything up, with a line of progress for each step."""
    simulator = [PYTHON, "manage.py", "run_simulator", "--port", str(options.simulator_port)]
    processes.start(Spec("simulator", simulator, rank=2))
    up = partial(_check_up, processes)
    address = f"http://127.0.0.1:{options.simulator_port}/_sim/health"
    wait_for(address, up, partial(processes.worked_s, "simulator"))
    replay = ["--data", str(options.data.resolve()), "--speed", options.speed] if options.data else []
    manage(processes, "prepare", *replay)
    started = time.monotonic()
    for spec in specs(options, ws_port):
        processes.start(spec)
    wait_for(f"http://127.0.0.1:{options.port}/readyz", up, partial(processes.worked_s, "web"))
    step("web, ws, workers, beat and simulator running", started)


def watch(processes: Processes, started: Iterable[Spec]) -> int:
    """Until Ctrl-C, SIGTERM, or a process or a server that ends.

    A worker that loses its broker with messages in its hands may end: it is started anew.
    """
    again = {spec.name: spec for spec in started if spec.again}
    while True:
        time.sleep(0.5)
        if (gone := lost()) is not None:
            sys.stderr.write(f"error: {gone}\n")
            return 1
        if (name := processes.dead()) is None:
            continue
        if name in again and processes.revive(again[name]):
            sys.stderr.write(f"the process {name} ended by itself and is started anew\n")
        else:
            sys.stderr.write(f"error: the process {name} ended; everything is stopped. Its lines above say why.\n")
            return 1


def run(options: argparse.Namespace, processes: Processes, ws_port: int) -> int:
    """Everything from the servers to the end; the exit status. Raises EmbeddedError for what cannot be started."""
    environment_known()
    speed_usable(options.speed)
    data_readable(options.data)
    alone(state_dir(), f"http://localhost:{options.port}")
    ports_usable({
        "web": (options.port, "--port"), "socket": (ws_port, "--port"),
        "simulator": (options.simulator_port, "--simulator-port"),
    })  # fmt: skip
    started = time.monotonic()
    provide_servers()
    processes.environment |= os.environ | environment(options, ws_port)
    step("PostgreSQL and Valkey running", started)
    start(options, processes, ws_port)
    if options.check:
        check = Spec("check", [PYTHON, "manage.py", "check_main_job"])
        return processes.run(check, cwd=ROOT)
    sys.stderr.write(
        f"\nSeatSync is at http://localhost:{options.port}\n"
        "Sign in as holder@example.com, password take-me-out-2024. Ctrl-C stops everything.\n"
        f"Mails (a new account's code, too) are written to {state_dir() / 'mail'}.\n\n"
    )
    return watch(processes, specs(options, ws_port))


def launch(interrupts: Interrupts) -> int:
    """Run until stopped; everything that was started is gone then. One sentence and status 1 for what cannot start."""
    options = arguments()
    ws_port = ports_choose(options)
    processes = Processes({}, interrupts)
    try:
        status = run(options, processes, ws_port)
    except EmbeddedError as error:
        sys.stderr.write(f"error: {error}\n")
        status = 1
    except Stopped as stopped:
        # The terminal may be the one that was closed.
        with contextlib.suppress(OSError):
            sys.stderr.write("\nstopping\n")
        # A check that was cut off has not succeeded; a product that was stopped has.
        status = stopped.status if options.check else 0
    finally:
        interrupts.ignore()
        processes.stop()
    return status
