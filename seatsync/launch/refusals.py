"""What bin/start refuses at once, before anything is started: bad ports, a missing record, a second run."""

import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from intelligence.training_data import sales_path
from seatsync.core.environments import ENVIRONMENTS
from seatsync.demo.pace import speed_parse
from seatsync.launch.processes import LaunchError

_held: list[int] = []


def ports_usable(ports: Mapping[str, tuple[int, str]]) -> None:
    """Ports by use, each with the option that chooses it. Raises LaunchError naming the option."""
    taken: dict[int, str] = {}
    for use, (port, option) in ports.items():
        if not 1 <= port <= 65535:
            raise LaunchError(f"{option} gives port {port} to the {use}. Choose {option} so that all are 1 to 65535.")
        if port in taken:
            raise LaunchError(f"Port {port} is wanted by the {taken[port]} and the {use}. Change {option}.")
        taken[port] = use
        _port_usable(port, option)


def _port_usable(port: int, option: str) -> None:
    # A browser asked for localhost tries ::1 first: a stranger there would answer in our place.
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except PermissionError as error:
            raise LaunchError(
                f"Port {port} may not be used by an ordinary user. Choose one from 1024 with {option}."
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LaunchError(
                    f"Port {port} is in use. Stop what uses it, or choose another with {option}."
                ) from error
            if family == socket.AF_INET:
                raise LaunchError(f"Port {port} cannot be used ({error}). Choose another with {option}.") from error


def environment_known() -> None:
    """Raises LaunchError for an ENVIRONMENT that has no settings: its processes would end one by one."""
    name = os.environ.get("ENVIRONMENT", "dev")
    if name not in ENVIRONMENTS:
        raise LaunchError(f"ENVIRONMENT={name!r} is unknown. Set it to one of: {', '.join(ENVIRONMENTS)}.")


def data_readable(folder: Path | None) -> None:
    """Raises LaunchError where --data leads to no folder with a record that can be read."""
    if folder is None:
        return
    if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        raise LaunchError(f"--data {folder} is no folder that can be read. Give the folder of recorded sales.")
    try:
        record = sales_path(folder)
    except FileNotFoundError as error:
        raise LaunchError(f"--data: {error}") from error
    if not (record.is_file() and os.access(record, os.R_OK)):
        raise LaunchError(f"--data: {record} is no file that can be read. Mend its rights, or give another folder.")


def speed_usable(text: str) -> None:
    """Raises LaunchError where --speed is none."""
    try:
        speed_parse(text)
    except ValueError as error:
        raise LaunchError(str(error)) from error


def alone(directory: Path, address: str) -> None:
    """Hold the launcher's lock of a state folder until this process ends. Raises LaunchError naming who holds it."""
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(directory / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LaunchError(
            f"The folder {directory} cannot be used ({error}). Free the disk or mend its rights."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid, _, place = os.read(lock, 200).decode(errors="replace").strip().partition(" ")
        os.close(lock)
        raise LaunchError(
            f"SeatSync is already running from this folder (pid {pid}, {place}). Use that, or stop it first."
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()} {address}\n".encode(), 0)
    _held.append(lock)
