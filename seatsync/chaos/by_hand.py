"""Holders who list by hand while the product sells for them: seats of theirs that they name, now and then."""

import random
from collections.abc import Callable

from portfolios.models import OwnerState, Seat
from seatsync.chaos.hands import Hands
from seatsync.chaos.offers import Offers
from seatsync.chaos.pace import Worker
from seatsync.chaos.people import Holder
from seatsync.chaos.seats import group_take
from seatsync.chaos.sellers import Sellers
from seatsync.demo.hand_made import Fate

# A listing by hand for so many sales; a short run has some, too.
EVERY = 25
LEAST = 4


class ByHand(Worker):
    """All holders; half of what they list is on offer already, the other half is put on offer elsewhere right after."""

    def __init__(
        self, holders: list[Holder], hands: Hands, offers: Offers, sellers: Sellers, *, wanted: int,
        sales: Callable[[], int], chance: random.Random,
    ) -> None:  # fmt: skip
        super().__init__("by_hand", pause_s=1.0)
        self._holders, self._hands, self._offers, self._sellers = holders, hands, offers, sellers
        self._every, self._sales, self._chance = max(1, min(EVERY, wanted // (LEAST + 1))), sales, chance
        self.listed = 0

    def turn(self) -> None:
        """One listing, where it is time for one."""
        if self._sales() // self._every <= self.listed:
            return
        self.listed += self._again() if self.listed % 2 else self._first()

    def _again(self) -> bool:
        """Seats that we offer already are listed by hand as well, at any marketplace; whether there were such."""
        offer = self._offers.any(self._chance)
        if offer is None or offer.group.may_be_off:
            return False
        holder = next(one for one in self._holders if one.actor.user_id == offer.group.owner_id)
        account = self._chance.choice(holder.accounts)
        free = Seat.objects.filter(pk__in=offer.group.seats, state=OwnerState.AVAILABLE)
        left = offer.group.only(set(free.values_list("pk", flat=True)))
        if left.seats:
            self._hands.list_at(account.platform, self._hands.whose[account.pk], left, Fate.CERTAIN, before=False)
        return bool(left.seats)

    def _first(self) -> bool:
        """Seats that were offered nowhere are listed by hand, then by us elsewhere; whether there were such."""
        able = [one for one in self._holders if any(not group.may_be_off for group in one.groups)]
        if not able:
            return False
        holder = self._chance.choice(able)
        try:
            group = group_take(holder.groups)
        except LookupError:
            # Another thread has taken his last one meanwhile.
            return False
        account = self._chance.choice(holder.accounts)
        self._hands.list_at(account.platform, self._hands.whose[account.pk], group, Fate.CERTAIN, before=False)
        self._sellers.publish(holder, group, but=account.platform)
        return True
