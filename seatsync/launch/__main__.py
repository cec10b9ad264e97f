"""`python -m seatsync.launch`: signals first, so that Ctrl-C is quiet from the beginning."""

import sys

from seatsync.launch.interrupts import Interrupts, Stopped


def main() -> int:
    """The exit status; 0 where somebody stopped us."""
    interrupts = Interrupts()
    try:
        interrupts.listen()
        from seatsync.launch.product import launch

        return launch(interrupts)
    except Stopped:
        return 0


if __name__ == "__main__":
    sys.exit(main())
