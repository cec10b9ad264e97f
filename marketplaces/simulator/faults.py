"""Faults on purpose: by chance (a share of requests) or for the next requests that match."""

import random
from dataclasses import dataclass, field
from typing import Any

KINDS = ("429", "500", "503", "timeout_before", "timeout_after")
WEBHOOK_KINDS = ("lost", "duplicated", "late")


@dataclass
class Planned:
    """The next `times` requests whose "METHOD /path" starts with `match` meet this fault."""

    kind: str
    match: str = ""
    times: int = 1
    retry_after_s: float | None = None


@dataclass
class Faults:
    """One platform's faults. `shares` are chances from 0 to 1 by kind; `latency_ms` is added to each answer."""

    shares: dict[str, float] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    latency_ms: float = 0.0
    late_s: float = 2.0
    counts: dict[str, int] = field(default_factory=dict)

    def pick(self, request: str, chance: random.Random) -> Planned | None:
        """The fault that this request meets, if any; counted."""
        for planned in self.planned:
            if planned.times > 0 and request.startswith(planned.match):
                planned.times -= 1
                return self._count(planned)
        roll = chance.random()
        for kind in KINDS:
            roll -= self.shares.get(kind, 0.0)
            if roll < 0:
                return self._count(Planned(kind))
        return None

    def webhook(self, kind: str, chance: random.Random) -> bool:
        """Whether a delivery meets this webhook fault; counted."""
        if chance.random() >= self.shares.get(kind, 0.0):
            return False
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return True

    def _count(self, planned: Planned) -> Planned:
        self.counts[planned.kind] = self.counts.get(planned.kind, 0) + 1
        return planned

    def configure(self, wish: dict[str, Any]) -> None:
        """Set from a control request; raises ValueError for an unknown kind."""
        unknown = set(wish.get("shares", {})) - {*KINDS, *WEBHOOK_KINDS}
        unknown |= {row["kind"] for row in wish.get("next", ())} - set(KINDS)
        if unknown:
            raise ValueError(f"unknown faults: {sorted(unknown)}; known: {[*KINDS, *WEBHOOK_KINDS]}")
        self.shares = {kind: float(share) for kind, share in wish.get("shares", self.shares).items()}
        self.planned += [Planned(**row) for row in wish.get("next", ())]
        self.latency_ms = float(wish.get("latency_ms", self.latency_ms))
        self.late_s = float(wish.get("late_s", self.late_s))
