"""API of listings: publish, price, take down, sales, why, brakes."""

import uuid
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.api.delivery import TicketInput
from listings.api.net import EventBoundsOutput
from listings.expected import expectation_of
from listings.models import (
    EndingEffect,
    Listing,
    MarketplaceCommand,
    PriceHistory,
    PriceProposal,
    Sale,
    SplitType,
    TradingState,
    Unlike,
)  # fmt: skip
from listings.services.bounds import listing_bounds_set
from listings.services.delist import listings_delist
from listings.services.fulfil import LONGEST_LINK, LONGEST_NUMBER, MOST_URLS, sale_fulfil
from listings.services.give_up import command_give_up
from listings.services.hand_over_due import due_said
from listings.services.list_until import Bound, CutOffs, comes_down, cut_offs, listing_until_set
from listings.services.mend import command_again
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from listings.services.resolve import sale_resolve
from listings.services.sale_report import REPORTS, sale_report
from listings.services.trading import SCOPES, trading_state_set
from listings.states import SALE_ENDINGS, WANTED
from marketplaces.delivery import HandOver
from marketplaces.filters import PlatformFilter
from marketplaces.registry import hand_overs_of
from seatsync.core.apiview import ApiView
from seatsync.core.errors import InvalidInput
from seatsync.core.fields import ChoiceField, MomentField, MoneyField
from seatsync.core.filters import ApiFilterSet
from seatsync.core.inputs import Input
from seatsync.core.openapi import example
from seatsync.core.pagination import CursorPagination

_ID = "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f01"
PUBLISH = example(
    "Two seats on two marketplaces",
    {
        "seat_ids": [_ID, "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f02"],
        "account_ids": ["0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f11", "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f12"],
        "price": "84.00", "floor": "60.00", "ceiling": "120.00", "split_type": "any", "floor_basis": "list",
    },
    request=True,
)  # fmt: skip
LISTING = {
    "id": _ID, "account": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f11", "mode": "paper", "platform": "stubhub",
    "season_ticket": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f21", "seat_group": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f31",
    "game": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f41", "game_date": "2026-06-12",
    "external_id": "ss-0190a5c47c1e", "listing_id": "1528734", "section": "131", "row": "27", "quantity": 2,
    "price": "80.00", "live_price": "84.00", "proceeds": "72.00", "net_previewed_at": None, "all_in": None,
    "original_price": "84.00",
    "final_price": None, "currency": "USD", "floor": "60.00", "ceiling": "120.00", "floor_basis": "list",
    "status": "active", "status_reason": "", "split_type": "any", "version": 2,
    "published_at": "2026-05-02T17:00:09Z", "confirmed_at": "2026-05-02T18:10:00Z",
    "sold_at": None, "created_at": "2026-05-02T17:00:00Z", "list_until": None,
    "unlike_there": [{"what": "hidden", "since": "2026-05-02T18:10:00Z"}],
    "comes_down": {
        "at": "2026-06-13T01:10:00Z", "bound": "exchange",
        "why": "1 h before the game, our own caution: StubHub publishes no end of mobile transfer sales",
    },
    "awaits_event": False,
}  # fmt: skip
ONE_LISTING = example("A listing", LISTING, status=200)
MADE_LISTINGS = example("A listing for each account", {**LISTING, "status": "publishing", "version": 1}, status=201)
PRICE = example("Down to 80.00", {"price": "80.00", "version": 1, "reason": "a rainy forecast"}, request=True)
DELIST = example("We go ourselves", {"reason": "we go ourselves"}, request=True)
SALE = example(
    "A sale",
    {
        "id": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f51", "account": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f11",
        "mode": "paper", "platform": "stubhub", "platform_sale_id": "90210", "listing": _ID,
        "game": "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f41", "seats": ["0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f61"],
        "quantity": 1, "gross": "80.00", "gross_told": True, "fees": "8.00", "proceeds": "72.00",
        "proceeds_told": True, "rounding": "0.00", "charged": "0.00",
        "currency": "USD", "state": "confirmed", "state_reason": "", "ending": "", "ending_reason": "",
        "ended_at": None, "told_charge": None, "ending_effects": None, "effects": [],
        "remote_status": "confirmed",
        "sold_at": "2026-05-03T09:15:00Z",
        "noticed_at": "2026-05-03T09:15:01Z", "confirm_by": None, "ship_by": "2026-06-10T02:10:00Z",
        "ship_by_reckoned": False, "ship_by_said": "told by StubHub", "delivered_at": None,
        "last_delist_at": "2026-05-03T09:15:03Z", "notice_to_last_delist_ms": 1840,
        "hand_overs": ["mobile_transfer", "transfer_url"],
        "payout": {
            "expected_at": "2026-06-18T02:10:00Z", "expected_on": "2026-06-17", "basis": "5 days after the game",
            "source": "The simulator's own calendar, not StubHub's", "checked_on": "2026-11-26",
        },
        "version": 3,
    },
    status=200,
)  # fmt: skip


