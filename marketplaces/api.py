"""API of marketplaces: connected accounts and the market of a game."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketplaces import selectors
from marketplaces.contracts import NoticeKind
from marketplaces.market import market_of_games
from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, traits_of
from marketplaces.services import connect
from marketplaces.services.understand import inbound_replay, inbound_retry, inbound_retry_all
from portfolios.selectors import game_get
from seatsync.core.apiview import ApiView
from seatsync.core.errors import InvalidInput
from seatsync.core.fields import ChoiceField
from seatsync.core.filters import ApiFilterSet, ToldChoiceFilter
from seatsync.core.inputs import Input
from seatsync.core.openapi import example
from seatsync.core.pagination import CursorPagination


class AccountOutput(serializers.ModelSerializer[MarketplaceAccount]):
    """A connected account; its tokens are never shown."""

    contract = serializers.SerializerMethodField(help_text="official, reconstructed or unverified")

    class Meta:
        model = MarketplaceAccount
        fields = (
            "id", "platform", "mode", "contract", "account_id", "is_active", "needs_reconnect", "closing_at",
            "closing_why", "stock_begun_at", "stock_listed_at", "stock_sales_read", "stock_taken_at", "stock_unknown",
            "last_sync_at", "last_webhook_at", "last_error", "last_error_at", "created_at",
        )  # fmt: skip

    def get_contract(self, account: MarketplaceAccount) -> str:
        """How sure we are of the platform's API; not at all of one that is no longer installed."""
        traits = traits_of(account.platform)
        return traits.contract if traits else "unverified"


BY_TOKEN = example("By token", {"platform": "seatgeek", "mode": "paper", "token": "sg-token"}, request=True)
BY_CONSENT = example(
    "By consent",
    {"platform": "stubhub", "mode": "paper", "redirect_uri": "https://seats.example/settings/connections/finish/"},
    request=True,
)


class AccountInput(Input):
    """Connect an account: with a token, or (consent platforms) without one to be told where to go."""

    platform = serializers.CharField(max_length=20)
    mode = ChoiceField(choices=["paper", "live", "assisted"], default="paper")
    token = serializers.CharField(
        max_length=500, required=False, allow_blank=True,
        help_text="Where a platform asks for several parts (Gametime: API key, FTP user, FTP password), a line each.",
    )  # fmt: skip
    redirect_uri = serializers.URLField(required=False)
    same_account = serializers.BooleanField(
        default=False,
        help_text="It is the account that is connected, with a new key: needed where something is open over it and "
        "nothing there shows whose the key is.",
    )


class AccountFinishInput(Input):
    """What the platform's consent page sent back."""

    state = serializers.CharField(max_length=200)
    code = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    redirect_uri = serializers.URLField()
    error = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="What it sent instead of a code, such as access_denied (RFC 6749, 4.1.2.1).",
    )


class ConsentOutput(serializers.Serializer[Any]):
    """Where the holder's browser goes to consent."""

    authorize_url = serializers.URLField()


class MarketQuery(serializers.Serializer[Any]):
    """Which game, and perhaps which part of the house."""

    game = serializers.UUIDField()
    zone = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)


class MarketOutput(serializers.Serializer[Any]):
    """A game's asks as last observed; list prices in USD, `n` offers. With no offer the other figures are null."""

    game_id = serializers.UUIDField()
    get_in = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)
    median = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)
    n = serializers.IntegerField()
    as_of = serializers.DateTimeField(allow_null=True)


