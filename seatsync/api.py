"""The API's addresses under /api/v1/."""

import threading
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import api as analytics
from intelligence import api as intelligence
from listings import api as listings
from listings.api import again, bulk, by_hand, delivery, found, halts, health, mapping, net, payouts
from marketplaces import api as marketplaces
from portfolios import api as portfolios
from seatsync.accounts import api as accounts
from seatsync.core.apiview import ApiView
from seatsync.core.errors import NotFound
from seatsync.core.openapi import ProblemTypeOutput
from seatsync.core.problem_types import ProblemType, problem_types
from seatsync.core.problems import problem_view
from seatsync.core.wire import JsonRenderer
from seatsync.live import api as live


@csrf_exempt
def unknown(request: HttpRequest) -> JsonResponse:
    """404 as a problem for a path that is not there."""
    return problem_view(request, 404, "not_found", "There is no such path. /api/v1/docs/ lists them.")


class _Open(APIView):
    """Open to all. The views write YAML or HTML; a refusal is JSON all the same."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    http_method_names = ["get", "head"]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the JSON renderer write refusals."""
        if getattr(response, "exception", False):
            request.accepted_renderer = JsonRenderer()
            request.accepted_media_type = JsonRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


# The generator loads its extensions at first use, which two threads at once do not survive.
_GENERATING = threading.Lock()


class SchemaView(_Open, SpectacularAPIView):
    """The OpenAPI description."""

    def _get_schema_response(self, request: Request) -> Any:
        made: Any = super()
        with _GENERATING:
            return made._get_schema_response(request)


class DocsView(_Open, SpectacularSwaggerSplitView):
    """The description to click through; its script comes by itself, as our content policy takes none inline."""


class ProblemTypeList(ApiView):
    """The kinds of problems; open to all, since a refused sign-in is one too."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    serializer_class = ProblemTypeOutput
    pagination_class = None
    filter_backends = ()

    @extend_schema(tags=["reference"], auth=[], responses={200: ProblemTypeOutput(many=True)}, summary="Problem types")
    def get(self, request: Request) -> Response:
        """Every kind that the API answers with, by its code."""
        return Response(ProblemTypeOutput(problem_types().values(), many=True).data)


class ProblemTypeDetail(ApiView):
    """One kind of problem."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    serializer_class = ProblemTypeOutput

    @extend_schema(tags=["reference"], auth=[], responses={200: ProblemTypeOutput}, summary="A problem type")
    def get(self, request: Request, code: str) -> Response:
        """What `type` of a problem leads to."""
        found: ProblemType | None = problem_types().get(code)
        if found is None:
            raise NotFound("There is no such kind of problem. /api/v1/problems/ lists them.")
        return Response(ProblemTypeOutput(found).data)