REPORT = example(
    "A penalty by mail", {"what": "penalty", "reason": "late delivery of order 90210", "charge": "30.00"}, request=True
)
FULFIL = example("Transferred in the app", {"method": "mobile_transfer", "confirmation": "TX-77"}, request=True)


class BySold(CursorPagination):
    """Newest sale first."""

    ordering = ("-sold_at", "-id")


# When a listing comes down, for which of its bounds, and why in words.
_COMES_DOWN_SCHEMA = {
    "type": "object", "nullable": True, "required": ["at", "bound", "why"],
    "properties": {
        "at": {"type": "string", "format": "date-time"},
        "bound": {"type": "string", "enum": [bound.value for bound in Bound]}, "why": {"type": "string"},
    },
}  # fmt: skip


_UNLIKE_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object", "required": ["what", "since"],
        "properties": {
            "what": {"type": "string", "enum": Unlike.values}, "since": {"type": "string", "format": "date-time"},
        },
    },
}  # fmt: skip


class ListingOutput(serializers.ModelSerializer[Listing]):
    """A listing; `price` is the list price per ticket in `currency`, `live_price` what the platform last took."""

    comes_down = serializers.SerializerMethodField(
        help_text="Null for one that is not on offer. `list_until` is the holder's own cut-off, one of its bounds."
    )
    awaits_event = serializers.SerializerMethodField(
        help_text="The marketplace is asked to add its event and has not yet: no buyer sees it, whatever its status."
    )

    unlike_there = serializers.SerializerMethodField(
        help_text="How its marketplace shows it otherwise than it is to be, and since when sweeps have seen that: to "
        "nobody (hidden), with fewer seats, or in another currency. Empty where it is shown as it is to be."
    )

    class Meta:
        model = Listing
        fields = (
            "id", "account", "mode", "platform", "season_ticket", "seat_group", "game", "game_date", "external_id",
            "listing_id", "section", "row", "quantity", "price", "live_price", "proceeds", "net_previewed_at", "all_in",
            "original_price", "final_price", "currency", "floor", "ceiling", "floor_basis", "status", "status_reason",
            "split_type", "version", "published_at", "confirmed_at", "sold_at", "created_at", "list_until",
            "comes_down", "awaits_event", "unlike_there",
        )  # fmt: skip

    @cached_property
    def _rows(self) -> CutOffs:
        """Read once for all listings of an answer."""
        return cut_offs()

    def get_awaits_event(self, listing: Listing) -> bool:
        """As the list found it out, or else now."""
        known: bool | None = vars(listing).get("event_awaited")
        return selectors.asked_of(listing) is not None if known is None else known

    @extend_schema_field(_COMES_DOWN_SCHEMA)
    def get_comes_down(self, listing: Listing) -> dict[str, Any] | None:
        """By what is in force today."""
        if listing.status not in WANTED:
            return None
        down = comes_down(listing, self._rows)
        at = serializers.DateTimeField().to_representation(down.at)
        return {"at": at, "bound": down.bound.value, "why": down.why}

    @extend_schema_field(_UNLIKE_SCHEMA)
    def get_unlike_there(self, listing: Listing) -> list[dict[str, str]]:
        """In the order of the kinds."""
        moment = serializers.DateTimeField()
        return [{"what": kind.value, "since": moment.to_representation(since)} for kind, since in listing.unlike]


