"""Buyers, who buy everywhere; now and then two of them want the same seats at two marketplaces at once."""

import random
import threading

from listings.models import Listing
from listings.states import split_allows
from seatsync.chaos.door import Door
from seatsync.chaos.offers import Offers
from seatsync.chaos.pace import Worker, urgent_open

# Of the purchases so many begin as races for whole listings; not each finds its rival's listing still up.
RACES = 0.05
# While more than so much waits for the urgent worker, buyers wait: the machine takes no more.
MOST_OPEN = 30


class Buyers(Worker):
    """They buy until `wanted` sales are made."""

    def __init__(self, door: Door, offers: Offers, wanted: int, chance: random.Random) -> None:
        super().__init__("buyers", pause_s=0.05)
        self._door, self._offers, self._wanted, self._chance = door, offers, wanted, chance
        self.done = threading.Event()
        self.sales = self.races = 0

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
        listings = offer.active()
        if not listings:
            if offer.over():
                self._offers.drop(offer)
            return
        self._offers.bought(offer)
        self._chance.shuffle(listings)
        if len(listings) > 1 and self._chance.random() < RACES:
            self._race(listings[0], listings[1])
        else:
            self._buy(listings[0], self._some(listings[0]))

    def _race(self, first: Listing, second: Listing) -> None:
        bought = [self._buy(listing, None) for listing in (first, second)]
        self.races += all(bought)

    def _buy(self, listing: Listing, quantity: int | None) -> bool:
        sold = self._door.buys(platform=listing.platform, external_id=listing.external_id, quantity=quantity)
        self.sales += sold is not None
        return sold is not None

    def _some(self, listing: Listing) -> int | None:
        fitting = [n for n in range(1, listing.quantity + 1) if split_allows(listing.split_type, listing.quantity, n)]
        # Pairs are what most buyers look for.
        if 2 in fitting and self._chance.random() < 0.6:
            return 2
        return self._chance.choice(fitting) if fitting else None