class AccountList(mixins.ListModelMixin, ApiView):
    """The caller's accounts."""

    serializer_class = AccountOutput

    def get_queryset(self) -> QuerySet[MarketplaceAccount]:
        """Visible ones."""
        return selectors.account_list(self.actor) if hasattr(self, "actor") else MarketplaceAccount.objects.none()

    @extend_schema(tags=["marketplace accounts"], summary="List accounts")
    def get(self, request: Request) -> Response:
        """A page of accounts."""
        return self.list(request)

    @extend_schema(
        tags=["marketplace accounts"], summary="Connect an account", request=AccountInput,
        responses={201: AccountOutput, 202: ConsentOutput}, examples=[BY_TOKEN, BY_CONSENT],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201 with the account (token), or 202 with the consent page's address."""
        data = self.body(AccountInput)
        wish = data
        if wish["mode"] == Mode.ASSISTED:
            account = connect.connect_assisted(actor=self.actor, platform=wish["platform"])
            return Response(AccountOutput(account).data, status=201)
        # What else is wanted depends on the platform: one that nobody knows wants nothing.
        by_token = adapter_get(wish["platform"]).traits.auth == "token" and not wish.get("redirect_uri")
        if by_token or wish.get("token"):
            account = connect.connect_token(
                actor=self.actor, platform=wish["platform"], mode=wish["mode"], token=wish.get("token", ""),
                same_account=wish["same_account"],
            )  # fmt: skip
            return Response(AccountOutput(account).data, status=201)
        if not wish.get("redirect_uri"):
            raise InvalidInput(
                "The redirect_uri is missing.", field="redirect_uri", remedy="Say where the browser comes back to."
            )
        url = connect.connect_start(
            actor=self.actor, platform=wish["platform"], mode=wish["mode"], redirect_uri=wish["redirect_uri"],
            same_account=wish["same_account"],
        )  # fmt: skip
        return Response({"authorize_url": url}, status=202)


class AccountFinish(ApiView):
    """The second half of a consent."""

    serializer_class = AccountFinishInput
    # A state is spent whatever comes of it.
    keeps_refusals = True

    @extend_schema(
        tags=["marketplace accounts"], summary="Finish a consent", request=AccountFinishInput,
        responses={201: AccountOutput},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201 with the account; 409 for an attempt that has ended."""
        data = self.body(AccountFinishInput)
        account = connect.connect_finish(actor=self.actor, **data)
        return Response(AccountOutput(account).data, status=201)


class AccountDetail(ApiView):
    """One account."""

    serializer_class = AccountOutput
    versioned = True

    @extend_schema(tags=["marketplace accounts"], summary="Read an account")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The account; 404 for a stranger's."""
        return Response(AccountOutput(selectors.account_get(self.actor, pk)).data)

    @extend_schema(
        tags=["marketplace accounts"], summary="Disconnect an account", responses={202: AccountOutput, 204: None}
    )
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """204; or 202 with the account: its listings come down, and it is closed when nothing is unsettled there."""
        known = selectors.account_get(self.actor, pk)
        self.if_match(AccountOutput(known).data)
        account = connect.disconnect(actor=self.actor, account_id=known.pk)
        return Response(AccountOutput(account).data, status=202) if account.is_active else Response(status=204)


class InboundOutput(serializers.ModelSerializer[InboundEvent]):
    """Something that a marketplace told us; its body is not shown."""

    class Meta:
        model = InboundEvent
        fields = (
            "id", "account", "mode", "kind", "topic", "action", "resource_id", "state", "attempts", "replays",
            "duplicates", "received_at", "processed_at", "last_error",
        )  # fmt: skip


class InboundFilter(ApiFilterSet):
    """What was received, by account, kind and state."""

    kind = ToldChoiceFilter(choices=[(kind.value, kind.value) for kind in NoticeKind])

    class Meta:
        model = InboundEvent
        fields = ("account", "kind", "state")


class ByReceived(CursorPagination):
    """What came last first."""

    ordering = ("-received_at", "-id")


class InboundList(mixins.ListModelMixin, ApiView):
    """What the marketplaces told us."""

    serializer_class = InboundOutput
    filterset_class = InboundFilter
    pagination_class = ByReceived

    def get_queryset(self) -> QuerySet[InboundEvent]:
        """Over the caller's accounts."""
        return selectors.inbound_list(self.actor) if hasattr(self, "actor") else InboundEvent.objects.none()

    @extend_schema(tags=["marketplace accounts"], summary="List what marketplaces told us")
    def get(self, request: Request) -> Response:
        """A page of items."""
        return self.list(request)


class InboundReplay(ApiView):
    """Working an item off anew."""

    serializer_class = InboundOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Work a received item off anew, whatever came of it", request=None,
        responses={200: InboundOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The item, queued; 409 while it is being worked off. Nothing happens twice by it."""
        return Response(InboundOutput(inbound_replay(actor=self.actor, event_id=pk)).data)


class RetriedOutput(serializers.Serializer[Any]):
    """How many items were queued once more."""

    queued = serializers.IntegerField()


class InboundRetryAll(ApiView):
    """Everything that was given up over one account."""

    serializer_class = RetriedOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Work off again all that was given up over an account", request=None,
        responses={200: RetriedOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """How many were queued; at most 500 at once."""
        return Response({"queued": inbound_retry_all(actor=self.actor, account_id=pk)})


class InboundRetry(ApiView):
    """What was received and could not be worked off."""

    serializer_class = InboundOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Work a received item off again", request=None,
        responses={200: InboundOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The item, queued again; 409 where it does not wait for a person."""
        return Response(InboundOutput(inbound_retry(actor=self.actor, event_id=pk)).data)


@extend_schema_view(
    get=extend_schema(
        tags=["market"], summary="The market of a game", responses={200: MarketOutput},
        parameters=[
            OpenApiParameter("game", OpenApiTypes.UUID, required=True),
            OpenApiParameter("zone", str, description="one price zone"),
        ],
    )
)  # fmt: skip
class MarketView(ApiView):
    """Get-in and median of a game."""

    serializer_class = MarketOutput

    def get(self, request: Request) -> Response:
        """The figures, or `n` 0 where nothing was observed; 404 for a game that is not the caller's."""
        query = self.query(MarketQuery)
        game = game_get(self.actor, query["game"])
        found = market_of_games([game.pk], zone=query["zone"]).get(game.pk)
        if found is None:
            return Response({"game_id": str(game.pk), "get_in": None, "median": None, "n": 0, "as_of": None})
        return Response(MarketOutput(found).data)
