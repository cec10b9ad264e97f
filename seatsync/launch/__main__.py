"""`python -m seatsync.launch`: signals first, so that Ctrl-C is quiet from the beginning."""

import sys

from seatsync.launch.interrupts import Interrupts, Stopped


def main() -> int:
    """The exit status; 0 where somebody stopped us, unless a check was cut off by that."""
    interrupts = Interrupts()
    try:
        interrupts.listen()
        from seatsync.launch.product import launch

        return launch(interrupts)
    except Stopped as stopped:
        return stopped.status if "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
