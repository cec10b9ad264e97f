"""Makes the virtual environment that bin/start and bin/test run in. Standard library only: nothing is installed yet."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from _children import Children

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.9"
RUNTIME = "requirements.txt"
# A disk with less is full for every purpose of ours.
SPARE_BYTES = 16 * 1024 * 1024
children = Children()


class SetupError(Exception):
    """One sentence with its remedy."""


def step(text: str, started: float) -> None:
    """One line of progress with the seconds it took."""
    print(f"  {text} ({time.monotonic() - started:.1f} s)", file=sys.stderr, flush=True)


def check_python() -> None:
    """Raises SetupError unless this is Python 3.11."""
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(f"SeatSync needs Python 3.11 and this is {found}. Install python3.11 and start again.")


def environment_ready(requirements: str) -> None:
    """Create or update `.venv/` from a pinned requirements file; milliseconds when nothing has changed.

    Raises SetupError, and Stopped where a signal came.
    """
    check_python()
    with children.listening(), _alone():
        digest = _digest(requirements)
        stamp = _stamp(requirements)
        if stamp.get("requirements") == digest and _fits(stamp):
            return
        fault = _fault(stamp if stamp.get("requirements") == digest else {})
        if fault is not None:
            _make_venv(fault)
        _install(requirements)


def _digest(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process at a time works on the environment. Raises Stopped where a signal comes while waiting."""
    told = False
    with Path(__file__).open() as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    print("  another bin/start or bin/test prepares .venv; waiting", file=sys.stderr, flush=True)
                told = True
                time.sleep(0.1)
                children.check()
        yield


# The stamp: what was installed, by which Python, where, and what lay there afterwards.
def _stamp_path(requirements: str) -> Path:
    return VENV / f"{Path(requirements).stem}.json"


def _stamp(requirements: str) -> dict[str, object]:
    try:
        found = json.loads(_stamp_path(requirements).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _identity() -> dict[str, object]:
    """The Python that the environment runs on, and the folder that its programs name in their first line."""
    version = ""
    with contextlib.suppress(OSError):
        lines = (VENV / "pyvenv.cfg").read_text().splitlines()
        version = next((line.partition("=")[2].strip() for line in lines if line.startswith("version")), "")
    return {"python": f"{version} {os.path.realpath(PYTHON)}", "folder": str(VENV.resolve())}


def _contents() -> set[str]:
    """Every package, every record of one, and every program, by name: two folders are read."""
    found: set[str] = set()
    for folder in ("lib/python3.11/site-packages", "bin"):
        with contextlib.suppress(OSError):
            found |= {f"{folder}/{path.name}" for path in (VENV / folder).iterdir() if path.name != "__pycache__"}
    return found


def _missing(stamp: dict[str, object]) -> list[str]:
    held = stamp.get("contents")
    return sorted(set(held) - _contents()) if isinstance(held, list) else []


def _lack() -> str:
    """What keeps the environment's Python from being run; empty where nothing does."""
    try:
        return "" if PYTHON.exists() else "has no Python any more"
    except PermissionError:
        return "was made on a Python that is closed to this user"


def _fits(stamp: dict[str, object]) -> bool:
    return not _lack() and stamp | _identity() == stamp and not _missing(stamp)


def _write_stamp(requirements: str) -> None:
    content = {"requirements": _digest(requirements), **_identity(), "contents": sorted(_contents())}
    _stamp_path(requirements).write_text(json.dumps(content))


def _fault(stamp: dict[str, object]) -> str | None:
    """Why the environment must be made anew (empty: there is none yet); None where it can be installed into."""
    if not VENV.exists() and not VENV.is_symlink():
        return ""
    if (VENV / "installing").exists():
        return "is half made"
    if lack := _lack():
        return lack
    question = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    status, said = children.run([str(PYTHON), "-c", question], ROOT)
    if status != 0 or said.strip() != "3.11":
        return "was made by another Python" if status == 0 else "does not work"
    if stamp and stamp | _identity() != stamp:
        return "was made by another Python or in another folder"
    if missing := _missing(stamp):
        return f"lacks {Path(missing[0]).name}"
    return None


def _make_venv(fault: str) -> None:
    started = time.monotonic()
    if VENV.is_symlink():
        raise SetupError(f"{VENV} is a link, and what it leads to {fault}. Remove the link and start again.")
    if fault:
        print(f"  .venv {fault}: it is made anew", file=sys.stderr, flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        status, said = children.run([sys.executable, "-m", "venv", str(VENV)], ROOT)
    except BaseException:
        shutil.rmtree(VENV, ignore_errors=True)
        raise
    if status != 0:
        full = _disk_is_full(said)
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"No virtual environment could be made: {_venv_reason(said, full=full)}")
    step("virtual environment", started)


def _venv_reason(said: str, *, full: bool) -> str:
    if full:
        return f"no space left on the disk of {ROOT}. Free it and start again."
    if "ensurepip is not available" in said or "No module named" in said:
        return "the venv module is missing. Mend that (apt install python3-venv) and start again."
    return f"{_last_line(said)}. Mend that and start again."


def _disk_is_full(said: str) -> bool:
    # Asked before anything is removed: the program that ran out of space may not have been able to say so.
    return "No space left" in said or shutil.disk_usage(ROOT).free < SPARE_BYTES


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1].strip().rstrip(".")


def _install(requirements: str) -> None:
    started = time.monotonic()
    for path in (_stamp_path(requirements), _stamp_path(RUNTIME)):
        path.unlink(missing_ok=True)
    marker = VENV / "installing"
    marker.touch()
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    has_uv = children.run([*pip, "install", "-q", UV], ROOT)[0] == 0
    command = (
        [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(PYTHON), "--compile-bytecode"]
        if has_uv
        else [*pip, "install", "-q"]
    )
    status, said = children.run([*command, "--require-hashes", "-r", requirements], ROOT)
    if status != 0:
        reason = "no space left on the disk" if _disk_is_full(said) else _last_line(said)
        raise SetupError(
            f"The packages could not be installed: {reason}. Check the network and the disk, then start again."
        )
    marker.unlink()
    # The development set contains the runtime set.
    for name in {requirements, RUNTIME}:
        _write_stamp(name)
    step(f"packages of {requirements}", started)


def run(command: list[str], **env: str) -> int:
    """Run a program of the virtual environment in the checkout; returns its exit status."""
    return subprocess.run(command, cwd=ROOT, env=_inside(env), check=False).returncode


def heard(command: list[str]) -> tuple[int, str]:
    """The same, with what it printed kept instead of shown."""
    told = subprocess.run(
        command, cwd=ROOT, env=_inside({}), check=False, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return told.returncode, told.stdout


def _inside(env: dict[str, str]) -> dict[str, str]:
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    # What was compiled is kept: each process of a test run, and there are many, would compile it anew.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**usual, "PATH": path, "PYTHONPATH": str(ROOT), **env}
