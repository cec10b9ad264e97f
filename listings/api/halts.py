"""API of staff's brakes: set and lifted by staff, told to whom they stand on."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings import selectors
from listings.models import PushHalt, PushHaltQuerySet, TradingStateKind
from listings.services.halts import push_halt_lift, push_halt_set
from marketplaces.filters import PlatformFilter
from seatsync.core.apiview import ApiView
from seatsync.core.errors import NotFound
from seatsync.core.fields import ChoiceField, MomentField
from seatsync.core.filters import ApiFilterSet, YesFilter
from seatsync.core.inputs import Input
from seatsync.core.openapi import example

HALT = example("Everybody at StubHub", {"platform": "stubhub", "reason": "its prices are wrong"}, request=True)
STATES = [kind.value for kind in TradingStateKind if kind is not TradingStateKind.ACTIVE]


class PushHaltOutput(serializers.ModelSerializer[PushHalt]):
    """A brake of staff's. `tenant` null: on everybody; `platform` empty: at every marketplace.

    `cause`: set by the platform's staff, by the tenant's own support, or by the suspension of the tenant, with which
    alone it goes.
    """

    class Meta:
        model = PushHalt
        fields = ("id", "tenant", "platform", "state", "cause", "reason", "until", "created_at", "lifted_at")


class PushHaltInput(Input):
    """What is stopped: everybody's selling, or one tenant's; at every marketplace, or at one."""

    tenant = serializers.UUIDField(required=False, allow_null=True, default=None, source="tenant_id")
    platform = serializers.CharField(max_length=20, required=False, default="", allow_blank=True)
    state = ChoiceField(choices=STATES, default=TradingStateKind.HALTED.value)
    reason = serializers.CharField(max_length=200, help_text="Holders read it.")
    until = MomentField(required=False, allow_null=True, default=None)


class PushHaltFilter(ApiFilterSet):
    """Brakes by marketplace, by tenant, and whether they hold."""

    platform = PlatformFilter()
    in_force = YesFilter(method="by_force")

    class Meta:
        model = PushHalt
        fields = ("tenant",)

    def by_force(self, rows: PushHaltQuerySet, _name: str, wanted: bool) -> QuerySet[PushHalt]:
        """Those that hold, or those that hold no more."""
        holding = PushHalt.objects.in_force().values("pk")
        return rows.filter(pk__in=holding) if wanted else rows.exclude(pk__in=holding)


class PushHaltList(mixins.ListModelMixin, ApiView):
    """Staff's brakes."""

    serializer_class = PushHaltOutput
    filterset_class = PushHaltFilter
    field_names = {"tenant_id": "tenant"}

    def get_queryset(self) -> QuerySet[Any]:
        """Those that the caller may know of."""
        return selectors.push_halts_seen(self.actor) if hasattr(self, "actor") else PushHalt.objects.none()

    @extend_schema(tags=["trading states"], summary="List staff's brakes")
    def get(self, request: Request) -> Response:
        """Those in force on the caller; staff sees the others too."""
        return self.list(request)

    @extend_schema(
        tags=["trading states"], summary="Stop selling (staff)", request=PushHaltInput,
        responses={201: PushHaltOutput}, examples=[HALT],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """201 with the brake, which stands at once; the same place once more changes it. 403 for who is no staff."""
        data = self.body(PushHaltInput)
        return Response(PushHaltOutput(push_halt_set(actor=self.actor, **data)).data, status=201)


class PushHaltLift(ApiView):
    """Letting go."""

    serializer_class = PushHaltOutput

    @extend_schema(
        tags=["trading states"],
        summary="Lift a brake of staff's (staff)",
        request=None,
        responses={200: PushHaltOutput},
    )
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The brake, lifted: what waited is sent. Lifting it once more changes nothing. 409 for one of a suspension."""
        if not PushHalt.objects.filter(pk=pk).exists():
            raise NotFound("No brake with this id.")
        return Response(PushHaltOutput(push_halt_lift(actor=self.actor, halt_id=pk)).data)
