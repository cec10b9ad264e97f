"""The whole product under its own launcher, in a folder of its own: for the tests that need real processes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from seatsync.demo.people import HOLDER_EMAIL, PASSWORD
from seatsync.launch.processes import LaunchError
from seatsync.launch.refusals import ports_usable

ROOT = Path(__file__).resolve().parents[1]
# Generous: these machines are shared. Promises in time are the benches' business.
PATIENCE_S = 120.0


def ports() -> tuple[int, int]:
    """The web's (whose successor is the socket's) and the simulator's: free, and none that is handed out by itself."""
    chance = random.Random(os.getpid())
    while True:
        first = chance.randrange(20_000, 30_000, 4)
        try:
            ports_usable({str(port): (port, "--port") for port in (first, first + 1, first + 2)})
        except LaunchError:
            continue
        return first, first + 2


class Product:
    """Started by its constructor, ended by `stop`."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port, self.simulator_port = ports()
        hidden = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER"}
        # Of its own processes, and of commands that a test runs beside them.
        self.environment = {key: value for key, value in os.environ.items() if key not in hidden}
        self.environment |= {"ENVIRONMENT": "dev", "SEATSYNC_STATE_DIR": str(state)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seatsync.launch", "--port", str(self.port), "--simulator-port",
             str(self.simulator_port)],
            cwd=ROOT, env=self.environment, stdout=(state / "product.log").open("w"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            self.wait(
                lambda: "SeatSync is at" in self.log() or self.process.poll() is not None, "the product starts", 400.0
            )
            assert self.process.poll() is None, f"it did not start:\n{self.log()[-3000:]}"
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def log(self) -> str:
        return (self.state / "product.log").read_text()

    def wait(self, condition: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until the condition holds; fails with `what` where it never does."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}\n{self.log()[-2000:]}"
            time.sleep(0.05)

    # The simulator.
    def control(self, name: str, **wish: Any) -> Any:
        status, answer = self.asked(name, **wish)
        assert status < 300, answer
        return answer

    def asked(self, name: str, **wish: Any) -> tuple[int, Any]:
        """The status and the answer, for a wish that may be refused."""
        answer = httpx.post(f"http://127.0.0.1:{self.simulator_port}/_sim/{name}", json=wish, timeout=30)
        return answer.status_code, answer.json()

    def simulated(self) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.simulator_port}/_sim/state", timeout=30).json()

    def shown(self) -> set[str]:
        """External ids that buyers can see."""
        return {row["external_id"] for row in self.simulated()["listings"] if row["shown"]}

    def prices(self, keys: set[str]) -> set[str]:
        return {f"{float(row['price']):.2f}" for row in self.simulated()["listings"] if row["external_id"] in keys}

    # The API.
    def api(self) -> httpx.Client:
        """Signed in as the demo's holder."""
        client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=60)
        answer = client.post("/auth/token/", json={"email": HOLDER_EMAIL, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access']}"
        return client

    # The database, read past the product.
    def database(self) -> "psycopg.Connection[Any]":
        found = json.loads((self.state / "services.json").read_text())
        return psycopg.connect(found["database_url"])

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with self.database() as connection:
            return connection.execute(query, arguments).fetchall()

    # Its processes.
    def sync_workers(self) -> list[psutil.Process]:
        """The pool processes of the workers that talk to marketplaces; Celery replaces one that dies."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            if {"sync@%h", "urgent@%h"} & set(child.cmdline()):
                found += child.children()
        return found

    def kill_sync_workers(self) -> int:
        """SIGKILL, as the kernel does when memory runs out; returns how many died."""
        killed = 0
        for process in self.sync_workers():
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
            killed += 1
        return killed

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=90)
