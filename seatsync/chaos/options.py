"""The options of a run. The standard library alone: they are read before there is a database."""

import argparse
from dataclasses import dataclass

KILL_EVERY = 500
# A short run has its kills, too.
LEAST_KILLS = 3


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be run: `sales` at the marketplaces, everything drawn from `seed`."""

    sales: int
    seed: int
    kill_workers: bool = False
    as_json: bool = False
    in_process: bool = False
    keep: bool = False

    @property
    def kill_every(self) -> int:
        """Workers are killed each time that so many sales more were made."""
        return min(KILL_EVERY, max(1, self.sales // (LEAST_KILLS + 1)))


def options_add(parser: argparse.ArgumentParser) -> None:
    """The options, for whichever parser asks."""
    parser.add_argument("--sales", type=_count, required=True, help="how many sales the marketplaces make")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-workers", action="store_true", help="SIGKILL to workers each 500 sales, and a restart")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument(
        "--in-process", action="store_true", help="no servers: the state tables and the allocation alone (10^6 sales)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the run's folder, with its database and logs")


def options_of(given: argparse.Namespace | dict[str, object]) -> Options:
    """What was given on a command line."""
    found = given if isinstance(given, dict) else vars(given)
    return Options(
        sales=int(str(found["sales"])), seed=int(str(found["seed"])), kill_workers=bool(found["kill_workers"]),
        as_json=bool(found["json"]), in_process=bool(found["in_process"]), keep=bool(found["keep"]),
    )  # fmt: skip


def command_line(options: Options) -> list[str]:
    """The arguments that give these options again."""
    chosen = {
        "--kill-workers": options.kill_workers, "--json": options.as_json, "--in-process": options.in_process,
        "--keep": options.keep,
    }  # fmt: skip
    flags = [name for name, wanted in chosen.items() if wanted]
    return ["--sales", str(options.sales), "--seed", str(options.seed), *flags]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of sales. Give one from 1 on.")
    return int(text)