class ListingInput(Input):
    """Publish seats of one game on one or more accounts."""

    seat_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=40)
    account_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=10)
    price = MoneyField()
    floor = MoneyField()
    ceiling = MoneyField()
    split_type = ChoiceField(choices=SplitType.choices, default=SplitType.ANY)
    floor_basis = ChoiceField(choices=["list", "net"], default="list")
    list_until = MomentField(
        required=False, allow_null=True, default=None, help_text="Your own cut-off: after now, and before the start."
    )


class PriceInput(Input):
    """A new price. `version` is the one you saw, unless If-Match says it; `confirmed` allows an unusual step."""

    price = MoneyField()
    version = serializers.IntegerField(min_value=1, required=False)
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    confirmed = serializers.BooleanField(default=False)


class BoundsInput(Input):
    """The least and the most per ticket. `version` is the one you saw, unless If-Match says it."""

    floor = MoneyField()
    ceiling = MoneyField()
    version = serializers.IntegerField(min_value=1, required=False)


class BoundsOutput(serializers.ModelSerializer[Listing]):
    """What a listing's price must keep to: its holder's floor and ceiling, and others' bounds."""

    bounds = serializers.SerializerMethodField()

    class Meta:
        model = Listing
        fields = ("floor", "ceiling", "floor_basis", "currency", "version", "bounds")

    @extend_schema_field(EventBoundsOutput)
    def get_bounds(self, listing: Listing) -> Any:
        """As the marketplace, the team and the venue bound it."""
        return EventBoundsOutput(self.context["bounds"]).data


class UntilInput(Input):
    """Your own cut-off; null for none. `version` is the one you saw, unless If-Match says it."""

    list_until = MomentField(allow_null=True)
    version = serializers.IntegerField(min_value=1, required=False)


class DelistInput(Input):
    """Why it comes down."""

    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class FulfilInput(Input):
    """How the tickets go to the buyer: by a number, one https address a ticket, or each seat's own ticket."""

    method = ChoiceField(
        choices=[way.value for way in HandOver],
        help_text="One of the `hand_overs` of the sale: what its platform takes.",
    )
    confirmation = serializers.CharField(max_length=LONGEST_NUMBER, required=False, default="", allow_blank=True)
    transfer_urls = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_LINK), max_length=MOST_URLS, required=False, default=list
    )
    tickets = serializers.ListField(
        child=TicketInput(), max_length=40, required=False, default=list,
        help_text="For barcode, pdf and qr_code: each seat's ticket, where it was not entered before.",
    )  # fmt: skip


class ResolveInput(Input):
    """The seats that an unclear sale took; none of them, with a reason, where it is no sale."""

    seat_ids = serializers.ListField(child=serializers.UUIDField(), max_length=40, required=False, default=list)
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class ReportInput(Input):
    """What it wrote, in its words; `charge` is what it says a penalty or the buyer's other tickets cost.

    `what`: of a sale on paper "practice" as well, by which its seats are the holder's again.
    `confirmed` says that a charge is meant that is many times what the sale brings.
    """

    what = ChoiceField(choices=list(REPORTS))
    reason = serializers.CharField(max_length=300)
    charge = MoneyField(required=False, allow_null=True)
    confirmed = serializers.BooleanField(default=False)


class HistoryOutput(serializers.ModelSerializer[PriceHistory]):
    """A price that the platform took."""

    class Meta:
        model = PriceHistory
        fields = ("time", "mode", "price", "currency", "platform", "views", "favorites")


class ProposalOutput(serializers.ModelSerializer[PriceProposal]):
    """One proposal with every verdict given."""

    class Meta:
        model = PriceProposal
        fields = (
            "id", "created_at", "previous_price", "proposed_price", "currency", "accepted", "verdicts", "actor_kind",
            "reason", "listing_version",
        )  # fmt: skip


