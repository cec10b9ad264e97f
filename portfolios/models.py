"""Reference data (leagues to games, shared by all tenants) and what holders own (season tickets, the seat ledger)."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from portfolios.labels import PlaceKey, seats_label
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.models import AppendOnlyModel, BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


class League(BaseModel):
    """A league, known by its short name (MLB)."""

    key = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=80)

    class Meta:
        db_table = "leagues"

    def __str__(self) -> str:
        return self.name


class Venue(BaseModel):
    """A stadium; `timezone` is the IANA zone in which its games' local times are shown."""

    name = models.CharField(max_length=120, unique=True)
    city = models.CharField(max_length=80)
    state = models.CharField(max_length=40, blank=True)
    timezone = models.CharField(max_length=40)
    capacity = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "venues"

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Its name, city and state, for who does not know it: "Harbor Field, Harbor City, WA"."""
        return ", ".join(filter(None, (self.name, self.city, self.state)))


class VenueSection(BaseModel):
    """A section label of a venue and the price zone that it lies in."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="sections")
    name = models.CharField(max_length=40)
    zone = models.CharField(max_length=60)

    class Meta:
        db_table = "venue_sections"
        constraints: ClassVar = [models.UniqueConstraint(fields=["venue", "name"], name="venue_section_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.zone})"


class Team(BaseModel):
    """A team of a league with its home venue."""

    league = models.ForeignKey(League, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=80)
    abbreviation = models.CharField(max_length=5)
    venue = models.ForeignKey(Venue, null=True, blank=True, on_delete=models.PROTECT, related_name="teams")

    class Meta:
        db_table = "teams"
        constraints: ClassVar = [models.UniqueConstraint(fields=["league", "abbreviation"], name="team_once")]

    def __str__(self) -> str:
        return self.name


class GameStatus(models.TextChoices):
    """Where a game stands; anything but `scheduled` and `final` pauses its listings (I-08)."""

    SCHEDULED = "scheduled", "scheduled"
    POSTPONED = "postponed", "postponed"
    CANCELLED = "cancelled", "cancelled"
    FINAL = "final", "final"


# Not to be played when it was to be.
OFF = frozenset({GameStatus.POSTPONED, GameStatus.CANCELLED})


class Game(BaseModel):
    """One home game. `starts_at` is UTC; `game_date` is the local date at the venue."""

    home_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="home_games")
    opponent = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="away_games")
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="games")
    starts_at = models.DateTimeField()
    game_date = models.DateField()
    season_year = models.PositiveSmallIntegerField()
    kind = models.CharField(
        max_length=10,
        choices=[
            ("preseason", "preseason"),
            ("regular", "regular season"),
            ("playoff", "playoff"),
        ],
        default="regular",
    )
    status = models.CharField(max_length=10, choices=GameStatus.choices, default=GameStatus.SCHEDULED)
    tier = models.CharField(max_length=20, blank=True)
    # Where the facts come from; a replayed season says so on every page.
    source = models.CharField(max_length=80, blank=True)
    source_key = models.CharField(max_length=80, blank=True)
    shifted_weeks = models.IntegerField(default=0)

    class Meta:
        db_table = "games"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["home_team", "starts_at", "source"], name="game_once"),
            models.CheckConstraint(condition=~Q(home_team=models.F("opponent")), name="game_two_teams"),
        ]
        indexes: ClassVar = [models.Index(fields=["home_team", "season_year", "starts_at"], name="game_season")]

    def __str__(self) -> str:
        """The teams, which a list reads together with the game."""
        return f"{self.opponent.name} at {self.home_team.name} {self.game_date}"

    @property
    def words(self) -> str:
        """The game in a sentence: "White Sox at Mariners on 25 Nov"."""
        return f"{self.opponent.name} at {self.home_team.name} on {self.game_date:%-d %b}"


# How `confirmed_by` of a mapping begins that a person has undone.
UNDONE = "undone by "


