"""API of payouts: what was paid, and what its holder says that came."""

import uuid
from decimal import Decimal

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.models import Payout, PayoutLine
from listings.services.charged_by_hand import KINDS, sale_charged
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import payout_receive
from seatsync.core.apiview import ApiView
from seatsync.core.fields import ChoiceField, MoneyField
from seatsync.core.inputs import Input


class ReceivedInput(Input):
    """What came, where that is not what was announced, or was to come; of a charge said by hand, what was charged.

    `confirmed` says that an amount is meant that is many times what was expected.
    """

    amount = MoneyField(required=False, allow_null=True, min_value=Decimal(0))
    confirmed = serializers.BooleanField(default=False)


class SaleReceivedInput(ReceivedInput):
    """What came of a sale; `handed_over` says that its tickets were handed over too, where that is not known yet."""

    amount = MoneyField(required=False, allow_null=True, min_value=Decimal("0.01"))
    handed_over = serializers.BooleanField(default=False)


class ChargedInput(Input):
    """What was charged for a sale, or taken back of what came of it, and why; the amount is positive.

    `confirmed` says that an amount is meant that is many times what the sale brings.
    """

    what = ChoiceField(choices=list(KINDS))
    amount = MoneyField(min_value=Decimal("0.01"))
    reason = serializers.CharField(max_length=200)
    confirmed = serializers.BooleanField(default=False)


class PayoutLineOutput(serializers.ModelSerializer[PayoutLine]):
    """One sale's part of a payout, as the platform reckons it."""

    class Meta:
        model = PayoutLine
        fields = ("sale", "platform_sale_id", "gross", "fee", "penalty", "net", "note")


class PayoutOutput(serializers.ModelSerializer[Payout]):
    """A payout; `net` is the deposit, `unexplained` what its lines leave of it. An announced one may still change.

    One that is returned was paid and came back: it pays for nothing. Where `parts_told` is false its holder said the
    sum alone: gross and fee are what the sale was to bring, and nobody told them.
    """

    state = serializers.ChoiceField(choices=["announced", "paid", "returned"], read_only=True)
    parts_told = serializers.BooleanField(read_only=True)
    lines = PayoutLineOutput(many=True, read_only=True)

    class Meta:
        model = Payout
        fields = (
            "id", "account", "mode", "platform", "reference", "state", "expected_at", "paid_at", "gross", "fee",
            "penalty", "net", "currency", "unexplained", "parts_told", "lines",
        )  # fmt: skip


@extend_schema_view(get=extend_schema(tags=["sales"], summary="List payouts"))
class PayoutList(mixins.ListModelMixin, ApiView):
    """Payouts."""

    serializer_class = PayoutOutput
    queryset = Payout.objects.none()

    def get_queryset(self) -> QuerySet[Payout]:
        """To the caller's own accounts."""
        return selectors.payout_list(self.actor) if hasattr(self, "actor") else Payout.objects.none()

    def get(self, request: Request) -> Response:
        """A page of payouts with their lines."""
        return self.list(request)


class PayoutReceived(ApiView):
    """Payouts of marketplaces that never say that they have paid."""

    serializer_class = PayoutOutput

    @extend_schema(
        tags=["sales"], summary="Say that a payout came", request=ReceivedInput, responses={200: PayoutOutput}
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The payout, paid; 409 where its marketplace tells that itself, or it came already."""
        payout = selectors.payout_get(self.actor, pk)
        payout_receive(actor=self.actor, payout_id=payout.pk, **self.body(ReceivedInput))
        return Response(PayoutOutput(selectors.payout_get(self.actor, pk)).data)


class SaleReceived(ApiView):
    """Sales over assisted accounts, of which nobody reads the payouts."""

    serializer_class = PayoutOutput

    @extend_schema(
        tags=["sales"], summary="Say that a sale's money came", request=SaleReceivedInput, responses={200: PayoutOutput}
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Its payout; 409 where nothing is owed, it came already, its payouts are read, or its tickets are not sent."""
        sale = selectors.sale_get(self.actor, pk)
        payout = sale_paid(actor=self.actor, sale_id=sale.pk, **self.body(SaleReceivedInput))
        return Response(PayoutOutput(selectors.payout_get(self.actor, payout.pk)).data)


class SaleCharged(ApiView):
    """Sales over accounts of which nobody reads the payouts, and what they cost."""

    serializer_class = PayoutOutput

    @extend_schema(
        tags=["sales"], summary="Say what was charged for a sale", request=ChargedInput, responses={201: PayoutOutput}
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Its payout, of less than nothing; 409 where its payouts are read, or just this was said already."""
        sale = selectors.sale_get(self.actor, pk)
        payout = sale_charged(actor=self.actor, sale_id=sale.pk, **self.body(ChargedInput))
        return Response(PayoutOutput(selectors.payout_get(self.actor, payout.pk)).data, status=201)
