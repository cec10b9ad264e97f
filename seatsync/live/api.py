"""API of live: alerts, and tickets for the socket."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from seatsync.core.apiview import ApiView
from seatsync.core.errors import NotFound
from seatsync.core.filters import ApiFilterSet, YesFilter
from seatsync.core.pagination import CursorPagination
from seatsync.live import selectors
from seatsync.live.alerts import alert_acknowledge
from seatsync.live.models import Alert
from seatsync.live.tickets import TICKET_LIFE_S, ticket_issue


class ByRaised(CursorPagination):
    """Newest alert first."""

    ordering = ("-raised_at", "-id")


class AlertOutput(serializers.ModelSerializer[Alert]):
    """An alert."""

    class Meta:
        model = Alert
        fields = (
            "id", "kind", "severity", "mode", "object_type", "object_id", "title", "body", "url", "state", "count",
            "raised_at", "acknowledged_at",
        )  # fmt: skip


class TicketOutput(serializers.Serializer[Any]):
    """A single-use ticket for the socket's first frame."""

    ticket = serializers.CharField()
    expires_in_s = serializers.IntegerField()


class AlertFilter(ApiFilterSet):
    """Alerts by kind and severity, open ones only on wish."""

    open = YesFilter(field_name="acknowledged_at", lookup_expr="isnull")

    class Meta:
        model = Alert
        fields = ("kind", "severity", "object_id")


class AlertList(mixins.ListModelMixin, ApiView):
    """The caller's alerts."""

    serializer_class = AlertOutput
    filterset_class = AlertFilter
    pagination_class = ByRaised

    def get_queryset(self) -> QuerySet[Alert]:
        """One's own."""
        return selectors.alert_list(self.actor) if hasattr(self, "actor") else Alert.objects.none()

    @extend_schema(tags=["alerts"], summary="List alerts")
    def get(self, request: Request) -> Response:
        """A page of alerts."""
        return self.list(request)


class AlertAcknowledge(ApiView):
    """Saying that one has seen it."""

    serializer_class = AlertOutput

    @extend_schema(tags=["alerts"], summary="Acknowledge an alert", request=None, responses={200: AlertOutput})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """The alert; repeating is harmless."""
        return Response(AlertOutput(alert_acknowledge(actor=self.actor, alert_id=pk)).data)


class LiveTicket(ApiView):
    """Tickets."""

    serializer_class = TicketOutput

    @extend_schema(tags=["live"], summary="A ticket for the live socket", request=None, responses={201: TicketOutput})
    def post(self, request: Request) -> Response:
        """201 with a ticket, good for 30 seconds and once."""
        if self.actor.user_id is None:
            raise NotFound("No such user.")
        return Response({"ticket": ticket_issue(self.actor.user_id), "expires_in_s": TICKET_LIFE_S}, status=201)