class ExpectationOutput(serializers.Serializer[Any]):
    """When a sale's money is to come; `expected_at` null: no day follows from what is known, and `basis` says why.

    `expected_on` is that day at the venue.
    """

    expected_at = serializers.DateTimeField(source="at", allow_null=True)
    expected_on = serializers.DateField(source="on", allow_null=True)
    basis = serializers.CharField()
    # A declared field is no attribute of the class, whatever its name.
    source = serializers.CharField()  # type: ignore[assignment]
    checked_on = serializers.DateField(allow_null=True)


# What an ending does to the seats, the money, the tax lots, the resale budget and what partners settled.
_EFFECTS = ("seats", "money", "lot", "budget", "settlement", "asks")
_EFFECTS_SCHEMA = {
    "type": "object", "nullable": True, "required": list(_EFFECTS),
    "properties": {name: {"type": "string"} for name in _EFFECTS},
}  # fmt: skip


class EffectOutput(serializers.ModelSerializer[EndingEffect]):
    """What an ending changed. The last of a kind says how it stands; each kind's sum, by how much the sale is off."""

    class Meta:
        model = EndingEffect
        fields = ("kind", "effect", "ending", "amount", "currency", "tickets", "at")


class SaleOutput(serializers.ModelSerializer[Sale]):
    """A sale; gross = fees + proceeds + rounding. Where `proceeds_told` is false they are reckoned, or all gross.

    Where `gross_told` is false nobody told what its buyer paid for the tickets: the gross stands for the proceeds.
    """

    seats = serializers.SerializerMethodField()
    hand_overs = serializers.SerializerMethodField(help_text="The ways of handing over that the platform takes.")
    ending_effects = serializers.SerializerMethodField(help_text="What its ending does; null where none went wrong.")
    effects = EffectOutput(many=True, read_only=True)
    payout = serializers.SerializerMethodField(help_text="When its money is to come, and how that is known.")
    ship_by_said = serializers.SerializerMethodField(
        help_text="How `ship_by` is known: told, or reckoned by the platform's published rule."
    )

    class Meta:
        model = Sale
        fields = (
            "id", "account", "mode", "platform", "platform_sale_id", "listing", "game", "seats", "quantity", "gross",
            "gross_told", "fees", "proceeds", "proceeds_told", "rounding", "charged", "currency", "state",
            "state_reason", "ending", "ending_reason", "ended_at", "told_charge", "ending_effects", "effects",
            "remote_status", "sold_at", "noticed_at", "confirm_by", "ship_by", "ship_by_reckoned", "ship_by_said",
            "delivered_at", "last_delist_at", "notice_to_last_delist_ms",
            "hand_overs", "payout", "delivery_step", "delivery_note", "asked_again_at", "version",
        )  # fmt: skip

    def get_seats(self, sale: Sale) -> list[str]:
        """Ids of the ledger's seats."""
        return [str(row.seat_id) for row in sale.sale_seats.all()]

    def get_ship_by_said(self, sale: Sale) -> str:
        """In words."""
        return due_said(sale)

    def get_hand_overs(self, sale: Sale) -> list[str]:
        """As its adapter declares."""
        return [way.value for way in hand_overs_of(sale.platform)]

    @extend_schema_field(_EFFECTS_SCHEMA)
    def get_ending_effects(self, sale: Sale) -> dict[str, str] | None:
        """The ending's row."""
        row = SALE_ENDINGS.get(sale.ending)
        return None if row is None else {name: str(getattr(row, name)) for name in _EFFECTS}

    @extend_schema_field(ExpectationOutput)
    def get_payout(self, sale: Sale) -> dict[str, Any]:
        """By the calendar that the sale keeps."""
        return dict(ExpectationOutput(expectation_of(sale)).data)


