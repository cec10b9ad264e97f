"""No price moves by more than a stated share in one step; a person may, once told so (DOMAIN.md 4.6, demand 17)."""

from decimal import Decimal
from typing import ClassVar

from listings.contracts import PriceContext, Verdict
from seatsync.core.money import money_text


class MaxStep:
    """Refuses a proposal further than `percent` from the last accepted price; it is refused, not clamped."""

    key = "max_step"
    needs: ClassVar = {"MAX_PRICE_STEP_PERCENT": (1, 100)}

    def __init__(self, percent: Decimal | int | str) -> None:
        self.percent = Decimal(percent)

    def check(self, context: PriceContext) -> Verdict:
        """Allow within the step, or for a person who confirmed."""
        step = abs(context.proposed - context.price) / context.price * 100
        if step <= self.percent:
            return Verdict(self.key, allowed=True)
        new, old = (money_text(value, context.currency) for value in (context.proposed, context.price))
        words = f"{new} is {step:.0f} % away from {old}; the largest step is {self.percent:.0f} %."
        if context.actor_is_person and context.confirmed:
            return Verdict(self.key, allowed=True, reason=f"{words} Confirmed by a person.")
        if context.actor_is_person:
            return Verdict(
                self.key, allowed=False, reason=words, remedy="Confirm it, or move in smaller steps.", field="confirmed"
            )
        return Verdict(self.key, allowed=False, reason=words, remedy="Move in smaller steps.")


GUARD = MaxStep
