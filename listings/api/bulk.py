"""Many listings at once, with what becomes of each."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings.api.mapping import WANTS
from listings.services.bulk import Act, Chosen, Line, listings_bulk
from seatsync.core.apiview import ApiView
from seatsync.core.fields import ChoiceField, MoneyField
from seatsync.core.inputs import Input
from seatsync.core.openapi import example

_ID = "0190a5c4-7c1e-7b7e-9d7e-0d5c9c3a4f31"
BULK = example(
    "Five percent less, looked at first",
    {"act": "by_percent", "amount": "-5.00", "listings": [{"id": _ID, "version": 3}], "dry_run": True}, request=True,
)  # fmt: skip
BULK_TOLD = example(
    "It would be done",
    {
        "dry_run": True, "changed": 1, "refused": 0,
        "results": [{
            "listing": _ID, "version": 3, "price_before": "84.00", "net_before": "75.60", "price": "79.80",
            "net": "71.82", "currency": "USD", "accepted": True, "changes": True, "by_hand": False, "guard": "",
            "reason": "", "remedy": "", "waits_for": "",
        }],
    },
)  # fmt: skip


# They are changed in one transaction, which holds the locks of all of them.
MOST = 50


class ChosenInput(Input):
    """A listing, and the version of it that you saw: of another one no price is changed."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, required=False, allow_null=True, default=None)


class BulkInput(Input):
    """What is to become of them; `confirmed` allows unusual steps."""

    act = ChoiceField(choices=[act.value for act in Act], help_text="Set to, move by percent or amount, or take down.")
    amount = MoneyField(required=False, allow_null=True, default=None, help_text="Not needed to take down.")
    listings = serializers.ListField(child=ChosenInput(), min_length=1, max_length=MOST)
    confirmed = serializers.BooleanField(default=False)
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    dry_run = serializers.BooleanField(default=False, help_text="Say what would become of each, and change nothing.")


class LineOutput(serializers.Serializer[Line]):
    """One of them: what it was and what it is, or would be; amounts per ticket. `guard`: who refused it, else empty."""

    listing = serializers.UUIDField(source="listing.pk")
    version = serializers.IntegerField(source="listing.version", help_text="As it was before.")
    price_before = serializers.DecimalField(source="asked", max_digits=10, decimal_places=2)
    net_before = serializers.DecimalField(source="net", max_digits=10, decimal_places=2, allow_null=True)
    price = serializers.DecimalField(max_digits=10, decimal_places=2, allow_null=True, help_text="Null: none.")
    net = serializers.DecimalField(source="net_then", max_digits=10, decimal_places=2, allow_null=True)
    currency = serializers.CharField(source="listing.currency")
    accepted = serializers.SerializerMethodField()
    changes = serializers.BooleanField()
    by_hand = serializers.BooleanField(help_text="Its holder has to do it there himself: see hand-tasks/.")
    guard = serializers.CharField(source="refusal.guard", default="")
    reason = serializers.CharField(source="refusal.reason", default="")
    remedy = serializers.CharField(source="refusal.remedy", default="")
    waits_for = serializers.ChoiceField(
        choices=["", *WANTS],
        help_text="What is to be confirmed before it goes up, and its new price with it: see mappings/. Else empty.",
    )

    def get_accepted(self, line: Line) -> bool:
        """Whether nothing refused it."""
        return line.refusal is None


class BulkOutput(serializers.Serializer[Any]):
    """All of them, in the order of their games."""

    dry_run = serializers.BooleanField()
    changed = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = LineOutput(many=True)


class ListingBulk(ApiView):
    """Prices and taking down of many."""

    serializer_class = BulkOutput
    keeps_refusals = True

    @extend_schema(
        tags=["listings"], summary="Price many listings anew, or take them down", request=BulkInput,
        responses={200: BulkOutput}, examples=[BULK, BULK_TOLD],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """200 with what became of each: one that is refused keeps no other from it."""
        data = self.body(BulkInput)
        chosen = [Chosen(one["id"], one["version"]) for one in data.pop("listings")]
        act = Act(data.pop("act"))
        with self.vouched():
            lines = listings_bulk(actor=self.actor, chosen=chosen, act=act, **data)
        return Response(BulkOutput({
            "dry_run": data["dry_run"], "results": lines, "changed": sum(line.changes for line in lines),
            "refused": sum(line.refusal is not None for line in lines),
        }).data)  # fmt: skip
