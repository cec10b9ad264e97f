"""Working against the simulator in this process (the fixture `simulator`)."""

from datetime import date, timedelta
from typing import Any

from listings.models import Listing
from listings.services.outbox import commands_drain
from listings.services.settling import SETTLE
from marketplaces.models import LimitVersion
from marketplaces.registry import adapter_keys
from marketplaces.services import links
from portfolios.models import Game
from seatsync.core.clock import now
from seatsync.core.venue_time import local


def control(name: str, **wish: object) -> Any:
    """What the control address answers."""
    return links.shared_client().post(f"http://simulator.test/_sim/{name}", json=wish).raise_for_status().json()


def unlimited() -> None:
    """As many tokens as are wanted, at every platform."""
    for key in adapter_keys():
        LimitVersion.objects.create(
            platform=key, per_second=10_000, burst=10_000, valid_from=date(2020, 1, 1), source="test",
            checked_on=date(2020, 1, 1),
        )  # fmt: skip


def event_tell(game: Game, event_id: int = 501) -> None:
    """The simulator knows the game."""
    control(
        "events",
        events=[{
            "event_id": event_id, "name": f"{game.opponent.name} at {game.home_team.name}", "venue": game.venue.name,
            "city": game.venue.city, "starts_at": game.starts_at.isoformat(), "timezone": game.venue.timezone,
        }],
    )  # fmt: skip


def game_in(game: Game, days: int) -> None:
    """The game is so many days later than it was, for us and for the simulator."""
    game.starts_at += timedelta(days=days)
    game.game_date = local(game.starts_at, game.venue.timezone).date()
    game.save(update_fields=["starts_at", "game_date"])
    event_tell(game)


def work() -> None:
    for _ in range(10):
        if not commands_drain():
            return


def settled() -> None:
    """What was published has been up for a while: that it is not found counts."""
    Listing.objects.filter(published_at__gt=now() - SETTLE).update(published_at=now() - SETTLE)
