"""API of the mapping queue: what waits, what a marketplace offers for it, and the person's word."""

import uuid
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.api import CommandOutput
from listings.models import MarketplaceCommand
from listings.services.mapping import mapping_confirm, mapping_options
from listings.services.mapping_request import event_request
from marketplaces.filters import PlatformFilter
from portfolios.models import EventMapping
from seatsync.core.apiview import ApiView
from seatsync.core.errors import InvalidInput
from seatsync.core.filters import ApiFilterSet, ToldChoiceFilter, YesFilter
from seatsync.core.inputs import Input
from seatsync.core.openapi import example

MAPPING = example(
    "This event is ours", {"command": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f71", "event_id": "104853"}, request=True
)


# What a publication may wait for.
WANTS = ["event", "section"]


class MappingOutput(serializers.ModelSerializer[MarketplaceCommand]):
    """A publication that waits: `wants` says what is to be confirmed, the game's event or the section's name there."""

    command = serializers.UUIDField(source="pk", read_only=True)
    platform = serializers.CharField(source="account.platform", read_only=True)
    wants = serializers.ChoiceField(choices=WANTS, source="payload.wants", read_only=True)
    game = serializers.UUIDField(source="listing.game_id", read_only=True)
    venue = serializers.UUIDField(source="listing.game.venue_id", read_only=True)
    section = serializers.CharField(source="listing.section", read_only=True)
    reason = serializers.CharField(source="last_error", read_only=True)
    publications = serializers.IntegerField(
        read_only=True, help_text="How many publications wait for the same answer, this one among them."
    )

    class Meta:
        model = MarketplaceCommand
        fields = (
            "command", "account", "listing", "platform", "wants", "game", "venue", "section", "reason", "publications",
        )  # fmt: skip


class MappingInput(Input):
    """The event's id there, or the section's name there, whichever the publication waits for; or `request`."""

    command = serializers.UUIDField()
    event_id = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    section = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    request = serializers.BooleanField(
        required=False, default=False,
        help_text="The game is not there: ask the marketplace to add it, and publish in words meanwhile.",
    )  # fmt: skip


class MappingEvent(serializers.Serializer[Any]):
    """An event of the game's day there; `problem` says why it cannot be the game, or is empty.

    `score` (0 to 100) and `reason` say how far its names, its place and its start are the game's.
    """

    event_id = serializers.CharField(source="event.event_id")
    name = serializers.CharField(source="event.name")
    venue = serializers.CharField(source="event.venue")
    starts_at = serializers.DateTimeField(source="event.starts_at")
    problem = serializers.CharField()
    score = serializers.IntegerField()
    reason = serializers.CharField()


class MappingSection(serializers.Serializer[Any]):
    """A section's name there, how alike it is (0 to 100) and why; `fits` is whether a holder may confirm it."""

    name = serializers.CharField()
    score = serializers.IntegerField()
    reason = serializers.CharField()
    fits = serializers.BooleanField()


class MappingOptions(serializers.Serializer[Any]):
    """What may be confirmed, the likely ones first. Both empty: the marketplace lists none; send what it is there.

    `chosen` is the event's id or the section's name that a page chooses beforehand: the first one, where it is sure
    enough and well ahead of the second; else empty. Nothing is confirmed by it. `request` are the words in which the
    marketplace can be asked to add the event; empty where it takes no such request, or none of this game.
    """

    events = MappingEvent(many=True)
    sections = MappingSection(many=True)
    chosen = serializers.CharField(allow_blank=True)
    request = serializers.CharField(allow_blank=True)


class EventRequestOutput(serializers.ModelSerializer[EventMapping]):
    """A game that a marketplace is asked to add, in which words; its number is not told yet."""

    asked_for = serializers.CharField(source="requested_as", read_only=True)

    class Meta:
        model = EventMapping
        fields = ("id", "platform", "paper", "game", "asked_for", "requested_at")


class MappingFilter(ApiFilterSet):
    """What waits, by marketplace, by what it wants, and by words of a game, a venue or a section."""

    platform = PlatformFilter(field_name="account__platform")
    wants = ToldChoiceFilter(field_name="payload__wants", choices=[("event", "event"), ("section", "section")])
    search = django_filters.CharFilter(
        method="by_words", max_length=80, help_text="Each word is part of a team's, the venue's or the section's name."
    )

    class Meta:
        model = MarketplaceCommand
        fields = ("account",)

    def by_words(self, rows: QuerySet[MarketplaceCommand], _name: str, text: str) -> QuerySet[MarketplaceCommand]:
        """Those that the words name."""
        return selectors.mappings_search(rows, text)


class MappingList(mixins.ListModelMixin, ApiView):
    """Which event and section at a marketplace is ours."""

    serializer_class = MappingOutput
    filterset_class = MappingFilter

    def get_queryset(self) -> QuerySet[MarketplaceCommand]:
        """What waits on the caller's accounts."""
        return selectors.mappings_queue(self.actor) if hasattr(self, "actor") else MarketplaceCommand.objects.none()

    @extend_schema(tags=["listings"], summary="List what waits for a mapping")
    def get(self, request: Request) -> Response:
        """A page of publications that wait for an event or a section to be confirmed."""
        return self.list(request)

    @extend_schema(
        tags=["listings"], summary="Confirm a mapping", request=MappingInput,
        responses={200: CommandOutput(many=True)}, examples=[MAPPING],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """All that waited for it: sent again, or one that may not be waits on and says why.

        With `request` the marketplace is asked to add the game, and they go out in words. 422 for a choice that cannot
        be right, or a marketplace that adds none; 409 where it is answered already, nobody can be asked, or the game
        has no date that is known.
        """
        data = self.body(MappingInput)
        if data["request"]:
            if data["event_id"] or data["section"]:
                raise InvalidInput(
                    "An event or a section is confirmed, or an event is asked for.", field="request",
                    remedy="Send one of them.",
                )  # fmt: skip
            return Response(CommandOutput(event_request(actor=self.actor, command_id=data["command"]), many=True).data)
        sent = mapping_confirm(
            actor=self.actor, command_id=data["command"], event_id=data["event_id"], section=data["section"]
        )
        return Response(CommandOutput(sent, many=True).data)


class MappingDetail(ApiView):
    """One publication that waits."""

    @extend_schema(tags=["listings"], summary="What there is to choose from", responses={200: MappingOptions})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The marketplace's events or sections; 404 where nothing waits, 409 where it cannot be asked."""
        return Response(MappingOptions(mapping_options(actor=self.actor, command_id=pk)).data)


class EventRequestFilter(ApiFilterSet):
    """What is asked for, by marketplace and game."""

    platform = PlatformFilter(field_name="platform")
    paper = YesFilter()

    class Meta:
        model = EventMapping
        fields = ("game",)


class EventRequestList(mixins.ListModelMixin, ApiView):
    """Which games marketplaces are asked to add."""

    serializer_class = EventRequestOutput
    filterset_class = EventRequestFilter

    def get_queryset(self) -> QuerySet[EventMapping]:
        """Those of the caller's listings."""
        return selectors.event_requests(self.actor) if hasattr(self, "actor") else EventMapping.objects.none()

    @extend_schema(tags=["listings"], summary="List the games that marketplaces are asked to add")
    def get(self, request: Request) -> Response:
        """A page of games that are asked for and not there yet, the newest first."""
        return self.list(request)
