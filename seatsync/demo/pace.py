"""The pace of a replay: how far into the record it has come, at so many recorded seconds a second."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from seatsync.demo.record import Purchase

# While the product is off the replay stands still: no more than this is made up for at once.
LONGEST_STEP = timedelta(seconds=60)


def speed_parse(text: str) -> float | None:
    """Recorded seconds per second, None for "max". Raises ValueError with a sentence for what is neither."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not (0 < speed < math.inf):
        raise ValueError(f"--speed {text[:40]!r} is not a speed. Give recorded seconds per second, or max.")
    return speed


@dataclass(frozen=True, slots=True)
class Pace:
    """`reached`: the recorded moment up to which purchases are due; `on`: when that was so (both aware UTC).

    `speed` None: there is no backlog to be paced, and each purchase is due at its own time.
    """

    speed: float | None
    reached: datetime
    on: datetime

    @classmethod
    def start(cls, speed: float | None, left: Sequence[Purchase], *, at: datetime) -> "Pace":
        """A pace that begins `at` with the first purchase that is left."""
        return cls(speed if left else None, left[0].sold_at if left else at, at)

    @classmethod
    def live(cls, moment: datetime) -> "Pace":
        """No pace any more: the replay has come up to its own time."""
        return cls(None, moment, moment)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Pace":
        """As it was kept; a record that was loaded without one has none."""
        if not value.get("speed"):
            return cls.live(datetime.fromisoformat(value["next"]))
        return cls(value["speed"], *(datetime.fromisoformat(value[key]) for key in ("reached", "on")))

    def as_json(self) -> dict[str, Any]:
        """To be kept."""
        return {"speed": self.speed, "reached": self.reached.isoformat(), "on": self.on.isoformat()}

    def step(self, moment: datetime, *, live: datetime) -> "Pace":
        """The pace at `moment`; never beyond `live`, the recorded moment that lies at now."""
        if self.speed is None:
            return Pace(None, live, moment)
        gone = min(max(moment - self.on, timedelta(0)), LONGEST_STEP)
        # A speed beyond all measure reaches everything.
        seconds = min(gone.total_seconds() * self.speed, timedelta(days=36_500).total_seconds())
        return Pace(self.speed, min(self.reached + timedelta(seconds=seconds), live), moment)
