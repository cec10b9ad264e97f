"""What `bin/test` does: `bin/test [--all] [pytest arguments]`."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from _children import Stopped
from _environment import PYTHON, VENV, SetupError, environment_ready, heard, run, step

HEAVY = "chaos or load or browser_full"


def checks() -> list[tuple[str, list[str]]]:
    """The checks before the tests, each with its name; the longest first."""
    tool = VENV / "bin"
    manage = [str(PYTHON), "manage.py"]
    return [
        ("mypy", [f"{tool}/mypy", "."]),
        ("ruff check", [f"{tool}/ruff", "check", "."]),
        ("ruff format", [f"{tool}/ruff", "format", "--check", "-q", "."]),
        ("import contracts", [f"{tool}/lint-imports", "--no-cache"]),
        ("templates", [f"{tool}/djlint", "templates", "--lint", "--quiet"]),
        ("system checks", [*manage, "check", "--fail-level", "WARNING"]),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
    ]


def checked() -> int:
    """Runs the checks, two at a time; the exit status of the first that found something, else 0."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(_timed, command): name for name, command in checks()}
        for done in as_completed(running):
            started, status, said = done.result()
            if status != 0:
                print(f"{said}error: {running[done]} found something; see above.", file=sys.stderr, flush=True)
                pool.shutdown(wait=False, cancel_futures=True)
                return status
            step(running[done], started)
    return 0


def _timed(command: list[str]) -> tuple[float, int, str]:
    return time.monotonic(), *heard(command)


def pytest_command(arguments: list[str], *, everything: bool) -> list[str]:
    """Pytest on three workers, since some wait for processes and leases while two cores have nothing to do.

    The heavy marks only with --all or when a mark is asked for.
    """
    command = [str(PYTHON), "-m", "pytest", "-q"]
    if not any(argument.startswith("-n") for argument in arguments):
        command += ["-n", "3"]
    if not everything and "-m" not in arguments:
        command += ["-m", f"not ({HEAVY})"]
    return [*command, *arguments]


def main(arguments: list[str]) -> int:
    """Returns the exit status: the first failed check's, else pytest's."""
    everything = "--all" in arguments
    arguments = [argument for argument in arguments if argument != "--all"]
    try:
        environment_ready("requirements-dev.txt")
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return stopped.status
    os.environ["ENVIRONMENT"] = "test"
    if not arguments and (status := checked()) != 0:
        return status
    return run(pytest_command(arguments, everything=everything))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