class EventMapping(BaseModel):
    """A game's id at a marketplace or source; nothing is published before a mapping is confirmed (I-09).

    Of one that was undone `confirmed_by` says by whom, and nothing confirms it by itself again. The paper market has
    events of its own: what it says of them is nothing to the real one (I-20). Where a platform is asked to add the
    event there is no id until it tells one, and listings name it in words.
    """

    game = models.ForeignKey(Game, on_delete=models.CASCADE, related_name="mappings")
    platform = models.CharField(max_length=20)
    paper = models.BooleanField(default=False)
    remote_event_id = models.CharField(max_length=80)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.CharField(max_length=64, blank=True)
    # When its platform was asked to add the event, which it does not list, by whom and in which words.
    requested_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.CharField(max_length=64, blank=True)
    requested_as = models.CharField(max_length=300, blank=True)
    # The event's date at the venue, as it was told last; where nothing was told, the game's when it was confirmed or
    # asked for.
    event_date = models.DateField(null=True, blank=True)
    # Another date than the game's, which support has let pass for it.
    accepted_date = models.DateField(null=True, blank=True)
    # How the event stands there (EventState), in the platform's own word, and when that was told last.
    told_state = models.CharField(max_length=12, blank=True)
    told_word = models.CharField(max_length=40, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    # Its page on the platform's own site, as the platform told it.
    told_page = models.CharField(max_length=500, blank=True)
    # What its platform says is left of the club's own tickets (PrimaryLeft), and when that was read.
    primary_left = models.CharField(max_length=10, blank=True)
    primary_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "event_mappings"
        constraints: ClassVar = [
            # One that was undone stays for the record, and keeps its event from nobody; what is asked for has no id.
            models.UniqueConstraint(
                fields=["platform", "paper", "remote_event_id"],
                condition=~Q(confirmed_by__startswith=UNDONE) & ~Q(remote_event_id=""),
                name="event_mapping_remote",
            ),
            models.UniqueConstraint(fields=["platform", "paper", "game"], name="event_mapping_game"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.remote_event_id or 'asked for'}"

    @property
    def requested(self) -> bool:
        """Whether its platform is asked to add the event, on its game's date, and has told no id yet."""
        asked = self.requested_at is not None and self.confirmed_at is None
        return asked and self.event_date == self.game.game_date

    @property
    def fits(self) -> bool:
        """Whether the event is on its game's date, as far as is told, or on one that was let pass."""
        return self.event_date in {None, self.game.game_date, self.accepted_date}


class SectionMapping(BaseModel):
    """A venue section's name at a marketplace; a section that is not mapped is not published (I-09).

    One that was undone stays, and the paper market has its own, as with events.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="section_mappings")
    section = models.CharField(max_length=40)
    platform = models.CharField(max_length=20)
    paper = models.BooleanField(default=False)
    remote_section = models.CharField(max_length=80)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "section_mappings"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["venue", "section", "platform", "paper"], name="section_mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.section} is {self.remote_section} at {self.platform}"


class VenueAlias(BaseModel):
    """What a marketplace calls a venue, learnt from events there that were confirmed to be games of it.

    It makes suggestions better, and allows nothing.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="aliases")
    platform = models.CharField(max_length=20)
    name = models.CharField(max_length=120)

    class Meta:
        db_table = "venue_aliases"
        verbose_name_plural = "venue aliases"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["venue", "platform", "name"], name="venue_alias_once"),
        ]

    def __str__(self) -> str:
        return f"{self.venue} is {self.name} at {self.platform}"


class TicketRole(models.TextChoices):
    """What another person may do with someone's season ticket."""

    CO_OWNER = "co_owner", "co-owner"
    MANAGER = "manager", "manager"
    VIEWER = "viewer", "viewer"


_VERBS: dict[str, frozenset[str]] = {
    TicketRole.CO_OWNER: frozenset({"view", "list", "reprice", "delist"}),
    TicketRole.MANAGER: frozenset({"view", "list", "reprice", "delist"}),
    TicketRole.VIEWER: frozenset({"view"}),
}


