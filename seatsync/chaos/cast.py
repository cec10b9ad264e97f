"""Everyone who takes part in a run: holders, buyers, hands, and marketplaces that end sales."""

import random
from dataclasses import dataclass

from seatsync.chaos.buyers import Buyers
from seatsync.chaos.by_hand import ByHand
from seatsync.chaos.door import Door
from seatsync.chaos.endings import Endings
from seatsync.chaos.hands import Hands
from seatsync.chaos.held import gone_await, stock_await
from seatsync.chaos.offers import Offers
from seatsync.chaos.options import Options
from seatsync.chaos.pace import Worker
from seatsync.chaos.people import Holder, holders_make
from seatsync.chaos.persons import Persons
from seatsync.chaos.sellers import Sellers
from seatsync.demo.hand_made import Fate


@dataclass(frozen=True, slots=True)
class Cast:
    """Who they are."""

    door: Door
    holders: list[Holder]
    hands: Hands
    offers: Offers
    sellers: Sellers
    buyers: Buyers
    persons: Persons
    by_hand: ByHand
    endings: Endings

    @property
    def workers(self) -> list[Worker]:
        """Those who take turns, in the order in which they are to stop."""
        return [self.buyers, self.sellers, self.by_hand, self.endings, self.persons]

    def begin(self) -> None:
        """Take stock of what is there already, some of it bought meanwhile; decide on it, and offer it elsewhere too.

        Raises RuntimeError where the product does not take stock in time.
        """
        stock_await()
        chosen = [made for made in self.hands.made if made.fate == Fate.CHOSEN]
        for made in chosen[::2]:
            # Before its holder has said anything: nobody knows yet whose seats were sold.
            if len(made.group.seats) > 1:
                self.hands.sell(made, 1)
        self.persons.decide()
        gone_await()
        ours = [made for made in self.hands.made if made.fate != Fate.STRANGE]
        self.persons.bounds_give([made for made in ours if made.ours][::2])
        self.sellers.adopted_offer(ours)


def cast_make(door: Door, options: Options) -> Cast:
    """All of them, each with chances of his own, drawn from the run's seed."""

    def chance(number: int) -> random.Random:
        return random.Random(options.seed + number)  # noqa: S311 - a simulation, not a secret

    hands = Hands(door, chance(3))
    holders = holders_make(door, hands, options.sales, chance(0))
    offers = Offers()
    sellers = Sellers(holders, offers, chance(1))
    buyers = Buyers(door, offers, hands, options.sales, chance(2))
    persons = Persons({h.actor.user_id: h.actor for h in holders if h.actor.user_id}, hands)
    by_hand = ByHand(
        holders, hands, offers, sellers, wanted=options.sales, sales=lambda: buyers.sales, chance=chance(4)
    )
    endings = Endings(door, buyers, sellers, persons, wanted=options.sales, chance=chance(5))
    return Cast(door, holders, hands, offers, sellers, buyers, persons, by_hand, endings)
