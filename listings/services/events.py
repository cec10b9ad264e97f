"""Which events there our games are: asked before a publication, and when listings name theirs by id alone."""

from collections.abc import Callable, Iterable

from listings.likeness import sells_aside
from listings.services.recognise import Told
from marketplaces.contracts import Capability, EventQuery, Link, MarketplaceAdapter
from marketplaces.errors import MappingNeeded
from marketplaces.models import MarketplaceAccount
from portfolios.models import EventMapping, Game, Seat
from portfolios.selectors import event_mapping_get, event_mapping_undone, tickets_sold_by
from portfolios.services.mapping import event_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.venue_time import local

# A season and a half of games: more questions than this a marketplace need not answer for one account.
MOST_ASKED = 130


def event_learn(adapter: MarketplaceAdapter, link: Link, game: Game) -> str:
    """The game's confirmed event id there; "" where the platform has no search. Raises MappingNeeded.

    An exact single match (venue and start) is confirmed by itself, anything else asks.
    """
    platform = adapter.traits.key
    mapping: EventMapping | None = event_mapping_get(game, platform)
    if mapping is not None:
        return mapping.remote_event_id
    if Capability.SEARCH_EVENTS not in adapter.traits.capabilities:
        return ""
    if event_mapping_undone(game, platform):
        raise MappingNeeded(
            f"What this game was mapped to at {adapter.traits.name} was undone; confirm which event it is.",
            wants="event",
        )
    found = [
        event
        for event in adapter.search_events(link, event_query(game))
        if event.starts_at == game.starts_at
        and event.venue.casefold() == game.venue.name.casefold()
        and not sells_aside(event.name)
    ]
    if len(found) != 1:
        many = "No event" if not found else f"{len(found)} events"
        raise MappingNeeded(
            f"{many} at {adapter.traits.name} can be told for certain to be this game; confirm its mapping first.",
            wants="event",
        )
    event_mapping_confirm(game=game, platform=platform, remote_event_id=found[0].event_id, by="exact match")
    return found[0].event_id


def event_query(game: Game, text: str = "") -> EventQuery:
    """What a game is looked for by: its teams (or another text) on its day at the venue."""
    starts = local(game.starts_at, game.venue.timezone)
    words = text or f"{game.home_team.name} vs {game.opponent.name}"
    return EventQuery(words, game.venue.name, game.starts_at, f"{starts:%Y-%m-%d}")


def events_learn(
    *, adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, told: Iterable[Told],
    alive: Callable[[], None],
) -> None:  # fmt: skip
    """Look our games up there until every event that is named by id alone is known. Raises MarketplaceError.

    Only an exact single match is confirmed by itself, as before a publication (I-09).
    """
    bare = {item.event_id for item in told if item.event_id and not item.event.dated}
    unknown = bare - set(
        EventMapping.objects.filter(platform=account.platform, remote_event_id__in=bare).values_list(
            "remote_event_id", flat=True
        )
    )
    if not unknown or Capability.SEARCH_EVENTS not in adapter.traits.capabilities:
        return
    for game in _games_unmapped(account)[:MOST_ASKED]:
        alive()
        try:
            unknown.discard(event_learn(adapter, link, game))
        except MappingNeeded:
            continue
        if not unknown:
            return


def _games_unmapped(account: MarketplaceAccount) -> list[Game]:
    """The account's games without a mapping, those to come first."""
    seats = Seat.objects.filter(season_ticket__in=tickets_sold_by(account.user_id, account.tenant_id))
    mapped = EventMapping.objects.filter(platform=account.platform, confirmed_at__isnull=False)
    games = Game.objects.filter(pk__in=seats.values("game_id")).exclude(pk__in=mapped.values("game_id"))
    found = games.select_related("home_team", "opponent", "venue").order_by("starts_at")
    moment = now()
    return sorted(found, key=lambda game: (game.starts_at < moment, game.starts_at))
