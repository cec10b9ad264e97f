"""Without fresh comparables, or with a model out of its range, a machine keeps the price (DOMAIN.md I-16)."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from listings.contracts import PriceContext, Verdict


class MarketData:
    """Refuses a machine's price that rests on no comparables, on ones older than so many minutes, or on a guess.

    One that rests on the clock alone (a price that falls by a schedule) needs none, and says so (`Grounds.scheduled`).
    """

    key = "market_data"
    needs: ClassVar = {"MARKET_DATA_MAX_AGE_MINUTES": (1, 10_080)}

    def __init__(self, minutes: Decimal | int | str) -> None:
        self.oldest = timedelta(minutes=float(minutes))

    def check(self, context: PriceContext) -> Verdict:
        """Allow a person, what changes nothing, and whatever rests on what the market shows by now."""
        lacking = "" if not context.machine_moves else self._lacking(context)
        if not lacking:
            return Verdict(self.key, allowed=True)
        remedy = "The price is kept until the market is seen again; set it yourself if you know better."
        return Verdict(self.key, allowed=False, reason=f"No data: {lacking}. The price is kept.", remedy=remedy)

    def _lacking(self, context: PriceContext) -> str:
        grounds = context.grounds
        if grounds is None:
            return "nothing says what this price rests on"
        if grounds.scheduled:
            return ""
        if grounds.comparables < 1 or grounds.observed_at is None:
            return "no comparable listings are known"
        age = context.at - grounds.observed_at
        if age > self.oldest:
            return f"the newest comparable listing was seen {age.total_seconds() // 60:.0f} min ago"
        return "" if grounds.in_range else "the model knows no such game or seats"


GUARD = MarketData
