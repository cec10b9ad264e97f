"""API of what accounts held before they were connected, and of what is made there by hand since."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.models import DELIVERIES, FoundKind, FoundListing, FoundState
from listings.services.found import found_adopt, found_ask_again, found_not_ours, found_take_down, stock_declare
from marketplaces.api import AccountOutput
from marketplaces.selectors import account_get
from seatsync.core.apiview import ApiView
from seatsync.core.fields import ChoiceField
from seatsync.core.filters import ApiFilterSet, ToldChoiceFilter
from seatsync.core.inputs import LONGEST_TEXT, Input


class FoundOutput(serializers.ModelSerializer[FoundListing]):
    """A listing or a past sale that was not made here, as its marketplace tells it; `price` per ticket."""

    platform = serializers.CharField(source="account.platform", read_only=True)

    class Meta:
        model = FoundListing
        fields = (
            "id", "account", "mode", "platform", "kind", "remote_id", "event_name", "venue", "local_date", "section",
            "row", "seat_from", "seat_to", "quantity", "price", "currency", "delivery", "state", "why", "game",
            "listing", "first_seen_at", "last_seen_at",
        )  # fmt: skip


class FoundFilter(ApiFilterSet):
    """By account, kind and state."""

    kind = ToldChoiceFilter(choices=FoundKind.choices)
    state = ToldChoiceFilter(choices=FoundState.choices)

    class Meta:
        model = FoundListing
        fields = ("account", "kind", "state")


class FoundAdoptInput(Input):
    """The seats that it is of, as many as it tells; and what a listing's tickets are, where its platform tells not."""

    seat_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=40)
    delivery = ChoiceField(choices=DELIVERIES, required=False)


class StockInput(Input):
    """What the account lists already: the text of its inventory file, or `nothing`; a longer file goes by the page."""

    file = serializers.CharField(max_length=LONGEST_TEXT, required=False, trim_whitespace=False)
    nothing = serializers.BooleanField(default=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two."""
        if bool(data.get("file")) == data["nothing"]:
            raise serializers.ValidationError({"file": "Give the file, or say that nothing is listed."})
        return data


class FoundList(mixins.ListModelMixin, ApiView):
    """What was found on the caller's accounts."""

    serializer_class = FoundOutput
    filterset_class = FoundFilter

    def get_queryset(self) -> QuerySet[FoundListing]:
        """Visible ones."""
        return selectors.found_list(self.actor) if hasattr(self, "actor") else FoundListing.objects.none()

    @extend_schema(tags=["marketplace accounts"], summary="List what was found on accounts")
    def get(self, request: Request) -> Response:
        """A page of listings and past sales that were not made here."""
        return self.list(request)


class FoundAdopt(ApiView):
    """Whose seats something is of."""

    serializer_class = FoundOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Say which seats it is of", request=FoundAdoptInput,
        responses={200: FoundOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """It, kept in step from now on; 409 where it was decided on meanwhile."""
        known = selectors.found_get(self.actor, pk)
        data = self.body(FoundAdoptInput)
        found = found_adopt(
            actor=self.actor, found_id=known.pk, seat_ids=data["seat_ids"], delivery=data.get("delivery", "")
        )
        return Response(FoundOutput(found).data)


class FoundNotOurs(ApiView):
    """Something that is not the caller's."""

    serializer_class = FoundOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Say that it is not yours", request=None, responses={200: FoundOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """It, left alone from now on."""
        (found,) = found_not_ours(actor=self.actor, found_ids=[pk])
        return Response(FoundOutput(found).data)

    @extend_schema(
        tags=["marketplace accounts"], summary="Take back that it is not yours", request=None,
        responses={200: FoundOutput},
    )  # fmt: skip
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """It, waiting for a word again."""
        return Response(FoundOutput(found_ask_again(actor=self.actor, found_id=pk)).data)


class FoundTakeDown(ApiView):
    """A listing that is to go."""

    serializer_class = FoundOutput

    @extend_schema(
        tags=["marketplace accounts"], summary="Take it down there", request=None, responses={200: FoundOutput}
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """It, on its way down."""
        return Response(FoundOutput(found_take_down(actor=self.actor, found_id=pk)).data)


class AccountStock(ApiView):
    """What an account lists already, where its platform does not show that."""

    serializer_class = StockInput

    @extend_schema(
        tags=["marketplace accounts"], summary="Say what the account lists already", request=StockInput,
        responses={200: AccountOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The account; 409 where its platform shows that by itself."""
        known = account_get(self.actor, pk)
        data = self.body(StockInput)
        text = data.get("file")
        account = stock_declare(actor=self.actor, account_id=known.pk, file=text.encode() if text else None)
        return Response(AccountOutput(account).data)