class CommandOutput(serializers.ModelSerializer[MarketplaceCommand]):
    """A command to a marketplace."""

    class Meta:
        model = MarketplaceCommand
        fields = ("id", "account", "mode", "listing", "sale", "kind", "state", "attempts", "not_before", "last_error")


class TradingStateOutput(serializers.ModelSerializer[TradingState]):
    """A brake. `scope`, `scope_id` and `season_ticket_id` are those that set it: with another state they change it."""

    scope_id = serializers.UUIDField(source="named_id", read_only=True)
    season_ticket_id = serializers.SerializerMethodField(help_text="For scope game: whose game it is.")

    class Meta:
        model = TradingState
        fields = ("id", "scope", "scope_id", "season_ticket_id", "state", "reason", "until", "updated_at")

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_season_ticket_id(self, state: TradingState) -> str | None:
        """The season ticket of a game's brake."""
        return str(state.season_ticket_id) if state.scope == "game" else None


class TradingStateInput(Input):
    """Set a brake; for scope game `season_ticket_id` says whose, and for no other."""

    scope = ChoiceField(choices=list(SCOPES))
    scope_id = serializers.UUIDField()
    state = serializers.CharField(max_length=16)
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    until = MomentField(required=False)
    season_ticket_id = serializers.UUIDField(required=False, allow_null=True)


class ListingFilter(ApiFilterSet):
    """Listings by game, ticket, platform, status and account."""

    platform = PlatformFilter()

    class Meta:
        model = Listing
        fields = ("game", "season_ticket", "platform", "status", "account", "seat_group")


class SaleFilter(ApiFilterSet):
    """Sales by game, platform, state and listing."""

    platform = PlatformFilter()

    class Meta:
        model = Sale
        fields = ("game", "platform", "state", "listing")


