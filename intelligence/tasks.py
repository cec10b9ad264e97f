"""Jobs of intelligence."""

import uuid

from intelligence.services.refresh import prices_give, prices_refresh
from seatsync.core.jobs import job, once_per_slot


@job(time_limit_s=280)
def refresh_prices() -> None:
    """Work every coming game's price out again."""
    once_per_slot("intelligence.refresh_prices", 900, prices_refresh)


@job(time_limit_s=120)
def price_groups(group_ids: list[str]) -> None:
    """Price seat groups that are new."""
    prices_give([uuid.UUID(group_id) for group_id in group_ids])
