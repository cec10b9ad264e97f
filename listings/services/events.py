"""Which events there our games are: asked before a publication, and when listings name theirs by id alone."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from listings.likeness import may_be_named, names_the_game, sells_aside
from listings.services.recognise import Told
from marketplaces.contracts import (
    Capability,
    EventAsked,
    EventQuery,
    EventStanding,
    Link,
    MarketplaceAdapter,
    RemoteEvent,
)  # fmt: skip
from marketplaces.errors import MappingNeeded, MustWait
from marketplaces.models import MarketplaceAccount
from portfolios.models import OFF, EventMapping, Game
from portfolios.selectors import event_mapping_get, event_mapping_undone, event_request_get, seats_sold_by
from portfolios.services.mapping import event_date_keep, event_mapping_confirm
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.venue_time import local

# A marketplace may round a start or not know it yet; another game of the same day starts further off.
_START_SLACK = timedelta(hours=4)
# A season and a half of games: more questions than this a marketplace need not answer for one account.
MOST_ASKED = 130
# A sweep is put back for its searches no longer than this: its listings wait to be judged.
LEARN_FOR = timedelta(minutes=2)


def event_learn(adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, game: Game) -> str:
    """The game's confirmed event id there. Raises MappingNeeded.

    "": it is named in words, since the platform has no search, or is asked to add the event.

    An exact single match (venue, start, and a name that has both teams and nothing beside the game) is confirmed by
    itself, anything else asks. An event that its platform has
    on another date than the game is not used: it is looked for anew, as if it had never been confirmed.
    """
    platform, name = adapter.traits.key, adapter.traits.name
    mapping: EventMapping | None = event_mapping_get(game, platform, paper=account.paper)
    if mapping is not None and (mapping.fits or event_read(adapter, link, mapping)):
        return mapping.remote_event_id
    if Capability.SEARCH_EVENTS not in adapter.traits.capabilities:
        if mapping is not None:
            raise MappingNeeded(_elsewhen(name, mapping), wants="event")
        return ""
    undone = event_mapping_undone(game, platform, paper=account.paper)
    asked = event_request_get(game, platform, paper=account.paper)
    if undone and asked is None:
        raise MappingNeeded(
            f"What this game was mapped to at {name} was undone; confirm which event it is.", wants="event"
        )
    found = [
        event
        for event in ([] if undone else adapter.search_events(link, event_query(game)))
        if event.starts_at == game.starts_at
        and event.venue.casefold() == game.venue.name.casefold()
        and _surely(event, game)
    ]
    if len(found) != 1 and asked is not None:
        return ""
    if len(found) != 1:
        many = "No event" if not found else f"{len(found)} events"
        before = "" if mapping is None else f"{_elsewhen(name, mapping)} "
        raise MappingNeeded(
            f"{before}{many} at {name} can be told for certain to be this game; confirm its mapping first.",
            wants="event",
        )
    try:
        event_mapping_confirm(
            game=game, platform=platform, paper=account.paper, remote_event_id=found[0].event_id, by="exact match",
            page=found[0].page, known=mapping, over_undone=False,
        )  # fmt: skip
    except Conflict as error:
        raise MappingNeeded(f"{name}: {error.detail}", wants="event") from error
    return found[0].event_id


def _surely(event: RemoteEvent, game: Game) -> bool:
    """Whether its name is the game's: at the same place and hour a marketplace may sell a lounge, or a party, too."""
    teams, venue = (game.home_team.name, game.opponent.name), game.venue
    return not sells_aside(event.name) and names_the_game(teams, (venue.name, venue.city), event=event.name)


def event_read(adapter: MarketplaceAdapter, link: Link, mapping: EventMapping) -> bool:
    """Ask for the date of an event that did not fit its game's; returns whether it does by now.

    What was offered under it when the game was moved is down: nobody is asked anything here. Raises MarketplaceError.
    """
    if Capability.EVENT_STANDING not in adapter.traits.capabilities:
        return False
    for told in adapter.event_standings(link, [event_asked(mapping)]):
        event_date_keep(mapping=mapping, event_date=day_told(told, mapping.game))
    return mapping.fits


def _elsewhen(name: str, mapping: EventMapping) -> str:
    day = f"{mapping.event_date:%a %-d %b %Y}"
    return f"{name} has event {mapping.remote_event_id} on {day}, which is not this game's day."