class ListingList(mixins.ListModelMixin, ApiView):
    """Listings."""

    serializer_class = ListingOutput
    filterset_class = ListingFilter
    field_names = {"seats": "seat_ids", "accounts": "account_ids"}

    def get_queryset(self) -> QuerySet[Listing]:
        """Visible ones, with what says when they come down."""
        if not hasattr(self, "actor"):
            return Listing.objects.none()
        return selectors.listing_list(self.actor).prefetch_related("tickets_sent", "listing_seats")

    @extend_schema(tags=["listings"], summary="List listings")
    def get(self, request: Request) -> Response:
        """A page of listings."""
        return self.list(request)

    @extend_schema(
        tags=["listings"], summary="Publish seats", request=ListingInput, responses={201: ListingOutput(many=True)},
        examples=[PUBLISH, MADE_LISTINGS],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201 with a listing per account, `publishing`; 409 where a seat is not free."""
        data = self.body(ListingInput)
        made = listing_publish(actor=self.actor, **data)
        return Response(ListingOutput(made, many=True).data, status=201)


class ListingDetail(ApiView):
    """One listing."""

    serializer_class = ListingOutput

    @extend_schema(tags=["listings"], summary="Read a listing", examples=[ONE_LISTING])
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The listing; 404 for a stranger's."""
        return Response(ListingOutput(selectors.listing_get(self.actor, pk)).data)


class ListingPrice(ApiView):
    """The pricing door; what it refuses is kept with its verdicts (see why/)."""

    serializer_class = ListingOutput
    keeps_refusals = True
    versioned = True

    @extend_schema(
        tags=["listings"], summary="Change the price", request=PriceInput, responses={200: ListingOutput},
        examples=[PRICE, ONE_LISTING],
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The listing at its new price; 409 for a stale version, 422 where a guard refuses."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(PriceInput)
        self.if_match(ListingOutput(listing).data, listing.version)
        wanted = data | {"version": _version_meant(request, data, listing)}
        with self.vouched():
            changed = listing_reprice(actor=self.actor, listing_id=listing.pk, **wanted)
        return Response(ListingOutput(changed).data)


def _version_meant(request: Request, wish: dict[str, Any], listing: Listing) -> int:
    """The version that a change is of. Raises InvalidInput where neither the body nor If-Match says it.

    If-Match was weighed against what we read; the change's lock shows whether that still holds.
    """
    if "version" not in wish and "If-Match" not in request.headers:
        raise InvalidInput(
            "Which version is changed?", field="version",
            remedy="Send the version that you saw, or its ETag as If-Match.",
        )  # fmt: skip
    return int(wish.get("version", listing.version))


class ListingDelist(ApiView):
    """Taking down."""

    serializer_class = ListingOutput
    versioned = True

    @extend_schema(
        tags=["listings"], summary="Take down", request=DelistInput, responses={200: ListingOutput},
        examples=[DELIST, ONE_LISTING],
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The listing, on its way down; repeating is harmless."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(DelistInput)
        self.if_match(ListingOutput(listing).data, listing.version)
        (down,) = listings_delist(actor=self.actor, listing_ids=[listing.pk], **data)
        return Response(ListingOutput(down).data)


class ListingBounds(ApiView):
    """Floor and ceiling."""

    serializer_class = ListingOutput
    versioned = True

    @extend_schema(tags=["listings"], summary="Read what a price must keep to", responses={200: BoundsOutput})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Floor and ceiling, what its marketplace told of the event, and what the team or the venue asks for."""
        listing = selectors.listing_get(self.actor, pk)
        outer = selectors.bounds_of_listing(listing)
        return Response(BoundsOutput(listing, context={"bounds": outer}).data)

    @extend_schema(
        tags=["listings"], summary="Set floor and ceiling", request=BoundsInput, responses={200: ListingOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The listing with its new bounds; its price must lie between them."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(BoundsInput)
        self.if_match(ListingOutput(listing).data, listing.version)
        wanted = data | {"version": _version_meant(request, data, listing)}
        with self.vouched():
            changed = listing_bounds_set(actor=self.actor, listing_id=listing.pk, **wanted)
        return Response(ListingOutput(changed).data)


class ListingUntil(ApiView):
    """Until when it is on sale."""

    serializer_class = ListingOutput
    versioned = True

    @extend_schema(
        tags=["listings"], summary="Set your own cut-off", request=UntilInput, responses={200: ListingOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The listing with its holder's own cut-off; 409 for a stale version, 422 for one that is not to come."""
        listing = selectors.listing_get(self.actor, pk)
        data = self.body(UntilInput)
        self.if_match(ListingOutput(listing).data, listing.version)
        wanted = data | {"version": _version_meant(request, data, listing)}
        with self.vouched():
            changed = listing_until_set(actor=self.actor, listing_id=listing.pk, **wanted)
        return Response(ListingOutput(changed).data)


class ListingHistory(ApiView):
    """Prices over time."""

    serializer_class = HistoryOutput
    pagination_class = None
    queryset = Listing.objects.none()

    @extend_schema(tags=["listings"], summary="Price history", responses={200: HistoryOutput(many=True)})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """What the platform took, oldest first."""
        rows = selectors.price_history(selectors.listing_get(self.actor, pk))
        return Response(HistoryOutput(rows, many=True).data)


class ListingWhy(ApiView):
    """Why the price is what it is."""

    serializer_class = ProposalOutput
    pagination_class = None
    queryset = Listing.objects.none()

    @extend_schema(tags=["listings"], summary="Why this price", responses={200: ProposalOutput(many=True)})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """Every proposal with its verdicts, newest first."""
        rows = selectors.proposals(selectors.listing_get(self.actor, pk))
        return Response(ProposalOutput(rows, many=True).data)


@extend_schema_view(get=extend_schema(tags=["sales"], summary="List sales", examples=[SALE]))
class SaleList(mixins.ListModelMixin, ApiView):
    """Sales."""

    serializer_class = SaleOutput
    filterset_class = SaleFilter
    pagination_class = BySold

    def get_queryset(self) -> QuerySet[Sale]:
        """Visible ones."""
        if not hasattr(self, "actor"):
            return Sale.objects.none()
        return selectors.sale_list(self.actor).prefetch_related("sale_seats", "effects")

    def get(self, request: Request) -> Response:
        """A page of sales."""
        return self.list(request)


class SaleDetail(ApiView):
    """One sale."""

    serializer_class = SaleOutput

    @extend_schema(tags=["sales"], summary="Read a sale", examples=[SALE])
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The sale; 404 for a stranger's."""
        return Response(SaleOutput(selectors.sale_get(self.actor, pk)).data)


class SaleFulfil(ApiView):
    """Handing over; that one ticket is given to two sales is kept, and halts all selling (I-10)."""

    serializer_class = CommandOutput
    keeps_refusals = True

    @extend_schema(
        tags=["sales"], summary="Hand the tickets over", request=FulfilInput, responses={202: CommandOutput},
        examples=[FULFIL],
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """202 with the command that tells the marketplace; 409 where the sale does not wait for its tickets."""
        sale = selectors.sale_get(self.actor, pk)
        data = self.body(FulfilInput)
        given = data
        given["tickets"] = [TicketInput.entry(item) for item in given["tickets"]]
        command = sale_fulfil(actor=self.actor, sale_id=sale.pk, **given)
        return Response(CommandOutput(command).data, status=202)


class SaleResolve(ApiView):
    """Deciding on an unclear sale."""

    serializer_class = SaleOutput

    @extend_schema(
        tags=["sales"], summary="Say which seats an unclear sale took", request=ResolveInput,
        responses={200: SaleOutput}, examples=[SALE],
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The sale as decided; 409 where it is not unclear or somebody else has one of the seats."""
        sale = selectors.sale_get(self.actor, pk)
        data = self.body(ResolveInput)
        decided = sale_resolve(actor=self.actor, sale_id=sale.pk, **data)
        return Response(SaleOutput(selectors.sale_get(self.actor, decided.pk)).data)


class SaleReport(ApiView):
    """What a marketplace wrote of a sale."""

    serializer_class = SaleOutput

    @extend_schema(
        tags=["sales"], summary="Report what a marketplace wrote of a sale", request=ReportInput,
        responses={200: SaleOutput}, examples=[REPORT, SALE],
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The sale as it stands then; 409 where that cannot be of it, or its marketplace says that it stands."""
        sale = selectors.sale_get(self.actor, pk)
        data = self.body(ReportInput)
        sale_report(actor=self.actor, sale_id=sale.pk, **data)
        return Response(SaleOutput(selectors.sale_get(self.actor, pk)).data)


class CommandRetry(ApiView):
    """Commands that need a person."""

    serializer_class = CommandOutput

    @extend_schema(tags=["listings"], summary="Try a command again", request=None, responses={200: CommandOutput})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The command, pending again; 409 where it needs nobody."""
        return Response(CommandOutput(command_again(actor=self.actor, command_id=pk)).data)


class CommandGiveUp(ApiView):
    """Commands that need a person, left at that."""

    serializer_class = CommandOutput

    @extend_schema(tags=["listings"], summary="Give a command up", request=None, responses={200: CommandOutput})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The command, sent no more (a publication comes down); 409 for one that needs nobody or is never given up."""
        return Response(CommandOutput(command_give_up(actor=self.actor, command_id=pk)).data)


class TradingStateList(mixins.ListModelMixin, ApiView):
    """Brakes."""

    serializer_class = TradingStateOutput

    def get_queryset(self) -> QuerySet[TradingState]:
        """The caller's."""
        return selectors.trading_states(self.actor) if hasattr(self, "actor") else TradingState.objects.none()

    @extend_schema(tags=["trading states"], summary="List brakes")
    def get(self, request: Request) -> Response:
        """A page of brakes."""
        return self.list(request)

    @extend_schema(
        tags=["trading states"], summary="Set a brake", request=TradingStateInput, responses={200: TradingStateOutput}
    )
    def post(self, request: Request) -> Response:
        """The brake as set; repeating is harmless."""
        data = self.body(TradingStateInput)
        return Response(TradingStateOutput(trading_state_set(actor=self.actor, **data)).data)
