"""Staff pages of portfolios: reference data can be mended, imported and exported; the ledger is read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from import_export.admin import ImportExportMixin

from portfolios.models import (
    Game,
    League,
    SeasonTicket,
    SeasonTicketShare,
    Seat,
    SeatChange,
    SeatGroup,
    Team,
    Venue,
    VenueAlias,
    VenueSection,
)  # fmt: skip
from portfolios.services.games import game_move
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.staff import ReadOnlyAdmin, ReferenceAdmin
from seatsync.core.venue_time import local


@admin.register(League)
class LeagueAdmin(ReferenceAdmin):
    """Leagues."""

    list_display = ("key", "name")


@admin.register(Venue)
class VenueAdmin(ReferenceAdmin):
    """Venues."""

    list_display = ("name", "city", "state", "timezone", "capacity")
    search_fields = ("name", "city")


@admin.register(VenueSection)
class VenueSectionAdmin(ImportExportMixin, ReferenceAdmin):
    """Sections and their zones; a whole venue comes in as one file."""

    list_display = ("venue", "name", "zone")
    list_filter = ("venue", "zone")
    search_fields = ("name",)
    list_select_related = ("venue",)


@admin.register(Team)
class TeamAdmin(ReferenceAdmin):
    """Teams."""

    list_display = ("name", "abbreviation", "league", "venue")
    list_filter = ("league",)
    search_fields = ("name", "abbreviation")
    list_select_related = ("league", "venue")


@admin.register(Game)
class GameAdmin(ImportExportMixin, ReferenceAdmin):
    """Games; a schedule comes in as one file."""

    list_display = ("starts_at", "home_team", "opponent", "venue", "status", "kind", "source")
    list_filter = ("status", "kind", "season_year", "source")
    search_fields = ("home_team__name", "opponent__name", "source_key")
    ordering = ("starts_at",)
    list_select_related = ("home_team", "opponent", "venue")
    # The venue's date follows from the start.
    exclude = ("game_date",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Game]:
        """With the teams that a game is called by, wherever it is listed or chosen."""
        rows: QuerySet[Game] = super().get_queryset(request)
        return rows.select_related("home_team", "opponent")

    def save_model(self, request: HttpRequest, obj: Game, form: Any, change: bool) -> None:
        """A game that exists moves through the service, so that holders are told and asked."""
        if not change:
            obj.game_date = local(obj.starts_at, obj.venue.timezone).date()
            super().save_model(request, obj, form, change)
            return
        starts_at, status = obj.starts_at, obj.status
        stored = Game.objects.get(pk=obj.pk)
        obj.starts_at, obj.status, obj.game_date = stored.starts_at, stored.status, stored.game_date
        super().save_model(request, obj, form, change)
        actor = Actor(ActorKind.STAFF, str(request.user.pk), None, None)
        game_move(actor=actor, game_id=obj.pk, starts_at=starts_at, status=status, reason="changed by staff")


@admin.register(VenueAlias)
class VenueAliasAdmin(ReferenceAdmin):
    """What marketplaces call a venue; deleting one only makes suggestions less sure."""

    list_display = ("venue", "platform", "name", "created_at")
    list_filter = ("platform", "venue")
    search_fields = ("name", "venue__name")
    list_select_related = ("venue",)


@admin.register(SeasonTicket)
class SeasonTicketAdmin(ReadOnlyAdmin):
    """Season tickets."""

    list_display = (
        "user",
        "team",
        "season_year",
        "section",
        "row",
        "seat",
        "cost_basis",
        "games_remaining",
        "removed_at",
    )
    list_filter = ("tenant", "season_year", ("removed_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "order_reference")
    list_select_related = ("user", "team")


@admin.register(SeasonTicketShare)
class SeasonTicketShareAdmin(ReadOnlyAdmin):
    """Who else may."""

    list_display = ("season_ticket", "user", "role", "revoked_at")
    list_select_related = ("season_ticket", "user")


@admin.register(SeatGroup)
class SeatGroupAdmin(ReadOnlyAdmin):
    """Groups."""

    list_display = ("game", "section", "row", "seat_from", "seat_to")
    list_select_related = ("game__home_team", "game__opponent")


@admin.register(Seat)
class SeatAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ("section", "row", "seat_number", "game", "state", "held_by", "cost", "version")
    list_filter = ("state", "tenant")
    search_fields = ("section", "held_by", "id")
    list_select_related = ("game__home_team", "game__opponent")


@admin.register(SeatChange)
class SeatChangeAdmin(ReadOnlyAdmin):
    """The ledger's history."""

    list_display = ("at", "seat", "from_state", "to_state", "actor_kind", "actor_id", "reason")
    list_filter = ("to_state", "actor_kind")
    search_fields = ("seat__id", "actor_id")
    list_select_related = ("seat",)
