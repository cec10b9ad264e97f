"""API of portfolios: teams, venues, games, season tickets, the seat ledger."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios import selectors
from portfolios.models import Game, SeasonTicket, Seat, Team, Venue
from portfolios.services.corrections import season_ticket_correct, season_ticket_remove
from portfolios.services.ledger import seats_set_state
from portfolios.services.season_tickets import season_ticket_create
from seatsync.core.apiview import ApiView
from seatsync.core.errors import InvalidInput, NotFound
from seatsync.core.fields import MoneyField
from seatsync.core.filters import ApiFilterSet, MomentFilter
from seatsync.core.inputs import Input
from seatsync.core.openapi import example
from seatsync.core.pagination import CursorPagination


class ByStart(CursorPagination):
    """By start, earliest first."""

    ordering = ("starts_at", "id")


class TeamOutput(serializers.ModelSerializer[Team]):
    """A team."""

    class Meta:
        model = Team
        fields = ("id", "name", "abbreviation", "league", "venue")


class VenueOutput(serializers.ModelSerializer[Venue]):
    """A venue with its IANA zone."""

    class Meta:
        model = Venue
        fields = ("id", "name", "city", "state", "timezone", "capacity")


class GameOutput(serializers.ModelSerializer[Game]):
    """A game; `starts_at` is UTC, `game_date` local to the venue."""

    home_team_name = serializers.CharField(source="home_team.name", read_only=True)
    opponent_name = serializers.CharField(source="opponent.name", read_only=True)
    venue_name = serializers.CharField(source="venue.name", read_only=True)

    class Meta:
        model = Game
        fields = (
            "id", "home_team", "home_team_name", "opponent", "opponent_name", "venue", "venue_name", "starts_at",
            "game_date", "season_year", "kind", "status", "tier", "source", "shifted_weeks",
        )  # fmt: skip


class SeasonTicketOutput(serializers.ModelSerializer[SeasonTicket]):
    """A season ticket; money is a decimal string in `currency`."""

    team_name = serializers.CharField(source="team.name", read_only=True)

    class Meta:
        model = SeasonTicket
        fields = (
            "id", "team", "team_name", "league", "venue", "section", "row", "seat", "season_year", "schedule",
            "cost_basis", "currency", "total_games", "games_remaining", "version", "created_at",
        )  # fmt: skip


TICKET = example(
    "Four seats of a season",
    {
        "team": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f71", "season_year": 2026, "section": "131", "row": "27",
        "seat_from": 1, "seat_to": 4, "cost_basis": "12960.00", "order_reference": "ACC-1",
    },
    request=True,
)  # fmt: skip
KEEP = example("We go ourselves", {"state": "attending", "reason": "we go ourselves", "version": 1}, request=True)
MENDED = example("The invoice said more", {"cost_basis": "13040.00", "version": 1}, request=True)


class SeasonTicketInput(Input):
    """A new season ticket of the caller."""

    team = serializers.UUIDField()
    season_year = serializers.IntegerField(min_value=1990, max_value=2100)
    section = serializers.CharField(max_length=40)
    row = serializers.CharField(max_length=20)
    seat_from = serializers.IntegerField(min_value=1)
    seat_to = serializers.IntegerField(min_value=1)
    cost_basis = MoneyField(min_value=0)
    order_reference = serializers.CharField(max_length=80)
    # The contract's name; the stubs know only the field's own attribute of that name.
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=80,
        required=False,
        allow_blank=True,
        help_text="Whose schedule, as `source` of the games says; needed only where a team's season has several.",
    )


class CorrectionInput(Input):
    """What to mend; a field that is left out stays. Section, row and seats only while nothing was done with them."""

    section = serializers.CharField(max_length=40, required=False)
    row = serializers.CharField(max_length=20, required=False)
    seat_from = serializers.IntegerField(min_value=1, required=False)
    seat_to = serializers.IntegerField(min_value=1, required=False)
    cost_basis = MoneyField(min_value=0, required=False)
    order_reference = serializers.CharField(max_length=80, required=False)
    version = serializers.IntegerField(required=False, min_value=1)


class SeatOutput(serializers.ModelSerializer[Seat]):
    """One seat of one game with its owner state."""

    class Meta:
        model = Seat
        fields = (
            "id", "season_ticket", "game", "group", "section", "row", "seat_number", "cost", "currency", "state",
            "version",
        )  # fmt: skip


class SeatInput(Input):
    """A holder's own move of a seat."""

    state = serializers.CharField(max_length=12)
    reason = serializers.CharField(max_length=200)
    version = serializers.IntegerField(required=False, min_value=1)


class GameFilter(ApiFilterSet):
    """Games by season ticket, team, season and time."""

    season_ticket = filters.UUIDFilter(method="of_ticket")
    starts_after = MomentFilter(field_name="starts_at", lookup_expr="gt")
    starts_before = MomentFilter(field_name="starts_at", lookup_expr="lt")

    class Meta:
        model = Game
        fields = ("home_team", "opponent", "season_year", "status")

    def of_ticket(self, queryset: QuerySet[Game], name: str, value: Any) -> QuerySet[Game]:
        """Games in which the visible ticket has seats; raises NotFound for a stranger's."""
        actor = self.request.api_actor if self.request else None
        if actor is None:
            return queryset.none()
        ticket = selectors.season_ticket_get(actor, value)
        return queryset.filter(seats__season_ticket=ticket).distinct()


class SeatFilter(ApiFilterSet):
    """Seats by ticket, game and state."""

    class Meta:
        model = Seat
        fields = ("season_ticket", "game", "state")


@extend_schema_view(get=extend_schema(tags=["reference"], summary="List teams"))
class TeamList(mixins.ListModelMixin, ApiView):
    """Teams."""

    serializer_class = TeamOutput
    queryset = Team.objects.all()

    def get(self, request: Request) -> Response:
        """A page of teams."""
        return self.list(request)


