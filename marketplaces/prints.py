"""Completed sales of strangers ("prints") as comparables."""

import uuid
from datetime import datetime

from marketplaces.models import MarketSnapshot


def prints_of_game(game_id: uuid.UUID, *, before: datetime) -> list[MarketSnapshot]:
    """The prints of a game sold strictly before a moment (UTC), oldest first; list price in USD only."""
    rows = MarketSnapshot.objects.filter(
        game_id=game_id, kind="print", time__lt=before, price_basis="list", currency="USD"
    )
    return list(rows.order_by("time", "id"))
