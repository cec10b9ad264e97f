"""Buyers: they come by a demand curve and take the cheapest that fits them, the same way under the same seed."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

from marketplaces.simulator import sales
from marketplaces.simulator.dialects import platforms
from marketplaces.simulator.http import Refusal
from marketplaces.simulator.rules import Tell
from marketplaces.simulator.state import Ledger, Listing


@dataclass(frozen=True, slots=True)
class Market:
    """What a buyer compares with: prices per ticket in cents (None where nobody else sells), number of offers."""

    lowest_cents: int | None
    median_cents: float | None
    count: int


@dataclass(slots=True)
class Demand:
    """The numbers of the demand model.

    An offer at the market's median far from the game brings a buyer within an hour with `base_per_hour`; each percent
    above the median multiplies the odds by exp(-price_slope / 100); the rate grows by `urgency` times within the last
    `urgent_hours`. `speed` makes the time of buyers run faster. Whoever came takes what is cheapest by then.
    """

    base_per_hour: float = 0.01
    price_slope: float = 6.0
    urgency: float = 4.0
    urgent_hours: float = 72.0
    speed: float = 1.0
    provisional_share: float = 0.0

    def chance(self, listing: Listing, hours_to_game: float, market: Market) -> float:
        """The probability (0 to 1) that the listing brings a buyer within an hour."""
        if hours_to_game <= 0:
            return 0.0
        ratio = listing.price_cents / market.median_cents - 1 if market.median_cents else 0.0
        near = 1 + (self.urgency - 1) * math.exp(-hours_to_game / self.urgent_hours)
        odds = self.base_per_hour / (1 - min(self.base_per_hour, 0.999)) * near * math.exp(-self.price_slope * ratio)
        return odds / (1 + odds)


# (listing, hours to the game, market) -> probability that it brings a buyer within an hour.
Chance = Callable[[Listing, float, Market], float]


class Buyers:
    """The buyer process. `chance` replaces the demand model's own."""

    def __init__(self, ledger: Ledger, tell: Tell) -> None:
        self._ledger = ledger
        self._tell = tell
        self.demand = Demand()
        self.chance: Chance | None = None
        self.running = False
        self.last_tick: float | None = None

    def configure(self, values: dict[str, Any]) -> None:
        """Change demand numbers. Raises Refusal(400) for a name or number that is none."""
        names = {item.name for item in fields(Demand)}
        if set(values) - names:
            raise Refusal(400, f"demand has {', '.join(sorted(names))}")
        try:
            self.demand = Demand(**{**asdict(self.demand), **{key: float(value) for key, value in values.items()}})
        except (TypeError, ValueError) as error:
            raise Refusal(400, "demand takes plain numbers") from error

    def dump(self) -> dict[str, Any]:
        """Settings as JSON values."""
        return {"running": self.running, "demand": asdict(self.demand)}

    def load(self, saved: dict[str, Any], now: float) -> None:
        """Take back what `dump` gave; the time in between brought no buyers."""
        self.configure(saved.get("demand") or {})
        if saved.get("running"):
            self.start(now)

    def start(self, now: float) -> None:
        """Buyers come from now on."""
        self.running, self.last_tick = True, now

    def stop(self) -> None:
        """Buyers stay away."""
        self.running = False

    def tick(self, now: float) -> int:
        """What buyers did since the last tick; returns the number of sales."""
        if not self.running:
            return 0
        hours = max(0.0, now - (now if self.last_tick is None else self.last_tick)) / 3600 * self.demand.speed
        self.last_tick = now
        active = [item for item in self._ledger.listings.values() if item.state == "active"]
        markets = self.markets({item.event_id for item in active})
        on_sale: dict[int, list[Listing]] = {}
        for listing in active:
            on_sale.setdefault(listing.event_id, []).append(listing)
        sold = 0
        for listing in active:
            event = self._ledger.events.get(listing.event_id)
            if event is None:
                continue
            listing.looks += 1
            market = markets[listing.platform, listing.event_id]
            each_hour = (self.chance or self.demand.chance)(listing, (event.starts_at - now) / 3600, market)
            if self._ledger.random.random() < 1 - (1 - min(max(each_hour, 0.0), 1.0)) ** hours:
                sold += self._buy(on_sale[listing.event_id], listing, now)
        return sold

    def markets(self, event_ids: set[int]) -> dict[tuple[str, int], Market]:
        """The strangers' offers of these events by platform and event; all offers are looked through once."""
        prices: dict[tuple[str, int], list[int]] = {(name, key): [] for name in platforms() for key in event_ids}
        for offer in self._ledger.offers.values():
            if offer.event_id in event_ids:
                for platform in [offer.platform] if offer.platform else platforms():
                    prices[platform, offer.event_id].append(offer.price_cents)
        return {
            key: Market(min(found), median(found), len(found)) if found else Market(None, None, 0)
            for key, found in prices.items()
        }

    def _buy(self, on_sale: list[Listing], came_for: Listing, now: float) -> int:
        """One buyer, whom a listing brought, and who takes the cheapest of the event that fits him, wherever it is."""
        chance = self._ledger.random
        sizes = sales.allowed_quantities(came_for.split, came_for.quantity)
        if came_for.state != "active" or not sizes:
            return 0
        # Pairs are what most buyers look for.
        wanted = 2 if 2 in sizes and chance.random() < 0.7 else chance.choice(sizes)
        held = chance.random() < self.demand.provisional_share
        fits = [
            item for item in on_sale
            if item.state == "active" and wanted in sales.allowed_quantities(item.split, item.quantity)
        ]  # fmt: skip
        least = min(item.price_cents for item in fits)
        # Of the same price none is better: the same seats may be on sale in several places.
        taken = chance.choice([item for item in fits if item.price_cents == least])
        sales.sell(self._ledger, taken, quantity=wanted, now=now, tell=self._tell, provisional=held)
        return 1