def roles_that_may(verb: str) -> list[str]:
    """The roles of a share that allow a verb."""
    return [role for role, verbs in _VERBS.items() if verb in verbs]


class SeasonTicketQuerySet(OwnedQuerySet["SeasonTicket"]):
    """Season tickets of the holder and of those who share them; nobody sees one that was deleted."""

    def visible_to(self, actor: Actor) -> "SeasonTicketQuerySet":
        """Those that the actor may know of and that still stand."""
        return super().visible_to(actor).filter(removed_at=None)

    def _for_user(self, user_id: uuid.UUID) -> "SeasonTicketQuerySet":
        shared = SeasonTicketShare.objects.filter(user_id=user_id, revoked_at=None).values("season_ticket_id")
        return self.filter(Q(user_id=user_id) | Q(pk__in=shared), removed_at=None)


class SeasonTicket(BaseModel):
    """One holder's seats of one team and season. `seat` is the label ("1-2"), `cost_basis` the season's whole cost."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="season_tickets")
    team = models.ForeignKey(Team, on_delete=models.PROTECT)
    league = models.ForeignKey(League, on_delete=models.PROTECT)
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT)
    section = models.CharField(max_length=40)
    row = models.CharField(max_length=20)
    seat = models.CharField(max_length=40)
    season_year = models.PositiveSmallIntegerField()
    # Whose schedule its games are of, where a team has more than one; blank for the league's own.
    schedule = models.CharField(max_length=80, blank=True)
    cost_basis = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    total_games = models.PositiveSmallIntegerField(default=0)
    games_remaining = models.PositiveSmallIntegerField(default=0)
    # Proof of ownership (I-06): the team's account or order reference.
    order_reference = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    # When its holder deleted it: its seats are gone, and the row stays for the predictions that were made of it (I-34).
    removed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[SeasonTicketQuerySet] = manager_of(SeasonTicketQuerySet)

    class Meta:
        db_table = "season_tickets"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(cost_basis__gte=0), name="season_ticket_cost"),
            models.CheckConstraint(condition=~Q(order_reference=""), name="season_ticket_proof"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "user"], name="season_ticket_owner")]

    def __str__(self) -> str:
        return f"{self.section}/{self.row}/{self.seat} {self.season_year}"

    @property
    def seat_numbers(self) -> tuple[int, int]:
        """Its first and its last seat."""
        first, _, last = self.seat.partition("-")
        return int(first), int(last or first)

    @property
    def name(self) -> str:
        """The team's season in words: "Seattle Mariners 2026", with whose schedule where that is not the league's."""
        season = f"{self.team.name} {self.season_year}"
        return f"{season} ({self.schedule})" if self.schedule else season

    def may(self, actor: Actor, verb: str) -> bool:
        """Whether `actor`, who sees this ticket, may `verb` (view, list, reprice, delist, manage)."""
        if actor.kind is not ActorKind.USER or actor.user_id == self.user_id:
            return True
        if actor.user_id is None:
            return False
        # All of them, who are few: where they were read for many tickets together nothing is asked here.
        roles = [share.role for share in self.shares.all() if share.user_id == actor.user_id and not share.revoked_at]
        return any(verb in _VERBS.get(role, frozenset()) for role in roles)


class SeasonTicketShare(BaseModel):
    """Someone else who may see or manage a season ticket."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    season_ticket = models.ForeignKey(SeasonTicket, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="ticket_shares")
    role = models.CharField(max_length=10, choices=TicketRole.choices)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "season_ticket_shares"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["season_ticket", "user"],
                condition=Q(revoked_at=None),
                name="ticket_share_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"


class SeatGroupQuerySet(OwnedQuerySet["SeatGroup"]):
    """Groups of visible season tickets."""

    def _for_user(self, user_id: uuid.UUID) -> "SeatGroupQuerySet":
        return self.filter(season_ticket__in=SeasonTicket.objects.all()._for_user(user_id))


