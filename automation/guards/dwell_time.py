"""No machine moves a price again before it has stood for a while (DOMAIN.md I-15): bots that chase each other stop."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from listings.contracts import PriceContext, Verdict


class DwellTime:
    """Refuses a machine's change of a price that has stood for less than so many minutes, whoever set it."""

    key = "dwell_time"
    needs: ClassVar = {"MIN_PRICE_DWELL_MINUTES": (1, 1440)}

    def __init__(self, minutes: Decimal | int | str) -> None:
        self.stands = timedelta(minutes=float(minutes))

    def check(self, context: PriceContext) -> Verdict:
        """Allow a person, what changes nothing, and whatever comes late enough."""
        stood = context.at - context.changed_at
        if not context.machine_moves or stood >= self.stands:
            return Verdict(self.key, allowed=True)
        minutes, least = int(stood.total_seconds() // 60), int(self.stands.total_seconds() // 60)
        words = f"The price has stood for {minutes} min; it stands for {least} before a rule moves it."
        return Verdict(self.key, allowed=False, reason=words, remedy="Wait until it has stood long enough.")


GUARD = DwellTime
