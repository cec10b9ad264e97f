"""Reading the portfolio."""

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Min, Prefetch, Q, QuerySet, Value

from portfolios.labels import PlaceKey
from portfolios.models import (
    UNDONE,
    EventMapping,
    Game,
    OwnerState,
    SeasonTicket,
    SeasonTicketShare,
    Seat,
    SeatGroup,
    SectionMapping,
    Venue,
    VenueAlias,
    VenueSection,
    roles_that_may,
)  # fmt: skip
from portfolios.ports import Records, offered_among, records_of_ticket
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import NotFound
from seatsync.core.replay import Replay, replay_labels


def season_ticket_list(actor: Actor) -> QuerySet[SeasonTicket]:
    """The season tickets that the actor may know of, newest season first."""
    return (
        SeasonTicket.objects.visible_to(actor)
        .select_related("team", "league", "venue")
        .order_by("-season_year", "team__name", "pk")
    )


def season_ticket_get(actor: Actor, pk: Any) -> SeasonTicket:
    """One visible season ticket; raises NotFound."""
    return SeasonTicket.objects.select_related("team", "league", "venue").get_for(actor, pk)


def history_of_ticket(season_ticket: SeasonTicket) -> Records:
    """What was done with a ticket's seats and binds it, in words; empty where nothing ever was."""
    moved = season_ticket.seats.filter(changes__isnull=False).distinct().count()
    seats = [f"{moved} seat{'s' if moved != 1 else ''} kept, held, sold or given away"] if moved else []
    records = records_of_ticket(season_ticket.pk)
    return Records([*records.kept, *seats], records.under_way)


def ticket_sellers(season_ticket: SeasonTicket) -> set[uuid.UUID]:
    """The users on whose marketplace accounts its seats may be offered: its holder, and who shares it and may list."""
    shares = season_ticket.shares.filter(revoked_at=None, role__in=roles_that_may("list"))
    return {season_ticket.user_id, *shares.values_list("user_id", flat=True)}


def tickets_sold_by(user_id: uuid.UUID, tenant_id: uuid.UUID) -> QuerySet[SeasonTicket]:
    """The season tickets whose seats may be offered on this user's accounts: `ticket_sellers` the other way round."""
    shared = SeasonTicketShare.objects.filter(user_id=user_id, revoked_at=None, role__in=roles_that_may("list"))
    return SeasonTicket.objects.filter(
        Q(user_id=user_id) | Q(pk__in=shared.values("season_ticket_id")), tenant_id=tenant_id, removed_at=None
    )


def seats_sold_by(user_id: uuid.UUID, tenant_id: uuid.UUID) -> QuerySet[Seat]:
    """The seats that a person may sell over his accounts: those of these season tickets."""
    return Seat.objects.filter(season_ticket__in=tickets_sold_by(user_id, tenant_id))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A team's season of which the home games are known, and where they come from."""

    team_id: uuid.UUID
    team: str
    season_year: int
    source: str


def schedule_list() -> list[Schedule]:
    """Every schedule that a season ticket can be entered for, by team and newest season."""
    rows = Game.objects.filter(home_team__venue__isnull=False).values_list(
        "home_team_id", "home_team__name", "season_year", "source"
    )
    return [Schedule(*row) for row in rows.distinct().order_by("home_team__name", "-season_year", "source")]


def game_list() -> QuerySet[Game]:
    """Every game (reference data, the same for all tenants), by start."""
    return Game.objects.select_related("home_team", "opponent", "venue").order_by("starts_at", "pk")


def game_get(actor: Actor, pk: Any) -> Game:
    """A game of one of the actor's season tickets; raises NotFound for any other."""
    try:
        key = uuid.UUID(str(pk))
    except ValueError as error:
        raise NotFound("No game with this id.") from error
    game = game_list().filter(pk=key).first()
    if game is None or not Seat.objects.visible_to(actor).filter(game=game).exists():
        raise NotFound("No game with this id.")
    return game


