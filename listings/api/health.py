"""API of an account's health: what came, what is sent, the limit's use, the last sweep."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from listings.health import Health, account_health, webhook_secret_for
from listings.models import AccountSweep
from marketplaces.selectors import account_get
from seatsync.core.apiview import ApiView


class InboxFiguresOutput(serializers.Serializer[Any]):
    """Of the last 24 hours: items received, how often one came again, and how long `n` took to be worked off (ms).

    `waiting` and `failed` are all that wait or were given up, however old.
    """

    received = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    n = serializers.IntegerField()
    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()


class LimitOutput(serializers.Serializer[Any]):
    """The account's bucket of tokens, one a request. `used_per_second` and `waits` are of the last minute."""

    per_second = serializers.FloatField(help_text="Requests a second that are allowed.")
    burst = serializers.IntegerField()
    reserved = serializers.IntegerField(help_text="Tokens that only taking down may use.")
    tokens_left = serializers.FloatField(help_text="Below none where what was begun was finished all the same.")
    used_per_second = serializers.FloatField()
    percent = serializers.IntegerField(help_text="Of what is allowed.")
    waits = serializers.IntegerField(help_text="How often something was told to wait.")
    waiting = serializers.IntegerField(help_text="Commands that are due and wait for a token now.")
    held_s = serializers.FloatField(help_text="For so many seconds more the marketplace wants no requests at all.")


class RequestLimitOutput(serializers.Serializer[Any]):
    """One kind of request that has a limit of its own, beside that of all: its bucket, as `limit` is told."""

    request = serializers.CharField(help_text="As staff date it, by its method and path there.")
    per_second = serializers.FloatField()
    burst = serializers.IntegerField()
    tokens_left = serializers.FloatField()
    used_per_second = serializers.FloatField()
    waits = serializers.IntegerField()
    held_s = serializers.FloatField()
    next_s = serializers.FloatField(help_text="In so many seconds one may go.")
    per_day = serializers.IntegerField(allow_null=True, help_text="At most so many in any 24 hours; null: no quota.")
    day_left = serializers.FloatField(allow_null=True, help_text="Of the day's quota, so many may go at once now.")
    shared = serializers.BooleanField(help_text="With SeatSync's own key: all accounts have this limit together.")


class CommandsOutput(serializers.Serializer[Any]):
    """Commands that are not through, all of them; `done` and `superseded` within 24 hours."""

    pending = serializers.IntegerField()
    in_flight = serializers.IntegerField()
    needs_person = serializers.IntegerField()
    done = serializers.IntegerField()
    superseded = serializers.IntegerField()


class DriftOutput(serializers.Serializer[Any]):
    """One kind of difference: how many listings, and the first of them by the marketplace's own ids."""

    kind = serializers.CharField()
    words = serializers.CharField()
    count = serializers.IntegerField()
    ids = serializers.ListField(child=serializers.CharField())


class SweepOutput(serializers.ModelSerializer[AccountSweep]):
    """When the last sweep ran, and how many listings the marketplace showed."""

    class Meta:
        model = AccountSweep
        fields = ("began_at", "finished_at", "shown")


class HealthOutput(serializers.Serializer[Any]):
    """An account's health. `webhook`: registered, missing (we could not), by_support, practice (paper), or none.

    Whatever it is, sales are read every `poll_s` seconds or so as well; 0: nobody reads an assisted account.
    """

    account = serializers.UUIDField(source="account.pk")
    platform = serializers.CharField(source="account.platform")
    mode = serializers.CharField(source="account.mode")
    is_active = serializers.BooleanField(source="account.is_active")
    needs_reconnect = serializers.BooleanField(source="account.needs_reconnect")
    last_sync_at = serializers.DateTimeField(source="account.last_sync_at", allow_null=True)
    last_webhook_at = serializers.DateTimeField(source="account.last_webhook_at", allow_null=True)
    last_error = serializers.CharField(source="account.last_error")
    last_error_at = serializers.DateTimeField(source="account.last_error_at", allow_null=True)
    webhook = serializers.ChoiceField(choices=["registered", "missing", "by_support", "practice", "none"])
    webhook_url = serializers.CharField()
    webhook_secret = serializers.SerializerMethodField(
        help_text="What a delivery has to carry as a bearer or as a Basic password, told to the account's own holder "
        "where its marketplace's support registers the webhook (by_support) and it is not the account's token."
    )
    poll_s = serializers.IntegerField()
    rejected_webhooks = serializers.IntegerField(source="account.rejected_webhooks")
    inbox = InboxFiguresOutput()
    limit = LimitOutput(allow_null=True, help_text="Null while it is not known: nobody counts where Valkey is away.")
    requests = RequestLimitOutput(many=True)
    commands = CommandsOutput()
    sweep = SweepOutput(allow_null=True)
    drift = DriftOutput(many=True)
    meanwhile = DriftOutput(many=True, help_text="What a sweep that is not through has found so far.")

    def get_webhook_secret(self, health: Health) -> str:
        """Empty for whoever need not know it."""
        return webhook_secret_for(self.context["actor"], health)


class AccountHealth(ApiView):
    """How one account stands."""

    serializer_class = HealthOutput

    @extend_schema(tags=["marketplace accounts"], summary="Read an account's health")
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The figures of its page; 404 for a stranger's account."""
        return Response(HealthOutput(account_health(account_get(self.actor, pk)), context={"actor": self.actor}).data)
