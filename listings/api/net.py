"""API of what a price would bring, before anything is listed."""

import uuid
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings.services.net_preview import nets_preview
from marketplaces.bounds import Bounds
from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import Net, NetBasis, accounts_able
from seatsync.core.apiview import ApiView
from seatsync.core.fields import MoneyField

NET_BASES = [basis.value for basis in NetBasis]


def _money(source: str, **about: Any) -> serializers.DecimalField:
    return serializers.DecimalField(
        source=source, max_digits=10, decimal_places=2, default=None, allow_null=True, **about
    )  # fmt: skip


class QueriedIds(serializers.ListField):
    """Ids in a query, where a name is repeated and its values have no places: what is wrong with one is of the name."""

    child = serializers.UUIDField()

    def run_child_validation(self, data: Any) -> list[uuid.UUID]:
        """The ids; raises ValidationError for the first that is none."""
        return [self.child.run_validation(item) for item in data]


class NetQuery(serializers.Serializer[Any]):
    """The list price per ticket that is thought of, and the seats."""

    price = MoneyField(min_value=Decimal("0.01"))
    seat_ids = QueriedIds(max_length=40, required=False, default=list)


class EventBoundsOutput(serializers.Serializer[Bounds]):
    """What a listing of a game must keep to at a marketplace; null where nothing was told, or is asked for.

    Prices are list prices per ticket. What was told more than a day ago (`stands` false) is asked again before it
    refuses anything.
    """

    min_price = _money("event.min_price")
    max_price = _money("event.max_price")
    currency = serializers.CharField(source="event.currency", default=None, allow_null=True)
    min_quantity = serializers.IntegerField(source="event.min_quantity", default=None, allow_null=True)
    max_quantity = serializers.IntegerField(source="event.max_quantity", default=None, allow_null=True)
    splits = serializers.ListField(
        source="event.splits", child=serializers.CharField(), default=None, allow_null=True,
        help_text="Those that it takes; empty: it told none.",
    )  # fmt: skip
    told_at = serializers.DateTimeField(source="event.told_at", default=None, allow_null=True)
    told_since = serializers.DateField(source="event.valid_from", default=None, allow_null=True)
    told_source = serializers.CharField(source="event.source", default=None, allow_null=True)
    stands = serializers.BooleanField()
    least_price = _money("least.min_price", help_text="What the team or the venue asks for at least.")
    least_price_currency = serializers.CharField(source="least.currency", default=None, allow_null=True)
    least_price_of = serializers.CharField(source="least.whose", default=None, allow_null=True)
    least_price_from = serializers.DateField(source="least.valid_from", default=None, allow_null=True)
    least_price_source = serializers.CharField(source="least.source", default=None, allow_null=True)


class NetOutput(serializers.Serializer[Any]):
    """What a ticket at this price would bring over an account; `net` null where none is told, or it is refused.

    `fee_percent` and `fee_from` are the row of the fee table that it is by, null where it is known otherwise.
    """

    account = serializers.UUIDField(source="account.pk")
    platform = serializers.CharField(source="account.platform")
    mode = serializers.CharField(source="account.mode")
    price = serializers.DecimalField(max_digits=10, decimal_places=2)
    net = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)
    basis = serializers.ChoiceField(choices=NET_BASES)
    said = serializers.CharField(help_text="How it is known, in words; of a price that is refused, why.")
    fee_percent = serializers.DecimalField(max_digits=6, decimal_places=3, allow_null=True)
    fee_from = serializers.DateField(allow_null=True)
    told_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was told, of a listing that was refused for it; null where it was just now."
    )
    all_in = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)
    outside = serializers.CharField(help_text="Why nothing is listed at this price by `bounds`; empty where it may be.")
    bounds = serializers.SerializerMethodField(help_text="What a price must keep to there, of the game of the seats.")

    @extend_schema_field(EventBoundsOutput)
    def get_bounds(self, line: Net) -> Any:
        """Of no game nothing is known."""
        return EventBoundsOutput(line.bounds or Bounds(line.account.platform)).data


@extend_schema_view(
    get=extend_schema(
        tags=["listings"], summary="What a price would bring", responses={200: NetOutput(many=True)},
        parameters=[
            OpenApiParameter("price", OpenApiTypes.DECIMAL, required=True),
            OpenApiParameter(
                "seat_ids", OpenApiTypes.UUID, many=True,
                description="Seats side by side of one game: marketplaces that preview fees are asked about these.",
            ),
        ],
    )
)  # fmt: skip
class ListingNet(ApiView):
    """What reaches the seller, before anything is listed."""

    serializer_class = NetOutput
    pagination_class = None
    queryset = MarketplaceAccount.objects.none()

    def get(self, request: Request) -> Response:
        """A line for each account over which the caller could list now."""
        query = self.query(NetQuery)
        accounts = list(accounts_able(self.actor))
        nets = nets_preview(actor=self.actor, accounts=accounts, **query)
        return Response(NetOutput(nets, many=True).data)
