"""The options of bin/start. The standard library alone: bin/start reads them before any package is there."""

import argparse
from pathlib import Path
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Refuses as everything else here does: one sentence and status 1."""

    def error(self, message: str) -> NoReturn:
        """Ends the process."""
        remedy = "" if message.endswith(".") else ". `bin/start --help` lists the options."
        self.exit(1, f"error: {message.removeprefix('argument ')}{remedy}\n")


def _port(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no port. Give a number from 1 to 65535.") from error


def arguments() -> argparse.Namespace:
    """The command line; ends the process where it asks for help, or cannot be understood."""
    parser = Parser(prog="bin/start", description="Start SeatSync on this machine.")
    parser.add_argument("--port", type=_port, help="web (8000); the socket takes the next one")
    parser.add_argument("--simulator-port", type=_port, help="the simulated marketplaces (9100)")
    parser.add_argument(
        "--check", action="store_true", help="start, run the main job once, print ok, stop; on free ports unless told"
    )
    parser.add_argument("--data", type=Path, help="a folder with recorded sales to replay as a season of their own")
    parser.add_argument("--speed", default="max", help="recorded seconds per second, or max; with --data")
    found = parser.parse_args()
    if found.speed != "max" and found.data is None:
        parser.error("--speed is the speed of a replay. Give --data PATH with it.")
    return found
