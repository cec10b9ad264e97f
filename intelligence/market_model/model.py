"""The paper market: strangers' sales and asks drawn from the fitted parameters, the same for the same seed."""

import json
import math
import random
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from seatsync.core.money import amount

# Under this name the drawn sales and asks are kept among the market's snapshots.
PLATFORM = "paper"
PARAMETERS = Path(__file__).with_name("parameters.json")
# Asks stand above what sells: the share by which a typical ask exceeds the expected sale price. Stated, not fitted:
# the records hold sales only.
ASK_MARKUP = 0.12
ASKS_PER_ZONE_SHARE = 160
# No sale below this is drawn (USD per ticket).
LOWEST = 3.0


@dataclass(frozen=True, slots=True)
class PaperGame:
    """What the model needs of a game; weekday 0 is Monday at the venue."""

    key: str
    opponent: str
    weekday: int


@dataclass(frozen=True, slots=True)
class PaperPoint:
    """One drawn sale or ask: list price in USD per ticket; `days` before the game."""

    section: str
    zone: str
    row: str
    quantity: int
    price: Decimal
    days: float


class PaperMarket:
    """Draws for the games of one venue. `sections` maps section label to zone."""

    def __init__(self, sections: dict[str, str], parameters: dict[str, Any], seed: int = 0) -> None:
        self.parameters = parameters
        self.terms = {(kind, name): value for kind, name, value in parameters["terms"]}
        self.seed = seed
        self.by_zone: dict[str, list[str]] = {}
        for section, zone in sorted(sections.items()):
            self.by_zone.setdefault(zone, []).append(section)

    def expected(self, game: PaperGame, zone: str, days: float) -> float:
        """The median sale price of a zone, so many days before the game."""
        lead = math.log1p(max(days, 0.0))
        terms = self.terms
        return math.exp(
            terms[("mean", "")]
            + terms.get(("zone", zone), 0.0)
            + (terms[("lead", "")] + terms.get(("zone_lead", zone), 0.0)) * lead
            + terms.get(("opponent", game.opponent), 0.0)
            + terms.get(("weekday", str(game.weekday)), 0.0)
        )

    def _random(self, game: PaperGame, what: str) -> random.Random:
        return random.Random(f"{self.seed}:{game.key}:{what}")  # noqa: S311 - a drawn market, no secret

    def _zone(self, chance: random.Random) -> str:
        shares = {zone: share for zone, share in self.parameters["zone_share"].items() if zone in self.by_zone}
        (zone,) = chance.choices(list(shares), list(shares.values()))
        return str(zone)

    def sales(self, game: PaperGame, *, until_days: float) -> list[PaperPoint]:
        """Every sale of a game from first to `until_days` before it, oldest first."""
        chance = self._random(game, "sales")
        edges, rates = self.parameters["lead_edges"], self.parameters["sales_per_game_day"]
        drawn = []
        for index in reversed(range(len(rates))):
            near, far = edges[index], edges[index + 1]
            drawn += [
                self._draw(game, self._zone(chance), chance.uniform(near, far), chance, markup=0.0)
                for _ in range(_poisson(chance, rates[index] * (far - near)))
            ]
        return sorted((p for p in drawn if p.days >= until_days), key=lambda point: -point.days)

    def asks(self, game: PaperGame, *, days: float) -> list[PaperPoint]:
        """Strangers' offers for a game at one moment; they thin out towards the game."""
        chance = self._random(game, "asks")
        left = min(1.0, 0.25 + days / 60)
        points = []
        for zone, share in sorted(self.parameters["zone_share"].items()):
            for _ in range(math.ceil(share * ASKS_PER_ZONE_SHARE) if zone in self.by_zone else 0):
                keep = chance.random() < left
                point = self._draw(game, zone, days, chance, markup=ASK_MARKUP)
                if keep:
                    points.append(point)
        return points

    def _draw(self, game: PaperGame, zone: str, days: float, chance: random.Random, *, markup: float) -> PaperPoint:
        spread = self.parameters["spread"].get(zone, 0.3)
        price = self.expected(game, zone, days) * math.exp(chance.gauss(0.0, spread)) * (1 + markup)
        return PaperPoint(
            section=chance.choice(self.by_zone[zone]),
            zone=zone,
            row=str(chance.randint(1, 40)),
            quantity=chance.choices((1, 2, 3, 4), (0.12, 0.58, 0.1, 0.2))[0],
            price=amount(max(price, LOWEST)),
            days=days,
        )


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's method for small means, a rounded normal for large ones."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


@lru_cache(maxsize=1)
def shipped_parameters() -> dict[str, Any]:
    """The fitted parameters that ship with the product."""
    return dict(json.loads(PARAMETERS.read_text()))
