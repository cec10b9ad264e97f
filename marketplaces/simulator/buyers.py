"""Buyers: they look at what is shown and buy by a chance that falls with the price and rises towards the game."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketplaces.simulator.state import Listing, utc_now

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator

# (listing, hours to the game, median of the event's other asks or None) -> chance of a sale in one hour
Chance = Callable[[Listing, float, float | None], float]


@dataclass
class Demand:
    """A stated demand curve; the figures come from the fitted market model and are set over the control API.

    `base_per_hour` sales an hour of a listing at the median ask, a day before the game; `elasticity` the exponent of
    price over median; `lead_exponent` how it falls with the time that is left.
    """

    base_per_hour: float = 0.02
    elasticity: float = -3.0
    lead_exponent: float = -0.5

    def __call__(self, listing: Listing, hours: float, median: float | None) -> float:
        """The chance of a sale within the next hour."""
        if hours <= 0:
            return 0.0
        relative = float(listing.price) / median if median else 1.0
        rate = self.base_per_hour * relative**self.elasticity * (max(hours, 1.0) / 24) ** self.lead_exponent
        return 1 - math.exp(-rate)


class Buyers:
    """All buyers of all platforms; `speed` is simulated hours per real second."""

    def __init__(self, sim: "Simulator", chance: Chance | None = None) -> None:
        self.sim = sim
        self.chance: Chance = chance or Demand()
        self.speed = 0.0
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether buyers come by themselves."""
        return self.speed > 0

    def configure(self, wish: dict[str, Any]) -> None:
        """Set speed and demand; raises TypeError for an unknown parameter."""
        if "demand" in wish:
            self.chance = Demand(**wish["demand"])
        self.speed = float(wish.get("speed", self.speed))
        if self.running and self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="buyers", daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        while True:
            time.sleep(1.0)
            if self.running:
                with self.sim.lock:
                    self.tick(self.speed)

    def tick(self, hours: float, now: datetime | None = None) -> int:
        """Let `hours` of buying pass; returns how many sales that made. The caller holds the lock."""
        moment, made = now or utc_now(), 0
        for listing in [item for item in self.sim.state.listings if item.shown]:
            event = self.sim.state.events.get(listing.event_id)
            if event is None:
                continue
            listing.looks += 1
            left = (datetime.fromisoformat(event.starts_at) - moment).total_seconds() / 3600
            chance = self.chance(listing, left, self._median(listing))
            if self.sim.state.random.random() < 1 - (1 - chance) ** hours:
                pair = listing.seats[:2] if listing.split not in {"None", "CUSTOM"} else list(listing.seats)
                self.sim.buy(listing, pair, {})
                made += 1
        return made

    def _median(self, listing: Listing) -> float | None:
        asks = sorted(float(row["price"]) for row in self.sim.state.market.get(listing.event_id, ()))
        return asks[len(asks) // 2] if asks else None
