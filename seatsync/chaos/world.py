"""A world of its own: a folder, a PostgreSQL, a Valkey, the simulator and the product's processes; gone afterwards."""

import os
import signal
import sys
from argparse import Namespace
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from seatsync.core.embedded.ports import free_port
from seatsync.core.embedded.postgres import Postgres
from seatsync.core.embedded.valkey import Valkey
from seatsync.launch.interrupts import Interrupts
from seatsync.launch.processes import LaunchError, Processes, Spec
from seatsync.launch.product import specs, wait_for

ROOT = Path(__file__).resolve().parents[2]
# What a sale passes through. Pages' sockets, mails and predictions have no part in the promise.
TAKEN = ("web", "urgent", "sync", "beat")
# One in a hundred requests hangs for twelve seconds: its worker waits meanwhile, so there are more of them.
POOLS = {"urgent": 4, "sync": 6}
KILLED = tuple(POOLS)


class World:
    """Started by `start`, ended by `stop`; only the main thread may call it (children die with the thread)."""

    def __init__(self, folder: Path, interrupts: Interrupts, *, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.postgres, self.valkey = Postgres(folder), Valkey(folder)
        self.port, self.simulator_port = free_port(), free_port()
        self.processes = Processes({}, interrupts)
        self.specs: dict[str, Spec] = {}

    @property
    def simulator_url(self) -> str:
        """Where the simulated marketplaces are."""
        return f"http://127.0.0.1:{self.simulator_port}"

    def servers_start(self) -> None:
        """Both servers, and this process's environment pointing to them. Raises EmbeddedError."""
        self.valkey.start()
        self.postgres.start()
        os.environ.update({
            "ENVIRONMENT": "dev", "SEATSYNC_STATE_DIR": str(self.folder), "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url, "BASE_URL": f"http://localhost:{self.port}",
            "WS_URL": f"ws://localhost:{self.port}", "SIMULATOR_URL": self.simulator_url, "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR"),
        })  # fmt: skip
        self.processes.environment = dict(os.environ)

    def product_start(self) -> None:
        """The simulator and the product's processes, on a migrated database. Raises LaunchError."""
        simulator = [
            sys.executable, "manage.py", "run_simulator", "--port", str(self.simulator_port), "--seed", str(self.seed),
            "--forget",
        ]  # fmt: skip
        self.processes.start(Spec("simulator", simulator, rank=2))
        wait_for(f"{self.simulator_url}/_sim/health", self.check, partial(self.processes.worked_s, "simulator"))
        for spec in specs(Namespace(port=self.port), self.port):
            if spec.name in TAKEN:
                self.specs[spec.name] = replace(spec, command=_pooled(spec))
                self.processes.start(self.specs[spec.name])
        wait_for(f"http://localhost:{self.port}/readyz", self.check, partial(self.processes.worked_s, "web"))

    def check(self) -> None:
        """Raises LaunchError where a process ended by itself."""
        if (name := self.processes.dead()) is not None:
            raise LaunchError(f"The process {name} ended by itself; its lines above say why.")

    def supervise(self) -> int:
        """Start anew what ended by itself, as whoever runs the product does; returns how many.

        A worker that loses its broker with messages in its hands may end instead of connecting again. Raises
        LaunchError where the marketplaces ended: that is nobody's fault but ours.
        """
        ended = [name for name, process in self.processes.running.items() if process.poll() is not None]
        if "simulator" in ended:
            self.check()
        for name in ended:
            sys.stderr.write(f"  {name} ended by itself and is started anew\n")
            self.processes.kill(name)
            self.processes.start(self.specs[name])
        return len(ended)

    # Trouble.
    def pools_kill(self) -> int:
        """SIGKILL to every pool process of the workers, which replace them; returns how many."""
        killed = 0
        for name in KILLED:
            for pid in _children(self.processes.running[name].pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        return killed

    def worker_kill(self, name: str) -> int:
        """SIGKILL to one worker with all of its processes, and a new one in its place; returns how many died."""
        died = 1 + len(_children(self.processes.running[name].pid))
        self.processes.kill(name)
        self.processes.start(self.specs[name])
        return died

    def valkey_restart(self) -> None:
        """Valkey is killed and started anew, empty."""
        if self.valkey.process is not None:
            self.valkey.process.kill()
            self.valkey.process.wait()
        self.valkey.start()

    def stop(self) -> None:
        """Everything that was started is gone then."""
        self.processes.stop()
        self.postgres.stop()
        self.valkey.stop()


def _pooled(spec: Spec) -> list[str]:
    if spec.name not in POOLS:
        return spec.command
    at = spec.command.index("-c") + 1
    return [*spec.command[:at], str(POOLS[spec.name]), *spec.command[at + 1 :]]


def _children(parent: int) -> list[int]:
    """The processes that this one started; none where nobody can tell."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # pid (name) state ppid ...; a name may hold anything, brackets too.
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
    return found
