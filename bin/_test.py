"""What `bin/test` does: `bin/test [--all] [pytest arguments]`."""

import os
import sys
import time

from _children import Stopped
from _environment import PYTHON, VENV, SetupError, environment_ready, run, step

HEAVY = "chaos or load or browser_full"


def checks() -> list[tuple[str, list[str]]]:
    """The checks before the tests, each with its name."""
    tool = VENV / "bin"
    manage = [str(PYTHON), "manage.py"]
    return [
        ("ruff check", [f"{tool}/ruff", "check", "."]),
        ("ruff format", [f"{tool}/ruff", "format", "--check", "-q", "."]),
        ("mypy", [f"{tool}/mypy", "."]),
        ("import contracts", [f"{tool}/lint-imports", "--no-cache"]),
        ("templates", [f"{tool}/djlint", "templates", "--lint", "--quiet"]),
        ("system checks", [*manage, "check", "--fail-level", "WARNING"]),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
    ]


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
    if not arguments:
        for name, command in checks():
            started = time.monotonic()
            if (status := run(command)) != 0:
                print(f"error: {name} found something; see above.", file=sys.stderr)
                return status
            step(name, started)
    return run(pytest_command(arguments, everything=everything))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
