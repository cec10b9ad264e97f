"""What `bin/start` does: make the environment, then hand over to the product's own launcher."""

import argparse
import ast
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from _children import Stopped
from _environment import PYTHON, ROOT, SetupError, environment_ready

LAUNCHER = ROOT / "seatsync" / "launch" / "product.py"
# What reads the command line there, and needs no package.
OPTIONS = {"Parser", "_port", "arguments"}


def help_print() -> None:
    """Print the launcher's own options, read from its source: its packages may not be there yet, and need not be."""
    module = ast.parse(LAUNCHER.read_text())
    module.body = [node for node in module.body if getattr(node, "name", "") in OPTIONS]
    names: dict[str, Any] = {"argparse": argparse, "Path": Path, "NoReturn": NoReturn}
    exec(compile(module, str(LAUNCHER), "exec"), names)  # noqa: S102 - our own file
    names["arguments"]()


def main() -> int:
    """Returns 1 with one sentence where the environment cannot be made; otherwise does not return."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        # argparse ends the process after it has printed them.
        help_print()
    try:
        environment_ready("requirements.txt")
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return stopped.status
    # A Ctrl-C between here and the launcher waits until it can be heard there.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    os.chdir(ROOT)
    os.environ.setdefault("ENVIRONMENT", "dev")
    os.execv(PYTHON, [str(PYTHON), "-m", "seatsync.launch", *sys.argv[1:]])  # noqa: S606 - no shell is wanted
    return 0


if __name__ == "__main__":
    sys.exit(main())
