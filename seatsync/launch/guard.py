"""The guard: ends the process groups of a launcher that was killed, and does nothing while it lives.

Run as a script by the launcher, standard library alone. It reads "+ID" and "-ID" lines (process groups that began and
ended) until its standard input closes, which happens when the launcher is gone, however it went; then it leaves them
the seconds of its argument to end by themselves.
"""

import os
import signal
import sys
import time
from pathlib import Path

PAUSE_S = 0.1


def alive(group: int) -> bool:
    """Whether a process group has a process."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def worked_s(group: int) -> float | None:
    """The processor seconds that the processes of a group took so far; None where the machine does not tell."""
    try:
        folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
        tick = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    return sum(_ticks(folder, group) for folder in folders) / tick


def _ticks(folder: Path, group: int) -> int:
    """Of one process, with the children that it has collected; 0 where it is of another group, or gone."""
    try:
        # The program's name, in brackets, may hold anything.
        _, _, rest = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
    except OSError:
        return 0
    parts = rest.split()
    return sum(map(int, parts[11:15])) if len(parts) > 14 and int(parts[2]) == group else 0


def tell(group: int, number: int) -> None:
    """Send a signal to a group; one that is gone is no trouble."""
    try:
        os.killpg(group, number)
    except OSError:
        return


def end(groups: set[int], grace_s: float) -> None:
    """Wait until these groups are gone; what is left then is killed. Their leaders had a SIGTERM from the kernel."""
    deadline = time.monotonic() + grace_s
    while any(alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    for group in groups:
        tell(group, signal.SIGKILL)


def main() -> None:
    """Entry."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[:1], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    end(groups, float(sys.argv[1]))


if __name__ == "__main__":
    main()