@extend_schema_view(get=extend_schema(tags=["reference"], summary="List venues"))
class VenueList(mixins.ListModelMixin, ApiView):
    """Venues."""

    serializer_class = VenueOutput
    queryset = Venue.objects.all()

    def get(self, request: Request) -> Response:
        """A page of venues."""
        return self.list(request)


@extend_schema_view(get=extend_schema(tags=["games"], summary="List games"))
class GameList(mixins.ListModelMixin, ApiView):
    """Games by start."""

    serializer_class = GameOutput
    filterset_class = GameFilter
    pagination_class = ByStart
    queryset = selectors.game_list()

    def get(self, request: Request) -> Response:
        """A page of games."""
        return self.list(request)


class GameDetail(ApiView):
    """One game."""

    serializer_class = GameOutput

    @extend_schema(tags=["games"], summary="Read a game")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The game; 404 for an unknown one."""
        game = selectors.game_list().filter(pk=pk).first()
        if game is None:
            raise NotFound("No game with this id.")
        return Response(GameOutput(game).data)


class SeasonTicketList(mixins.ListModelMixin, ApiView):
    """The caller's season tickets."""

    serializer_class = SeasonTicketOutput

    def get_queryset(self) -> QuerySet[SeasonTicket]:
        """Visible ones."""
        return selectors.season_ticket_list(self.actor) if hasattr(self, "actor") else SeasonTicket.objects.none()

    @extend_schema(tags=["season tickets"], summary="List season tickets")
    def get(self, request: Request) -> Response:
        """A page of season tickets."""
        return self.list(request)

    @extend_schema(
        tags=["season tickets"], summary="Add a season ticket", request=SeasonTicketInput,
        responses={201: SeasonTicketOutput}, examples=[TICKET],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201 with the ticket and its ledger made."""
        data = self.body(SeasonTicketInput)
        fields = dict(data)
        if self.actor.user_id is None:
            raise NotFound("No such user.")
        ticket = season_ticket_create(
            actor=self.actor, user_id=self.actor.user_id, team_id=fields.pop("team"), **fields
        )
        return Response(SeasonTicketOutput(ticket).data, status=201)


class SeasonTicketDetail(ApiView):
    """One season ticket."""

    serializer_class = SeasonTicketOutput
    versioned = True

    @extend_schema(tags=["season tickets"], summary="Read a season ticket")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The ticket; 404 for a stranger's."""
        return Response(SeasonTicketOutput(selectors.season_ticket_get(self.actor, pk)).data)

    @extend_schema(
        tags=["season tickets"], summary="Correct a season ticket", request=CorrectionInput,
        responses={200: SeasonTicketOutput}, examples=[MENDED],
    )  # fmt: skip
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """The ticket as it stands now, its cost split anew; 409 where what was done with its seats forbids it."""
        read = self._as_read(pk)
        data = self.body(CorrectionInput)
        with self.vouched():
            ticket = season_ticket_correct(actor=self.actor, ticket_id=pk, **{"version": read, **data})
        return Response(SeasonTicketOutput(ticket).data)

    @extend_schema(tags=["season tickets"], summary="Delete a season ticket", responses={204: None})
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """204; 409 with what is on record where its seats were ever shown, sold, held, kept or given away."""
        read = self._as_read(pk)
        with self.vouched():
            season_ticket_remove(actor=self.actor, ticket_id=pk, version=read)
        return Response(status=204)

    def _as_read(self, pk: uuid.UUID) -> int | None:
        """The version that If-Match vouches for; None without the header. Raises PreconditionFailed."""
        ticket = selectors.season_ticket_get(self.actor, pk)
        self.if_match(SeasonTicketOutput(ticket).data, ticket.version)
        return ticket.version if "If-Match" in self.request.headers else None


@extend_schema_view(get=extend_schema(tags=["seats"], summary="List seats"))
class SeatList(mixins.ListModelMixin, ApiView):
    """The ledger rows that the caller may see."""

    serializer_class = SeatOutput
    filterset_class = SeatFilter

    def get_queryset(self) -> QuerySet[Seat]:
        """Visible ones."""
        return selectors.seat_list(self.actor) if hasattr(self, "actor") else Seat.objects.none()

    def get(self, request: Request) -> Response:
        """A page of seats."""
        return self.list(request)


class SeatDetail(ApiView):
    """One seat."""

    serializer_class = SeatOutput
    versioned = True
    field_names = {"seats": "state"}

    @extend_schema(tags=["seats"], summary="Read a seat")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The seat; 404 for a stranger's."""
        return Response(SeatOutput(Seat.objects.get_for(self.actor, pk)).data)

    @extend_schema(
        tags=["seats"], summary="Keep, give away or take back a seat", request=SeatInput, responses={200: SeatOutput},
        examples=[KEEP],
    )  # fmt: skip
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """The seat in its new state; 409 where a sale, a hold or a listing has it."""
        seat = Seat.objects.get_for(self.actor, pk)
        data = self.body(SeatInput)
        self.if_match(SeatOutput(seat).data, seat.version)
        wanted = data
        if not wanted["reason"].strip():
            raise InvalidInput("A reason is missing.", field="reason", remedy="Say in a few words why.")
        # If-Match was weighed against what we read; the ledger's lock shows whether that still holds.
        read = wanted.get("version") or (seat.version if "If-Match" in request.headers else None)
        with self.vouched():
            (moved,) = seats_set_state(
                actor=self.actor, seat_ids=[seat.pk], to_state=wanted["state"], reason=wanted["reason"],
                versions={seat.pk: read} if read else None,
            )  # fmt: skip
        return Response(SeatOutput(moved).data)
