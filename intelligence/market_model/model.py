"""The paper market: strangers' asks and sales of a game, drawn from the fitted parameters, the same for the same seed.

A game is drawn whole, from its first ask to its start, so that it has one history whenever it is looked at. Every sale
is the end of an ask: a seller comes, asks more than the going price, looks at the market at his own pace and gives way
until somebody buys, at the price that stands. Others ask more than the going price to the end, or leave.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intelligence.market_model.lead import MIDDLES
from seatsync.core.money import amount

PARAMETERS = Path(__file__).with_name("parameters.json")
# Stated, not fitted, since the records hold sales only: by how much (log) a seller starts above the going price, days
# between two of his looks at the market, and the days that an ask which is sold has stood, on average.
START_ABOVE, UNSOLD_ABOVE = (0.05, 0.45), (0.02, 0.5)
LOOKS_EVERY_DAYS = (0.1, 3.0)
STOOD_DAYS = 3.0
# Stated: unsold asks for each sold one, within how many days of the game they come, and the share taken back before it.
UNSOLD_SHARE, UNSOLD_WITHIN_DAYS, TAKEN_BACK = 0.4, 150.0, 0.25
# Stated: within so many days of the game the unsold undercut each other, down to this share of what they asked above.
UNDERCUT_DAYS, UNDERCUT_TO = 14.0, 0.02
QUANTITIES, QUANTITY_SHARES = (1, 2, 3, 4), (0.12, 0.58, 0.1, 0.2)
# No price below this is drawn (USD per ticket).
LOWEST = 3.0

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PaperGame:
    """What the model needs of a game; weekday 0 is Monday at the venue."""

    key: str
    opponent: str
    weekday: int


@dataclass(frozen=True, slots=True)
class PaperPoint:
    """One drawn sale or ask: list price in USD per ticket; `days` before the game; a sale has the key of its ask."""

    section: str
    zone: str
    row: str
    quantity: int
    price: Decimal
    days: float
    key: str


@dataclass(frozen=True, slots=True)
class Book:
    """All asks of a game, an entry each. Moments are days before the game, prices logs.

    An ask stands from `born` to `gone`. `place`: worth of row and section. `above`: mark-up at birth; `looked`: the
    seller's last look at the market before his ask is gone, `every`: days between looks.
    """

    zone: Integers
    section: Integers
    row: Integers
    quantity: Integers
    place: Floats
    born: Floats
    gone: Floats
    is_sold: Flags
    above: Floats
    looked: Floats
    every: Floats

    def last_look(self, days: Floats) -> Floats:
        """When the price that stands at `days` was set."""
        looks = np.maximum(0.0, np.ceil((days - self.looked) / self.every))
        return np.minimum(self.looked + looks * self.every, self.born)

    def mark_up(self, look: Floats) -> Floats:
        """Over the going price, as set at a look; nothing is left of it where a sale is next."""
        undercut = UNDERCUT_TO + (1 - UNDERCUT_TO) * np.minimum(1.0, look / UNDERCUT_DAYS)
        giving_way = (look - self.looked) / np.maximum(self.born - self.looked, 1e-9)
        return self.above * np.where(self.is_sold, giving_way, undercut)


class PaperMarket:
    """Draws for the games of one venue. `sections` maps section label to zone."""

    def __init__(self, sections: dict[str, str], parameters: dict[str, Any], seed: int = 0) -> None:
        self.parameters = parameters
        self.seed = seed
        self.zones = [zone for zone in parameters["zone_share"] if zone in sections.values()]
        shares = np.array([parameters["zone_share"][zone] for zone in self.zones])
        self.shares = shares / shares.sum()
        self.sections = [sorted(name for name, its in sections.items() if its == zone) for zone in self.zones]
        self.curves = np.array([parameters["curves"][zone] for zone in self.zones])
        self._books: dict[PaperGame, Book] = {}

    def expected(self, game: PaperGame, zone: str, days: float) -> float:
        """The median sale price of a zone over games of this opponent and weekday, so many days before the game."""
        curve = self.curves[self.zones.index(zone)]
        return float(np.exp(self._level(game) + np.interp(np.log1p(max(days, 0.0)), MIDDLES, curve)))

    def _level(self, game: PaperGame) -> float:
        opponent, weekday = self.parameters["opponent"], self.parameters["weekday"]
        return float(opponent.get(game.opponent, 0.0) + weekday.get(str(game.weekday), 0.0))

    def effect(self, game: PaperGame) -> float:
        """The drawn game's own log distance from what opponent and weekday let expect; none over all sales.

        Dear games sell more: their mean is taken off, so that the sales of many games have the fitted median.
        """
        spread = self.parameters["game_spread"]
        return float(self._random(game, "effect").normal(-self.parameters["crowd"]["by_level"] * spread**2, spread))

    def _random(self, game: PaperGame, what: str) -> np.random.Generator:
        return np.random.default_rng(list(sha256(f"{self.seed}:{game.key}:{what}".encode()).digest()))

    def sales(self, game: PaperGame, *, until_days: float) -> list[PaperPoint]:
        """Every sale of a game from first to `until_days` before it, oldest first."""
        book = self.book(game)
        order = np.argsort(-book.gone, kind="stable")
        chosen = order[book.is_sold[order] & (book.gone[order] >= until_days)]
        return self._points(game, book, chosen, book.gone)

    def asks(self, game: PaperGame, *, days: float) -> list[PaperPoint]:
        """Strangers' offers for a game at one moment; a sale at that moment has taken its ask away."""
        book = self.book(game)
        standing = np.flatnonzero((book.gone < days) & (days <= book.born))
        return self._points(game, book, standing, np.full(len(book.gone), days))

    def prices(self, game: PaperGame, days: Floats) -> Floats:
        """Log price of every entry of the game's book at its moment; the last one of a sold ask is what it sells at."""
        book = self.book(game)
        look = book.last_look(days)
        at = np.where(book.is_sold & (look <= book.looked), book.gone, look)
        lead = np.log1p(np.maximum(at, 0.0))
        going = np.empty(len(at))
        for zone, curve in enumerate(self.curves):
            of_zone = book.zone == zone
            going[of_zone] = np.interp(lead[of_zone], MIDDLES, curve)
        return np.asarray(self._level(game) + self.effect(game) + going + book.place + book.mark_up(look))

    def _points(self, game: PaperGame, book: Book, chosen: Integers, days: Floats) -> list[PaperPoint]:
        prices = np.maximum(np.exp(self.prices(game, days)), LOWEST)
        columns = (book.zone, book.section, book.row, book.quantity, prices, days)
        rows = zip(chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True)
        return [
            PaperPoint(self.sections[zone][place], self.zones[zone], str(row), quantity, amount(price), at, str(index))
            for index, zone, place, row, quantity, price, at in rows
        ]

    def book(self, game: PaperGame) -> Book:
        """Every ask of the game from first to last, drawn once."""
        if game not in self._books:
            self._books[game] = self._drawn(game)
        return self._books[game]

    def _drawn(self, game: PaperGame) -> Book:
        chance, parameters = self._random(game, "asks"), self.parameters
        known, edges = parameters["crowd"], np.array(parameters["lead_edges"])
        usual = np.exp(known["base"] + known["by_level"] * (self._level(game) + self.effect(game)))
        crowd = usual * chance.gamma(known["shape"], 1 / known["shape"])
        counts = chance.poisson(np.array(parameters["sales_per_game_day"]) * np.diff(edges) * crowd)
        sold, unsold = int(counts.sum()), int(chance.poisson(UNSOLD_SHARE * counts.sum()))
        gone = chance.uniform(np.repeat(edges[:-1], counts), np.repeat(edges[1:], counts))
        came = chance.uniform(0.0, UNSOLD_WITHIN_DAYS, unsold)
        left = np.where(chance.random(unsold) < TAKEN_BACK, came * chance.random(unsold), -1.0)
        zone = chance.choice(len(self.zones), sold + unsold, p=self.shares)
        above = np.concatenate([chance.uniform(*START_ABOVE, sold), chance.uniform(*UNSOLD_ABOVE, unsold)])
        born = np.concatenate([gone + chance.exponential(STOOD_DAYS, sold), came])
        gone, every = np.concatenate([gone, left]), chance.uniform(*LOOKS_EVERY_DAYS, sold + unsold)
        spread = np.array([parameters["spread"][name] for name in self.zones])
        return Book(
            zone=zone, section=chance.integers(0, np.array([len(names) for names in self.sections])[zone]),
            row=chance.integers(1, 41, sold + unsold),
            quantity=chance.choice(QUANTITIES, sold + unsold, p=QUANTITY_SHARES),
            place=chance.normal(0.0, spread[zone]), born=born, gone=gone, is_sold=np.arange(sold + unsold) < sold,
            above=above, looked=np.minimum(born, gone + every * chance.random(sold + unsold)), every=every,
        )  # fmt: skip


@lru_cache(maxsize=1)
def shipped_parameters() -> dict[str, Any]:
    """The fitted parameters that ship with the product."""
    return dict(json.loads(PARAMETERS.read_text()))
