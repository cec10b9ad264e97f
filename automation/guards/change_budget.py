"""Machines change a listing's price so many times a day and no more (DOMAIN.md I-15, demand 12)."""

from decimal import Decimal
from typing import ClassVar

from listings.contracts import PriceContext, Verdict


class ChangeBudget:
    """Refuses a machine's change once so many of a listing were carried out within a day."""

    key = "change_budget"
    needs: ClassVar = {"MAX_PRICE_CHANGES_PER_DAY": (1, 1440)}

    def __init__(self, most: Decimal | int | str) -> None:
        self.most = int(most)

    def check(self, context: PriceContext) -> Verdict:
        """Allow a person, what changes nothing, and whatever the day has room for."""
        if not context.machine_moves or context.machine_changes < self.most:
            return Verdict(self.key, allowed=True)
        words = f"Rules have changed this price {context.machine_changes} times in 24 hours; {self.most} are allowed."
        return Verdict(self.key, allowed=False, reason=words, remedy="Wait, or set the price yourself.")


GUARD = ChangeBudget