urlpatterns = [
    path("auth/token/", accounts.TokenView.as_view(), name="token"),
    path("auth/token/mfa/", accounts.MfaView.as_view(), name="token_mfa"),
    path("auth/token/refresh/", accounts.RefreshView.as_view(), name="token_refresh"),
    path("me/", accounts.MeView.as_view(), name="me"),
    path("live-tickets/", live.LiveTicket.as_view(), name="live_tickets"),
    path("alerts/", live.AlertList.as_view(), name="alerts"),
    path("alerts/<uuid:pk>/acknowledge/", live.AlertAcknowledge.as_view(), name="alert_acknowledge"),
    path("teams/", portfolios.TeamList.as_view(), name="teams"),
    path("venues/", portfolios.VenueList.as_view(), name="venues"),
    path("games/", portfolios.GameList.as_view(), name="games"),
    path("games/<uuid:pk>/", portfolios.GameDetail.as_view(), name="game"),
    path("season-tickets/", portfolios.SeasonTicketList.as_view(), name="season_tickets"),
    path("season-tickets/<uuid:pk>/", portfolios.SeasonTicketDetail.as_view(), name="season_ticket"),
    path("seats/", portfolios.SeatList.as_view(), name="seats"),
    path("seats/<uuid:pk>/", portfolios.SeatDetail.as_view(), name="seat"),
    path("marketplace-accounts/", marketplaces.AccountList.as_view(), name="accounts"),
    path("marketplace-accounts/finish/", marketplaces.AccountFinish.as_view(), name="account_finish"),
    path("marketplace-accounts/<uuid:pk>/", marketplaces.AccountDetail.as_view(), name="account"),
    path("marketplace-accounts/<uuid:pk>/stock/", found.AccountStock.as_view(), name="account_stock"),
    path("found/", found.FoundList.as_view(), name="found"),
    path("found/<uuid:pk>/adopt/", found.FoundAdopt.as_view(), name="found_adopt"),
    path("found/<uuid:pk>/not-ours/", found.FoundNotOurs.as_view(), name="found_not_ours"),
    path("found/<uuid:pk>/take-down/", found.FoundTakeDown.as_view(), name="found_take_down"),
    path("marketplace-accounts/<uuid:pk>/leave/", by_hand.AccountLeave.as_view(), name="account_leave"),
    path("marketplace-accounts/<uuid:pk>/mails/", by_hand.AccountMails.as_view(), name="account_mails"),
    path("hand-tasks/", by_hand.TaskList.as_view(), name="hand_tasks"),
    path("hand-tasks/<uuid:pk>/done/", by_hand.TaskDone.as_view(), name="hand_done"),
    path("hand-tasks/<uuid:pk>/not-done/", by_hand.TaskNotDone.as_view(), name="hand_not_done"),
    path("listings/<uuid:pk>/sold/", by_hand.ListingSold.as_view(), name="listing_sold"),
    path("listings/<uuid:pk>/sold-whole/", by_hand.ListingSoldWhole.as_view(), name="listing_sold_whole"),
    path("marketplace-accounts/<uuid:pk>/health/", health.AccountHealth.as_view(), name="account_health"),
    path(
        "marketplace-accounts/<uuid:pk>/retry-failed/", marketplaces.InboundRetryAll.as_view(), name="inbound_retry_all"
    ),
    path("inbound-events/", marketplaces.InboundList.as_view(), name="inbound_events"),
    path("inbound-events/<uuid:pk>/replay/", marketplaces.InboundReplay.as_view(), name="inbound_replay"),
    path("inbound-events/<uuid:pk>/retry/", marketplaces.InboundRetry.as_view(), name="inbound_retry"),
    path("market/", marketplaces.MarketView.as_view(), name="market"),
    path("listings/", listings.ListingList.as_view(), name="listings"),
    path("listings/net/", net.ListingNet.as_view(), name="listing_net"),
    path("listings/together/", bulk.ListingBulk.as_view(), name="listing_bulk"),
    path("listings/<uuid:pk>/", listings.ListingDetail.as_view(), name="listing"),
    path("listings/<uuid:pk>/price/", listings.ListingPrice.as_view(), name="listing_price"),
    path("listings/<uuid:pk>/bounds/", listings.ListingBounds.as_view(), name="listing_bounds"),
    path("listings/<uuid:pk>/until/", listings.ListingUntil.as_view(), name="listing_until"),
    path("listings/<uuid:pk>/publish/", again.ListingPublish.as_view(), name="listing_publish"),
    path("listings/<uuid:pk>/delist/", listings.ListingDelist.as_view(), name="listing_delist"),
    path("listings/<uuid:pk>/history/", listings.ListingHistory.as_view(), name="listing_history"),
    path("listings/<uuid:pk>/why/", listings.ListingWhy.as_view(), name="listing_why"),
    path("commands/<uuid:pk>/retry/", listings.CommandRetry.as_view(), name="command_retry"),
    path("commands/<uuid:pk>/give-up/", listings.CommandGiveUp.as_view(), name="command_give_up"),
    path("inbox/", analytics.InboxView.as_view(), name="inbox"),
    path("mapping/", mapping.MappingList.as_view(), name="mapping"),
    path("mapping/requests/", mapping.EventRequestList.as_view(), name="mapping_requests"),
    path("mapping/<uuid:pk>/", mapping.MappingDetail.as_view(), name="mapping_options"),
    path("sales/", listings.SaleList.as_view(), name="sales"),
    path("sales/<uuid:pk>/", listings.SaleDetail.as_view(), name="sale"),
    path("sales/<uuid:pk>/fulfil/", listings.SaleFulfil.as_view(), name="sale_fulfil"),
    path("sales/<uuid:pk>/delivery/", delivery.SaleDelivery.as_view(), name="sale_delivery"),
    path("sales/<uuid:pk>/ask/", delivery.SaleAsk.as_view(), name="sale_ask"),
    path("sales/<uuid:pk>/label/", delivery.SaleLabel.as_view(), name="sale_label"),
    path("season-tickets/<uuid:pk>/delivery/", delivery.DeliveryTermsView.as_view(), name="delivery_terms"),
    path(
        "season-tickets/<uuid:pk>/games/<uuid:game>/tickets/", delivery.SeatTicketsView.as_view(), name="seat_tickets"
    ),
    path("sales/<uuid:pk>/resolve/", listings.SaleResolve.as_view(), name="sale_resolve"),
    path("sales/<uuid:pk>/report/", listings.SaleReport.as_view(), name="sale_report"),
    path("sales/<uuid:pk>/received/", payouts.SaleReceived.as_view(), name="sale_received"),
    path("sales/<uuid:pk>/charged/", payouts.SaleCharged.as_view(), name="sale_charged"),
    path("payouts/", payouts.PayoutList.as_view(), name="payouts"),
    path("payouts/<uuid:pk>/received/", payouts.PayoutReceived.as_view(), name="payout_received"),
    path("trading-states/", listings.TradingStateList.as_view(), name="trading_states"),
    path("push-halts/", halts.PushHaltList.as_view(), name="push_halts"),
    path("push-halts/<uuid:pk>/lift/", halts.PushHaltLift.as_view(), name="push_halt_lift"),
    path("predictions/", intelligence.PredictionList.as_view(), name="predictions"),
    path("problems/", ProblemTypeList.as_view(), name="problem_types"),
    path("problems/<slug:code>/", ProblemTypeDetail.as_view(), name="problem_type"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="api:schema"), name="docs"),
    re_path(r"^.*$", unknown),
]
app_name = "api"
