"""A price that a person set stands for a stated time; until then no machine moves it (DOMAIN.md I-18)."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from listings.contracts import PriceContext, Verdict


class ManualPrice:
    """Refuses a machine's change within so many hours of a person's. That a person published at a price is none."""

    key = "manual_price"
    # 30 days at most: listings/services/price_past.py looks no further back.
    needs: ClassVar = {"MANUAL_PRICE_HOURS": (1, 720)}

    def __init__(self, hours: Decimal | int | str) -> None:
        self.holds = timedelta(hours=float(hours))

    def check(self, context: PriceContext) -> Verdict:
        """Allow a person, what changes nothing, and whatever comes when the person's price has had its time."""
        set_at = context.person_set_at
        if not context.machine_moves or set_at is None or context.at - set_at >= self.holds:
            return Verdict(self.key, allowed=True)
        hours = int(self.holds.total_seconds() // 3600)
        words = f"A person set this price on {set_at:%Y-%m-%d at %H:%M} UTC; it stands for {hours} hours."
        return Verdict(self.key, allowed=False, reason=words, remedy="Set the price yourself, or wait.")


GUARD = ManualPrice