def seat_list(actor: Actor) -> QuerySet[Seat]:
    """The visible ledger rows with their game and teams, in seat order."""
    return (
        Seat.objects.visible_to(actor)
        .select_related("season_ticket", "game__home_team", "game__opponent", "game__venue", "group")
        .order_by("game__starts_at", "section", "row", "seat_number")
    )


def seats_of_ticket(actor: Actor, season_ticket: SeasonTicket) -> list[Seat]:
    """A ticket's visible ledger rows in seat order; the seats of a game share one Game with its teams and venue."""
    games = Game.objects.select_related("home_team", "opponent", "venue")
    rows = seat_list(actor).filter(season_ticket=season_ticket).select_related(None)
    return list(rows.prefetch_related(Prefetch("game", queryset=games)))


def seats_of_game(actor: Actor, game: Game, season_ticket: SeasonTicket | None = None) -> QuerySet[Seat]:
    """The actor's seats of one game, optionally of one ticket."""
    seats = seat_list(actor).filter(game=game)
    return seats.filter(season_ticket=season_ticket) if season_ticket else seats


def groups_of_game(actor: Actor, game: Game) -> QuerySet[SeatGroup]:
    """The actor's seat groups of one game that have seats."""
    groups = SeatGroup.objects.visible_to(actor).filter(game=game, seats__isnull=False).distinct()
    return groups.order_by("section", "row", "seat_from")


def event_mapping_get(game: Game, platform: str, *, paper: bool) -> EventMapping | None:
    """The confirmed mapping of a game at a platform, whether or not it fits the game's date (any more)."""
    known = EventMapping.objects.filter(game=game, platform=platform, paper=paper, confirmed_at__isnull=False)
    return known.select_related("game").first()


def events_asked() -> QuerySet[EventMapping]:
    """The rows of games whose platforms are asked to add their event, on the game's date, and have told no id yet."""
    return EventMapping.objects.filter(
        requested_at__isnull=False, confirmed_at=None, event_date=F("game__game_date")
    ).select_related("game")


def event_request_get(game: Game, platform: str, *, paper: bool) -> EventMapping | None:
    """That row of a game at a platform; None where it is not asked for there."""
    return events_asked().filter(game=game, platform=platform, paper=paper).first()


def event_mappings_of(game: Game, papers: Collection[bool]) -> list[EventMapping]:
    """Every confirmed mapping of a game, with what is told of its event; `papers`: of which markets."""
    known = EventMapping.objects.filter(game=game, paper__in=papers, confirmed_at__isnull=False)
    return list(known.select_related("game").order_by("platform", "paper"))


def section_mapping_get(venue: Venue, section: str, platform: str, *, paper: bool) -> SectionMapping | None:
    """What a section of a venue is called at a platform, where that is confirmed."""
    return SectionMapping.objects.filter(
        venue=venue, section=section, platform=platform, paper=paper, confirmed_at__isnull=False
    ).first()


def game_mapped_to(platform: str, remote_event_id: str, *, paper: bool) -> Game | None:
    """The game that an event of a platform is confirmed to be; None where it is not, or has another date by now."""
    fitting = Q(event_date=None) | Q(event_date=F("game__game_date")) | Q(event_date=F("accepted_date"))
    mapped = EventMapping.objects.filter(
        fitting, platform=platform, paper=paper, remote_event_id=remote_event_id, confirmed_at__isnull=False
    ).select_related("game")
    found = mapped.first() if remote_event_id else None
    return found.game if found else None


def section_mapped_to(venue: Venue, platform: str, remote_section: str, *, paper: bool) -> str:
    """Our section that a platform's name is confirmed to stand for at a venue; "" where it is not."""
    mapped = SectionMapping.objects.filter(
        venue=venue, platform=platform, paper=paper, remote_section=remote_section, confirmed_at__isnull=False
    )
    return mapped.values_list("section", flat=True).first() or ""


def event_mapping_undone(game: Game, platform: str, *, paper: bool) -> bool:
    """Whether a person has said that what this game was mapped to there is not it."""
    known = EventMapping.objects.filter(game=game, platform=platform, paper=paper)
    return known.filter(confirmed_by__startswith=UNDONE).exists()


