"""Makes the virtual environment that bin/start and bin/test run in. Standard library only: nothing is installed yet."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.9"


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
    """Create or update `.venv/` from a pinned requirements file; seconds when nothing has changed."""
    check_python()
    wanted = (ROOT / requirements).read_bytes()
    stamp = VENV / f"{Path(requirements).stem}.sha256"
    digest = hashlib.sha256(wanted).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    if not _works(PYTHON):
        _make_venv()
    _install(requirements)
    stamp.write_text(digest)
    if requirements != "requirements.txt":  # the development set contains the runtime set
        runtime = (ROOT / "requirements.txt").read_bytes()
        (VENV / "requirements.sha256").write_text(hashlib.sha256(runtime).hexdigest())


def _works(python: Path) -> bool:
    return (
        python.exists()
        and subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    )


def _make_venv() -> None:
    started = time.monotonic()
    if VENV.is_symlink():
        raise SetupError(f"{VENV} is a link that leads nowhere useful. Remove it and start again.")
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        reason = "the disk is full" if "No space" in done.stderr else "the venv module is missing"
        raise SetupError(
            f"No virtual environment could be made: {reason}. Mend that (apt install python3-venv) and retry."
        )
    step("virtual environment", started)


def _install(requirements: str) -> None:
    started = time.monotonic()
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    has_uv = subprocess.run([*pip, "install", "-q", UV], capture_output=True, check=False).returncode == 0
    command = (
        [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(PYTHON), "--compile-bytecode"]
        if has_uv
        else [*pip, "install", "-q"]
    )
    done = subprocess.run(
        [*command, "--require-hashes", "-r", requirements], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        tail = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SetupError(
            f"The packages could not be installed: {tail}. Check the network and the disk, then start again."
        )
    step(f"packages of {requirements}", started)


def run(command: list[str], **env: str) -> int:
    """Run a program of the virtual environment in the checkout; returns its exit status."""
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    merged = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(command, cwd=ROOT, env=merged, check=False).returncode