def event_asked(mapping: EventMapping) -> EventAsked:
    """How a mapped event is asked for."""
    day = mapping.event_date or mapping.game.game_date
    return EventAsked(mapping.remote_event_id, mapping.game.venue.name, day.isoformat())


def day_told(told: EventStanding, game: Game) -> date | None:
    """The event's day at the game's venue; None where no date is told."""
    try:
        if told.local_date:
            return date.fromisoformat(told.local_date)
    except ValueError:
        pass
    return local(told.starts_at, game.venue.timezone).date() if told.starts_at is not None else None


def event_gap(event: RemoteEvent, game: Game) -> timedelta:
    """How far an event's start lies from the game's."""
    return abs(event.starts_at - game.starts_at)


def event_problem(event: RemoteEvent, game: Game) -> str:
    """Why an event cannot be this game: another day, another hour, another place; empty where it can."""
    there = local(event.starts_at, game.venue.timezone)
    if there.date() != game.game_date:
        return f"it is on {there:%-d %b %Y}"
    if event_gap(event, game) > _START_SLACK:
        return f"it starts at {there:%H:%M}"
    if aside := sells_aside(event.name):
        return f"it sells {aside}, no seats"
    teams = (game.home_team.name, game.opponent.name)
    if not may_be_named(teams, game.venue.name, event=event.name, place=event.venue):
        return f"it is at {event.venue}"
    return ""


def event_name(game: Game) -> str:
    """What a game is called to marketplaces: both teams."""
    return f"{game.home_team.name} vs {game.opponent.name}"


def request_problem(game: Game) -> str:
    """Why no marketplace can be asked to add a game now; empty where it can."""
    if game.status in OFF:
        return f"The game is {game.get_status_display()}, and when it is played is not known."
    return "The game has begun." if game.starts_at <= now() else ""


def request_words(game: Game) -> str:
    """In which words a marketplace is asked to add a game: both teams, the place, and the start by its clock."""
    starts = local(game.starts_at, game.venue.timezone)
    return f"{event_name(game)}, {game.venue.address}, {starts:%a %-d %b %Y, %-I:%M %p}"


def event_query(game: Game, text: str = "") -> EventQuery:
    """What a game is looked for by: its teams (or another text) on its day at the venue."""
    starts = local(game.starts_at, game.venue.timezone)
    return EventQuery(text or event_name(game), game.venue.name, game.starts_at, f"{starts:%Y-%m-%d}")


def events_learn(
    *, adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, told: Iterable[Told],
    alive: Callable[[], None],
) -> None:  # fmt: skip
    """Look our games up there until every event that is named by id alone is known. Raises MarketplaceError.

    Only an exact single match is confirmed by itself, as before a publication (I-09). MustWait where a search must
    wait: who calls again soon goes on from there, and after minutes it goes without what is not learnt.
    """
    bare = {item.event_id for item in told if item.event_id and not item.event.dated}
    known = EventMapping.objects.filter(platform=account.platform, paper=account.paper, remote_event_id__in=bare)
    unknown = bare - set(known.values_list("remote_event_id", flat=True))
    if not unknown or Capability.SEARCH_EVENTS not in adapter.traits.capabilities:
        return
    for game in _games_unmapped(account)[:MOST_ASKED]:
        alive()
        try:
            unknown.discard(event_learn(adapter, link, account, game))
        except MappingNeeded:
            continue
        except MustWait:
            if now() - link.answers.began < LEARN_FOR:
                raise
            # It was put back for long enough: the next sweep goes on.
            return
        if not unknown:
            return


def _games_unmapped(account: MarketplaceAccount) -> list[Game]:
    """The account's games without a mapping, those to come first."""
    seats = seats_sold_by(account.user_id, account.tenant_id)
    mapped = EventMapping.objects.filter(platform=account.platform, paper=account.paper, confirmed_at__isnull=False)
    games = Game.objects.filter(pk__in=seats.values("game_id")).exclude(pk__in=mapped.values("game_id"))
    found = games.select_related("home_team", "opponent", "venue").order_by("starts_at")
    moment = now()
    return sorted(found, key=lambda game: (game.starts_at < moment, game.starts_at))
