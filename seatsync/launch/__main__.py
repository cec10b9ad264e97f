"""From a ready virtual environment to the running product; the arguments are those of bin/start."""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from seatsync.core.embedded import EmbeddedError, lost, provide_servers, state_dir
from seatsync.core.embedded.ports import free_port
from seatsync.launch.processes import LaunchError, Processes, Spec
from seatsync.launch.refusals import alone, data_readable, ports_usable

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 90.0
PYTHON = sys.executable
BIN = Path(sys.executable).parent


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/start", description="Start SeatSync on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="web; the socket takes the next one")
    parser.add_argument("--simulator-port", type=int, default=9100)
    parser.add_argument("--check", action="store_true", help="start, run the main job once, print ok, stop")
    parser.add_argument("--data", type=Path, help="a folder with recorded sales to replay as a season of their own")
    found = parser.parse_args()
    if found.check:
        found.port, found.simulator_port = free_port(), free_port()
    return found


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
    """The product's processes (DESIGN: web, ws, workers, beat)."""
    celery = [PYTHON, "-W", "ignore", "-m", "celery", "-q", "-A", "seatsync.celery", "--skip-checks"]
    worker = [*celery, "worker", "--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    return [
        Spec("web", [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(options.port),
                     "--workers", "2", "--blocking-threads", "2", "--no-ws", "--log-level", "warning",
                     "seatsync.wsgi:application"]),
        Spec("ws", [str(BIN / "daphne"), "-v", "0", "-b", "127.0.0.1", "-p", str(ws_port),
                    "seatsync.asgi:application"]),
        Spec("sync", [*worker, "-Q", "sync", "-c", "2", "-n", "sync@%h"]),
        Spec("worker", [*worker, "-Q", "default,automation,reports", "-c", "1", "-n", "worker@%h"]),
        Spec("beat", [*celery, "beat", "--loglevel=WARNING", "-S", "django_celery_beat.schedulers:DatabaseScheduler",
                      "--pidfile="]),
    ]  # fmt: skip


def step(text: str, started: float) -> None:
    """A line of progress."""
    sys.stderr.write(f"  {text} ({time.monotonic() - started:.1f} s)\n")


def manage(processes: Processes, *command: str) -> None:
    """Run a management command in this run's environment and pass its steps on; raises LaunchError with its last line.

    A step is a line that is set in by two spaces.
    """
    running = subprocess.Popen(
        [PYTHON, "manage.py", *command], cwd=ROOT, env=processes.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    last = "no reason given"
    try:
        for line in running.stdout or ():
            if line.startswith("  "):
                sys.stderr.write(line)
            last = line.strip() or last
    finally:
        if running.poll() is None:
            running.terminate()
    if running.wait() != 0:
        raise LaunchError(lost() or f"`manage.py {' '.join(command)}` failed: {last}")


def wait_for(url: str, processes: Processes) -> None:
    """Wait until an address answers 200; raises LaunchError where a process ends or time runs out."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if (gone := lost()) is not None:
            raise LaunchError(gone)
        if (name := processes.dead()) is not None:
            raise LaunchError(f"The process {name} ended at once; its lines above say why. Mend that and start again.")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise LaunchError(f"{url} did not answer within {READY_WITHIN_S:.0f} s. Look at the lines above and start again.")


def start(options: argparse.Namespace, processes: Processes, ws_port: int) -> None:
    """Bring everything up, with a line of progress for each step."""
    processes.start(Spec("simulator", [PYTHON, "manage.py", "run_simulator", "--port", str(options.simulator_port)]))
    wait_for(f"http://127.0.0.1:{options.simulator_port}/_sim/health", processes)
    manage(processes, "prepare", *(["--data", str(options.data.resolve())] if options.data else []))
    started = time.monotonic()
    for spec in specs(options, ws_port):
        processes.start(spec)
    wait_for(f"http://127.0.0.1:{options.port}/readyz", processes)
    step("web, ws, workers, beat and simulator running", started)


def watch(processes: Processes) -> int:
    """Until Ctrl-C, SIGTERM, or a process or a server that ends."""
    while True:
        time.sleep(0.5)
        if (gone := lost()) is not None:
            sys.stderr.write(f"error: {gone}\n")
            return 1
        if (name := processes.dead()) is not None:
            sys.stderr.write(f"error: the process {name} ended; everything is stopped. Its lines above say why.\n")
            return 1


def run(options: argparse.Namespace) -> int:
    """The exit status."""
    ws_port = free_port() if options.check else options.port + 1
    data_readable(options.data)
    alone(state_dir(), f"http://localhost:{options.port}")
    ports_usable({
        "web": (options.port, "--port"), "socket": (ws_port, "--port"),
        "simulator": (options.simulator_port, "--simulator-port"),
    })  # fmt: skip
    started = time.monotonic()
    provide_servers()
    step("PostgreSQL and Valkey running", started)
    processes = Processes(environment(options, ws_port))
    try:
        start(options, processes, ws_port)
        if options.check:
            check = subprocess.run(
                [PYTHON, "manage.py", "check_main_job"], cwd=ROOT, env=processes.environment, check=False
            )
            return check.returncode
        sys.stderr.write(
            f"\nSeatSync is at http://localhost:{options.port}\n"
            "Sign in as holder@example.com, password take-me-out-2024. Ctrl-C stops everything.\n\n"
        )
        return watch(processes)
    finally:
        processes.stop()


def main() -> int:
    """One sentence and status 1 for what cannot be started."""
    options = arguments()
    # A check that was cut off has not succeeded; a product that was stopped has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143 if options.check else 0))
    try:
        return run(options)
    except EmbeddedError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130 if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
