"""Staff pages of marketplaces; tokens, secrets and raw bodies are never shown."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplaces.models import ConnectAttempt, FeeVersion, InboundEvent, InboxState, LimitVersion, MarketplaceAccount
from marketplaces.services.inbox import inbound_process
from seatsync.core.staff import DatedRowAdmin, ReadOnlyAdmin


@admin.register(MarketplaceAccount)
class MarketplaceAccountAdmin(ReadOnlyAdmin):
    """Accounts."""

    list_display = ("platform", "mode", "user", "is_active", "needs_reconnect", "last_sync_at", "last_error")
    list_filter = ("platform", "mode", "is_active", "needs_reconnect")
    search_fields = ("user__email", "account_id")
    list_select_related = ("user",)
    exclude = ("access_token", "refresh_token", "webhook_secret")


@admin.register(ConnectAttempt)
class ConnectAttemptAdmin(ReadOnlyAdmin):
    """Consents under way."""

    list_display = ("created_at", "platform", "mode", "user", "used_at")
    list_select_related = ("user",)
    exclude = ("code_verifier", "state")


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    """What marketplaces told us; a failed item can be processed again."""

    list_display = ("received_at", "account", "topic", "kind", "resource_id", "state", "attempts", "duplicates")
    list_filter = ("state", "kind", "account__platform")
    search_fields = ("resource_id", "external_id", "dedupe_key")
    list_select_related = ("account",)
    exclude = ("body", "headers")
    actions = ("process_again",)

    @admin.action(description="Process again", permissions=["view"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Put the chosen items back and process them; doing so twice has one effect."""
        done = 0
        for event in queryset:
            InboundEvent.objects.filter(pk=event.pk).update(state=InboxState.RECEIVED, not_before=None)
            done += inbound_process(event_id=event.pk)
        self.message_user(request, f"{done} processed")


@admin.register(FeeVersion)
class FeeVersionAdmin(DatedRowAdmin):
    """Fees by date, with their sources."""

    list_display = ("platform", "side", "percent", "valid_from", "source", "checked_on")
    list_filter = ("platform", "side")


@admin.register(LimitVersion)
class LimitVersionAdmin(DatedRowAdmin):
    """Request limits by date, with their sources."""

    list_display = ("platform", "per_second", "burst", "reserved", "valid_from", "source", "checked_on")
    list_filter = ("platform",)
