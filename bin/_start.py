"""What `bin/start` does: make the environment, then hand over to the product's own launcher."""

import os
import runpy
import signal
import sys

from _children import Stopped
from _environment import PYTHON, ROOT, SetupError, environment_ready

OPTIONS = ROOT / "seatsync" / "launch" / "options.py"


def main() -> int:
    """Returns 1 with one sentence where the environment cannot be made; otherwise does not return."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        # Its packages may not be there yet, and it needs none; it ends the process.
        runpy.run_path(str(OPTIONS))["arguments"]()
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
