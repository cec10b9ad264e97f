"""The paper market and the replay of recorded sales go on by themselves where the demo is loaded."""

from portfolios.models import Game
from seatsync.core.jobs import job, once_per_slot
from seatsync.demo.facts import facts
from seatsync.demo.paper import market_refresh
from seatsync.demo.recorded import recorded_go_on


@job(time_limit_s=280)
def refresh_paper_market() -> None:
    """Bring the paper market of the demo's games to now; nothing where there is no demo."""
    games = Game.objects.filter(source=facts().source).select_related("opponent", "home_team", "venue")
    if games.exists():
        once_per_slot("demo.refresh_paper_market", 600, lambda: market_refresh(list(games)))


@job(time_limit_s=280)
def replay_recorded() -> None:
    """Send the recorded buyers whose time has come to the simulator; nothing where no record was loaded."""
    once_per_slot("demo.replay_recorded", 5, recorded_go_on)