class SeatGroup(BaseModel):
    """Contiguous seats of one season ticket and game that are offered, priced and predicted together."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    season_ticket = models.ForeignKey(SeasonTicket, on_delete=models.CASCADE, related_name="groups")
    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="groups")
    section = models.CharField(max_length=40)
    row = models.CharField(max_length=20)
    seat_from = models.PositiveIntegerField()
    seat_to = models.PositiveIntegerField()

    objects: ClassVar[SeatGroupQuerySet] = manager_of(SeatGroupQuerySet)

    class Meta:
        db_table = "seat_groups"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["season_ticket", "game", "section", "row", "seat_from", "seat_to"],
                name="seat_group_once",
            ),
            models.CheckConstraint(condition=Q(seat_from__lte=models.F("seat_to")), name="seat_group_order"),
        ]

    def __str__(self) -> str:
        return f"{self.section}/{self.row} {self.label}"

    @property
    def label(self) -> str:
        """The seat numbers: "1-2", or "7" for one seat."""
        return seats_label(self.seat_from, self.seat_to)


class OwnerState(models.TextChoices):
    """Who has the seat for its game (I-01). "Listed" is derived from listings, never stored here."""

    AVAILABLE = "available", "available"
    HELD = "held", "held"
    SOLD = "sold", "sold"
    TRANSFERRED = "transferred", "transferred"
    ATTENDING = "attending", "attending"
    DONATED = "donated", "donated"
    SWAPPED = "swapped", "swapped"
    RELINQUISHED = "relinquished", "relinquished"


class SeatQuerySet(OwnedQuerySet["Seat"]):
    """Seats of visible season tickets."""

    def _for_user(self, user_id: uuid.UUID) -> "SeatQuerySet":
        return self.filter(season_ticket__in=SeasonTicket.objects.all()._for_user(user_id))


# As long as the longest key that holds a seat: a marketplace account and a sale id of eighty characters.
HELD_BY = 120
# A seat's place in its stadium, in whatever spelling.
PLACE = (PlaceKey("section"), PlaceKey("row"), "seat_number")


class Seat(BaseModel):
    """The ledger: one row per seat and game, with exactly one owner state."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    season_ticket = models.ForeignKey(SeasonTicket, on_delete=models.PROTECT, related_name="seats")
    game = models.ForeignKey(Game, on_delete=models.PROTECT, related_name="seats")
    group = models.ForeignKey(
        SeatGroup,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="seats",
    )
    section = models.CharField(max_length=40)
    row = models.CharField(max_length=20)
    seat_number = models.PositiveIntegerField()
    cost = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    state = models.CharField(max_length=12, choices=OwnerState.choices, default=OwnerState.AVAILABLE)
    # What holds the seat while it is not available: "sale:<id>", "user:<id>".
    held_by = models.CharField(max_length=HELD_BY, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[SeatQuerySet] = manager_of(SeatQuerySet)

    class Meta:
        db_table = "seats"
        constraints: ClassVar = [
            models.UniqueConstraint("tenant", "game", *PLACE, name="seat_one_owner"),
            models.CheckConstraint(condition=Q(state__in=OwnerState.values), name="seat_state_known"),
            models.CheckConstraint(condition=Q(cost__gte=0), name="seat_cost"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["season_ticket", "game"], name="seat_ticket_game"),
            models.Index("game", *PLACE, name="seat_place"),
        ]

    def __str__(self) -> str:
        return f"{self.section}/{self.row}/{self.seat_number}"


class SeatChange(AppendOnlyModel):
    """One change of a seat's owner state: the ledger's append-only history."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="changes")
    from_state = models.CharField(max_length=12)
    to_state = models.CharField(max_length=12)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        db_table = "seat_changes"
        indexes: ClassVar = [models.Index(fields=["seat", "at"], name="seat_change_seat")]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"
