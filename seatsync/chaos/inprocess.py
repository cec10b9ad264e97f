"""`manage.py chaos --in-process`: random walks of the model, a million sales in minutes, without any server.

Each walk is one group of seats on five marketplaces, one of which leaves it to the seller which seats a sale took. They
are bought, notices come twice and in any order, workers hold, read and apply, claim, send and record in any order and
are killed, marketplaces hand over and take sales back. What must hold at every moment is checked after each step, the
rest when nothing is left to do.
"""

import random
import sys
import time
from collections import Counter
from typing import Any

from seatsync.chaos.model import PROMISES, Broken, Model, Remote
from seatsync.chaos.options import Options

OFFERS, WORKERS = 5, 3
SELLER_CHOOSES = 1 << 4
SIZES = (1, 2, 2, 3, 4, 4, 5, 6)
# A killed worker in so many walks; a sale that is called off in so many of those that stand.
KILLED, CALLED_OFF, WENT_ON, TOLD_TWICE = 0.1, 0.05, 0.2, 0.1


def run_in_process(options: Options) -> dict[str, Any]:
    """The figures; a walk that breaks a promise ends there, and is told with its number."""
    chance = random.Random(options.seed)  # noqa: S311 - a simulation, not a secret
    started, sales, walks, told = time.monotonic(), 0, 0, time.monotonic()
    counts, broken = {"conflicts": 0, "called_off": 0, "steps": 0}, Counter[str]()
    while sales < options.sales:
        walk = _Walk(chance, options.sales - sales)
        try:
            walk.go()
        except Broken as error:
            sys.stderr.write(f"walk {walks} of seed {options.seed}: {error}\n")
            broken[error.promise] += 1
        walks, sales = walks + 1, sales + len(walk.model.deals)
        counts["conflicts"] += sum(not deal.live and not walk.off >> n & 1 for n, deal in enumerate(walk.model.deals))
        counts["called_off"] += walk.off.bit_count()
        counts["steps"] += walk.steps
        if time.monotonic() - told > 15:
            told = time.monotonic()
            sys.stderr.write(f"  {sales} sales ({told - started:.0f} s)\n")
    return {
        "sales": sales, **{promise: broken[promise] for promise in PROMISES}, "walks": walks, **counts,
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


class _Walk:
    """One group of seats from first offer to when nothing is left to do."""

    def __init__(self, chance: random.Random, most_sales: int) -> None:
        self.chance, self.random = chance, chance.random
        self.model = Model.begin(
            seats=chance.choice(SIZES), offers=OFFERS, workers=WORKERS, chooses=SELLER_CHOOSES,
            crashes=int(chance.random() < KILLED),
        )  # fmt: skip
        self.left, self.steps, self.off = min(most_sales, chance.randint(1, 8)), 0, 0

    def go(self) -> None:
        """To the end. Raises Broken."""
        model = self.model
        self._buy()
        while True:
            self.steps += 1
            if self.left and self.random() < 0.15:
                self._buy()
            elif not self._work() and not self._world() and not self._buy():
                break
        model.check_still()

    def _buy(self) -> bool:
        """A buyer takes some neighbouring seats that are shown; whether one found any."""
        if not self.left:
            return False
        shown = [(place, offer.visible) for place, offer in enumerate(self.model.offers) if offer.visible]
        if not shown:
            self.left = 0
            return False
        place, mask = self.chance.choice(shown)
        first = self.chance.choice([seat for seat in range(mask.bit_length()) if mask >> seat & 1])
        taken, wanted = 1 << first, self.chance.choice((1, 2, 2, 3, 4))
        for seat in range(first + 1, first + wanted):
            if not mask >> seat & 1:
                break
            taken |= 1 << seat
        self.model.buy(place, taken)
        self.left -= 1
        if self.random() < TOLD_TWICE:
            self.model.deals[-1].words += 1
        return True

    def _work(self) -> bool:
        """A worker does something; whether there was anything to do."""
        model = self.model
        hand = int(self.random() * WORKERS)
        for number in (hand, (hand + 1) % WORKERS, (hand + 2) % WORKERS):
            held = model.hands[number]
            if held.doing:
                if model.crashes and self.random() < 0.2:
                    model.crash(number)
                else:
                    model.step(number)
                    model.check()
                return True
            waiting = [place for place, deal in enumerate(model.deals) if deal.words]
            if waiting and self.random() < 0.5:
                model.notice(number, self.chance.choice(waiting))
                return True
            if model.claim(number):
                return True
            if waiting:
                model.notice(number, self.chance.choice(waiting))
                return True
        return False

    def _world(self) -> bool:
        """What marketplaces do with sales that were confirmed; asked when workers have nothing to do."""
        going = [
            (number, deal) for number, deal in enumerate(self.model.deals)
            if deal.live and deal.remote in {Remote.CONFIRMED, Remote.DELIVERED}
        ]  # fmt: skip
        for number, deal in going:
            if self.random() < CALLED_OFF:
                self.off |= 1 << number
                self.model.move(number, Remote.CANCELLED)
                return True
            if self.random() < WENT_ON:
                self.model.move(number, Remote(deal.remote + 1))
                return True
        return False
