"""API of what a price would bring, before anything is listed."""

import uuid
from decimal import Decimal
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings.services.net_preview import nets_preview
from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import NetBasis, accounts_able
from seatsync.core.apiview import ApiView
from seatsync.core.fields import MoneyField

NET_BASES = [basis.value for basis in NetBasis]


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
    all_in = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True)


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