def section_mapping_undone(venue: Venue, section: str, platform: str, *, paper: bool) -> bool:
    """Whether a person has said that what this section was mapped to there is not it."""
    known = SectionMapping.objects.filter(venue=venue, section=section, platform=platform, paper=paper)
    return known.filter(confirmed_by__startswith=UNDONE).exists()


def venue_names(venue: Venue, platform: str) -> list[str]:
    """Our name of a venue, and those that a platform was seen to use for it."""
    known = VenueAlias.objects.filter(venue=venue, platform=platform).order_by("name")
    return [venue.name, *known.values_list("name", flat=True)]


def section_known(venue: Venue, section: str) -> bool:
    """Whether the venue's own list of sections has this name."""
    return VenueSection.objects.filter(venue=venue, name=section).exists()


def section_elsewhere(venue: Venue, section: str, *, platform: str, paper: bool, name: str) -> str:
    """Which other section of the venue a platform's `name` stands for; "" where it may be `section`'s.

    It is another's by its own name, in whatever spelling, or because that one was mapped to it.
    """
    own, there = PlaceKey(Value(section)), PlaceKey(Value(name))
    names = VenueSection.objects.filter(venue=venue).annotate(label=F("name"))
    held = Seat.objects.filter(game__venue=venue).annotate(label=F("section"))
    given = SectionMapping.objects.filter(venue=venue, platform=platform, paper=paper, remote_section=name)
    mapped = given.exclude(confirmed_by__startswith=UNDONE)
    for rows in (
        names.annotate(key=PlaceKey("label")).filter(key=there),
        held.annotate(key=PlaceKey("label")).filter(key=there),
        mapped.annotate(label=F("section"), key=PlaceKey("section")),
    ):
        if found := rows.exclude(key=own).values_list("label", flat=True).first():
            return str(found)
    return ""


def replays_loaded() -> list[Replay]:
    """The labels of the replayed seasons that this installation holds, whoever asks; one query."""
    moved = Game.objects.exclude(shifted_weeks=0).values("source", "shifted_weeks").annotate(first=Min("starts_at"))
    return replay_labels((row["source"], row["shifted_weeks"], row["first"]) for row in moved)


@dataclass(frozen=True, slots=True)
class TicketEnd:
    """What goes when a season ticket is deleted, and what of it is on record and forbids that."""

    games: int
    seats: int
    shares: int
    on_record: list[str]


def season_ticket_end(season_ticket: SeasonTicket) -> TicketEnd:
    """What a deletion would take away."""
    seats = season_ticket.seats.aggregate(games=Count("game", distinct=True), seats=Count("pk"))
    shares = season_ticket.shares.filter(revoked_at=None).count()
    return TicketEnd(seats["games"], seats["seats"], shares, history_of_ticket(season_ticket).words)


@dataclass(frozen=True, slots=True)
class TicketCounts:
    """A season ticket with its seats counted; undecided ones are free, still to come and not on offer."""

    ticket: SeasonTicket
    seats: int
    sold: int
    kept: int
    undecided_seats: int
    undecided_games: int


def season_ticket_counts(actor: Actor) -> list[TicketCounts]:
    """The season tickets with their seats counted, in a constant number of queries."""
    tickets = season_ticket_list(actor).annotate(
        seats_all=Count("seats"),
        seats_sold=Count("seats", filter=Q(seats__state=OwnerState.SOLD)),
        seats_kept=Count("seats", filter=Q(seats__state=OwnerState.ATTENDING)),
    )
    free = Seat.objects.visible_to(actor).filter(state=OwnerState.AVAILABLE, game__starts_at__gt=now())
    rows = list(free.values_list("pk", "season_ticket_id", "game_id"))
    offered = offered_among([pk for pk, _, _ in rows])
    undecided: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for pk, ticket_id, game_id in rows:
        if pk not in offered:
            undecided[ticket_id].append(game_id)
    return [
        TicketCounts(
            ticket, ticket.seats_all, ticket.seats_sold, ticket.seats_kept, len(undecided[ticket.pk]),
            len(set(undecided[ticket.pk])),
        )
        for ticket in tickets
    ]  # fmt: skip
