"""What goes wrong on purpose: the faults of requests and webhooks, killed workers, and a Valkey that is restarted."""

import sys
from collections import Counter
from typing import Any

from seatsync.chaos.door import Door
from seatsync.chaos.world import KILLED, World

# (name in the report, kind at the simulator, share of requests or deliveries, what else).
REQUESTS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("429", "status", 0.01, {"status": 429, "retry_after_s": 1.0}),
    ("5xx", "status", 0.005, {"status": 503}),
    ("5xx", "status_after", 0.005, {"status": 502}),
    ("timeout_before", "timeout_before", 0.005, {"hang_s": 14.0}),
    ("timeout_after", "timeout_after", 0.005, {"hang_s": 14.0}),
)
# Beside whatever else strikes: answers that come later than they could.
LATE: tuple[tuple[str, str, float, dict[str, Any]], ...] = (("latency", "latency", 0.02, {"delay_s": 1.0}),)
WEBHOOKS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("webhook_lost", "webhook_lost", 0.05, {}),
    ("webhook_duplicated", "webhook_duplicate", 0.10, {"delay_s": 1.0}),
    ("webhook_reordered", "webhook_reorder", 0.10, {"delay_s": 3.0}),
)

# What we count ourselves.
OWN = ("sigkill", "valkey_restart", "process_restarted")


def profile() -> list[tuple[str, dict[str, Any]]]:
    """The faults as the simulator takes them, by the report's names: of a group it tries one after the other."""
    made = []
    for group in (REQUESTS, LATE, WEBHOOKS):
        left = 1.0
        for name, kind, share, more in group:
            made.append((name, {"kind": kind, "probability": share / left, **more}))
            left -= share
    return made


class Trouble:
    """Begins with `begin`; `at` is told how many sales were made so far. Only the main thread may call it."""

    def __init__(self, world: World, door: Door, *, kill_every: int | None, restart_at: int) -> None:
        self._world, self._door = world, door
        self._kill_every, self._restart_at = kill_every, restart_at
        self._rounds = 0
        self._counted: Counter[str] = Counter()

    def begin(self) -> None:
        """From now on requests and deliveries go wrong."""
        self._door.post("faults", clear=True, add=[values for _, values in profile()])

    def at(self, sales: int) -> None:
        """Kill and restart what is due, and start anew what ended by itself."""
        self._counted["process_restarted"] += self._world.supervise()
        if sales >= self._restart_at and not self._counted["valkey_restart"]:
            self._tell(f"Valkey is restarted after {sales} sales")
            self._world.valkey_restart()
            self._counted["valkey_restart"] = 1
        if self._kill_every is not None and sales // self._kill_every > self._rounds:
            self._rounds += 1
            self._counted["sigkill"] += self._kill()

    def _kill(self) -> int:
        """In turn all pool processes at once, and one of the workers as a whole."""
        turn = self._rounds % (len(KILLED) + 1)
        if turn == 0:
            return self._world.worker_kill(KILLED[0])
        if turn == 1:
            return self._world.pools_kill()
        return self._world.worker_kill(KILLED[1])

    def counts(self) -> dict[str, int]:
        """By kind how often it struck."""
        struck: Counter[str] = Counter()
        for (name, _), fault in zip(profile(), self._door.get("faults")["faults"], strict=True):
            struck[name] += int(fault["struck"])
        return dict(struck) | {key: self._counted[key] for key in OWN}

    @staticmethod
    def _tell(text: str) -> None:
        sys.stderr.write(f"  {text}\n")
