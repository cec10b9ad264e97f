"""API of publishing again: what is down by a new listing, what was refused by the same."""

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.api import ListingOutput
from listings.models import SplitType
from listings.services.mend import listing_mend, refused_publication
from listings.services.publish import listing_publish
from seatsync.core.apiview import ApiView
from seatsync.core.fields import ChoiceField, MoneyField
from seatsync.core.inputs import Input


class RepublishInput(Input):
    """Publish a listing again, at its old price and split unless told otherwise; `confirmed` allows an unusual step."""

    price = MoneyField(required=False)
    split_type = ChoiceField(choices=SplitType.choices, required=False)
    confirmed = serializers.BooleanField(default=False)


class ListingPublish(ApiView):
    """Publishing again."""

    serializer_class = ListingOutput
    keeps_refusals = True

    @extend_schema(
        tags=["listings"], summary="Publish again", request=RepublishInput,
        responses={200: ListingOutput, 201: ListingOutput},
    )  # fmt: skip
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """201 with a new listing of the same seats and account (a publication has a key of its own).

        200 with the same one where its publication was refused: it is sent again as it is by now, delivered as its
        season ticket says.
        """
        old = selectors.listing_get(self.actor, pk)
        data = self.body(RepublishInput)
        if refused_publication(old) is not None:
            with self.vouched():
                mended = listing_mend(actor=self.actor, listing_id=old.pk, **data)
            return Response(ListingOutput(mended).data)
        (made,) = listing_publish(
            actor=self.actor, seat_ids=[row.seat_id for row in old.listing_seats.all()], account_ids=[old.account_id],
            price=data.get("price", old.price), floor=old.floor, ceiling=old.ceiling,
            split_type=data.get("split_type", old.split_type), floor_basis=old.floor_basis,
        )  # fmt: skip
        return Response(ListingOutput(made).data, status=201)
