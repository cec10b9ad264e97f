"""API of pages whose rows mix apps: the inbox."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.selectors.inbox import inbox
from seatsync.core.apiview import ApiView


class ActOutput(serializers.Serializer[Any]):
    """Something to do: POST to `api` where it is not empty; else it is done on the page `page`."""

    verb = serializers.CharField()
    page = serializers.CharField(allow_blank=True)
    api = serializers.CharField(allow_blank=True)


class ItemOutput(serializers.Serializer[Any]):
    """One thing that waits. `kind`: confirm, hand_over, decide, take_down, reconnect, mapping, command, inbound, alert.

    `page` is where it is shown; `due` is null where it has no end.
    """

    kind = serializers.CharField()
    object_type = serializers.CharField()
    object_id = serializers.UUIDField()
    title = serializers.CharField()
    why = serializers.CharField(allow_blank=True)
    since = serializers.DateTimeField()
    due = serializers.DateTimeField(allow_null=True)
    severity = serializers.CharField()
    page = serializers.CharField(allow_blank=True)
    acts = ActOutput(many=True)


class InboxOutput(serializers.Serializer[Any]):
    """All that waits for the caller, the most pressing first; at most 50 of a kind, `count` counts the others too."""

    count = serializers.IntegerField()
    items = ItemOutput(many=True)


class InboxView(ApiView):
    """What waits for the caller."""

    serializer_class = InboxOutput

    @extend_schema(tags=["inbox"], summary="Read what waits for you")
    def get(self, request: Request) -> Response:
        """As the inbox page shows it."""
        return Response(InboxOutput(inbox(self.actor)).data)
