"""Buyers, who buy everywhere; now and then two of them want the same seats at two marketplaces at once."""

import random
import threading
from queue import SimpleQueue

from marketplaces.splits import split_allows
from seatsync.chaos.door import Door
from seatsync.chaos.hands import Hands
from seatsync.chaos.offers import Offers, Target
from seatsync.chaos.pace import Worker, urgent_open

# Of the purchases so many begin as races for whole listings; not each finds its rival's listing still up.
RACES = 0.05
# While more than so much waits for the urgent worker, buyers wait: the machine takes no more.
MOST_OPEN = 30
# Of the purchases where a marketplace knows such a thing, so many are not paid for yet.
PROMISED = 0.1
# Of those who buy a part so many choose their seats, wherever in it, where they are named there.
CHOSEN = 0.4


class Buyers(Worker):
    """They buy until `wanted` sales are made."""

    def __init__(self, door: Door, offers: Offers, hands: Hands, wanted: int, chance: random.Random) -> None:
        super().__init__("buyers", pause_s=0.05)
        self._door, self._offers, self._hands, self._wanted, self._chance = door, offers, hands, wanted, chance
        self.done = threading.Event()
        # Sales that wait for their buyers' payment, by their numbers there.
        self.promised: SimpleQueue[str] = SimpleQueue()
        self.sales = self.races = self.chosen = 0

    def turn(self) -> None:
        """One buyer, or two."""
        if self.sales >= self._wanted:
            self.done.set()
            self.pause(1.0)
            return
        if urgent_open() > MOST_OPEN:
            self.pause(0.25)
            return
        offer = self._offers.rested(self._chance)
        if offer is None:
            return
        found = offer.targets(self._hands)
        if offer.over():
            # What a hand made of it may be up all the same: one more buyer finds that.
            self._offers.drop(offer)
        if not found:
            return
        self._offers.bought(offer)
        self._chance.shuffle(found)
        if len(found) > 1 and self._chance.random() < RACES:
            self._race(found[0], found[1])
        else:
            self._buy(found[0], self._some(found[0]))

    def _race(self, first: Target, second: Target) -> None:
        bought = [self._buy(target, None) for target in (first, second)]
        self.races += all(bought)

    def _buy(self, target: Target, quantity: int | None) -> bool:
        seats = seats_chosen(target, quantity, self._chance)
        sold = self._door.buys(
            platform=target.platform, external_id=target.external_id, listing_id=target.listing_id, quantity=quantity,
            provisional=self._chance.random() < PROMISED, seats=seats,
        )  # fmt: skip
        self.sales += sold is not None
        self.chosen += sold is not None and bool(seats)
        if sold is not None and sold["provisional"]:
            self.promised.put(str(sold["sale_id"]))
        return sold is not None

    def _some(self, target: Target) -> int | None:
        fitting = [n for n in range(1, target.quantity + 1) if split_allows(target.split_type, target.quantity, n)]
        # Pairs are what most buyers look for.
        if 2 in fitting and self._chance.random() < 0.6:
            return 2
        return self._chance.choice(fitting) if fitting else None


def seats_chosen(target: Target, quantity: int | None, chance: random.Random) -> tuple[int, ...]:
    """Seats beside each other of those that are named there; none where the marketplace is to say which he has."""
    if quantity is None or quantity >= len(target.seats) or chance.random() >= CHOSEN:
        return ()
    first = chance.randrange(len(target.seats) - quantity + 1)
    return target.seats[first : first + quantity]
