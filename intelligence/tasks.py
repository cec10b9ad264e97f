"""Jobs of intelligence."""

from intelligence.services.refresh import prices_refresh
from seatsync.core.jobs import job, once_per_slot


@job(time_limit_s=280)
def refresh_prices() -> None:
    """Work every coming game's price out again."""
    once_per_slot("intelligence.refresh_prices", 900, prices_refresh)
