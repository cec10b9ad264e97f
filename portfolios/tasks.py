"""Jobs of portfolios."""

from portfolios.services.games import games_close
from seatsync.core.jobs import job, once_per_slot


@job(time_limit_s=120)
def close_games() -> None:
    """Close the games that are over."""
    once_per_slot("portfolios.close_games", 600, games_close)
