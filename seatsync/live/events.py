"""What may be said over the live socket: that an object changed, never its data."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LiveType(StrEnum):
    """Kinds of live events; the page listens for these names."""

    LISTING_CHANGED = "listing.changed"
    SALE_CHANGED = "sale.changed"
    SEAT_CHANGED = "seat.changed"
    SEASON_CHANGED = "season.changed"
    ALERT_RAISED = "alert.raised"
    TRADING_CHANGED = "trading.changed"
    ACCOUNT_CHANGED = "account.changed"
    PREDICTION_CHANGED = "prediction.changed"
    MARKET_CHANGED = "market.changed"


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One event as it travels. `seq` counts one user's events without gaps; `at` is aware UTC."""

    seq: int
    type: LiveType
    id: str
    version: int
    at: datetime

    def as_json(self) -> dict[str, object]:
        """The socket frame."""
        return {
            "seq": self.seq, "type": self.type.value, "id": self.id, "version": self.version,
            "at": self.at.isoformat(),
        }  # fmt: skip


def group_of(user_id: uuid.UUID) -> str:
    """A user's own channel group; there is no other group."""
    return f"user.{user_id.hex}"
