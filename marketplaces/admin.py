"""Staff pages of marketplaces; tokens and secrets are never shown, raw bodies only while their holder's key lives."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplaces.models import (
    AccountFile,
    ConnectAttempt,
    FeeVersion,
    InboundDelivery,
    InboundEvent,
    LimitVersion,
    MarketplaceAccount,
    MarketSnapshot,
    PayoutCalendarVersion,
)  # fmt: skip
from marketplaces.selectors import delivery_body, inbound_body, inbound_headers
from marketplaces.services.understand import inbound_retry
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.errors import Conflict
from seatsync.core.staff import DatedRowAdmin, ReadOnlyAdmin
from seatsync.core.staff_series import SeriesFilter, SeriesPage, series_page


@admin.register(MarketplaceAccount)
class MarketplaceAccountAdmin(ReadOnlyAdmin):
    """Accounts."""

    list_display = ("platform", "mode", "user", "is_active", "needs_reconnect", "last_sync_at", "last_error")
    list_filter = ("platform", "mode", "is_active", "needs_reconnect")
    search_fields = ("user__email", "account_id")
    list_select_related = ("user",)
    exclude = ("access_token", "refresh_token", "webhook_secret")


@admin.register(AccountFile)
class AccountFileAdmin(ReadOnlyAdmin):
    """Files that are whole accounts, as we sent them."""

    list_display = ("account", "holder", "kept_at", "arrived_at")
    list_filter = ("account__platform",)
    list_select_related = ("account__user",)
    exclude = ("content", "arrived")
    readonly_fields = ("content_text", "arrived_text")

    @admin.display(description="holder")
    def holder(self, file: AccountFile) -> str:
        """Whose account it is."""
        return str(file.account.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the files themselves, which only one's own page shows."""
        return super().get_queryset(request).defer("content", "arrived")

    @admin.display(description="as kept last")
    def content_text(self, file: AccountFile) -> str:
        """The file's text."""
        return "" if file.content is None else bytes(file.content).decode(errors="backslashreplace")

    @admin.display(description="as it arrived last")
    def arrived_text(self, file: AccountFile) -> str:
        """The file's text."""
        return "" if file.arrived is None else bytes(file.arrived).decode(errors="backslashreplace")


@admin.register(ConnectAttempt)
class ConnectAttemptAdmin(ReadOnlyAdmin):
    """Consents under way."""

    list_display = ("created_at", "platform", "mode", "user", "used_at")
    list_select_related = ("user",)
    exclude = ("code_verifier", "state")


def _shown(raw: bytes | None) -> str:
    """Bytes as text for a person; what is no UTF-8 is shown by its number, and a destroyed key is said."""
    return "not readable: the holder's key was destroyed" if raw is None else raw.decode(errors="backslashreplace")


@admin.register(InboundDelivery)
class InboundDeliveryAdmin(ReadOnlyAdmin):
    """Deliveries of several items, as they came."""

    list_display = ("received_at", "account")
    list_filter = ("account__platform",)
    list_select_related = ("account",)
    exclude = ("body_encrypted",)
    readonly_fields = ("body_text",)

    @admin.display(description="body")
    def body_text(self, delivery: InboundDelivery) -> str:
        """The delivery's bytes as text."""
        return _shown(delivery_body(delivery))


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    """What marketplaces told us; a failed item can be processed again."""

    list_display = ("received_at", "account", "topic", "kind", "resource_id", "state", "attempts", "duplicates")
    list_filter = ("state", "kind", "account__platform")
    search_fields = ("resource_id", "external_id", "dedupe_key")
    list_select_related = ("account",)
    exclude = ("body_encrypted", "headers_encrypted")
    readonly_fields = ("body_text", "headers_text")
    actions = ("process_again",)

    @admin.display(description="body")
    def body_text(self, event: InboundEvent) -> str:
        """The item's bytes as text."""
        return _shown(inbound_body(event))

    @admin.display(description="headers")
    def headers_text(self, event: InboundEvent) -> str:
        """The headers without secrets, one a line."""
        headers = inbound_headers(event)
        return _shown(None) if headers is None else "\n".join(f"{name}: {headers[name]}" for name in sorted(headers))

    @admin.action(description="Process again", permissions=["view"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue the chosen failed items once more; doing so twice has one effect."""
        queued = 0
        for event in queryset:
            # The item's own tenant, whichever site the admin was opened on.
            actor = Actor(ActorKind.STAFF, str(request.user.pk), event.tenant_id, request.user.pk)
            try:
                inbound_retry(actor=actor, event_id=event.pk)
            except Conflict:
                continue
            queued += 1
        self.message_user(request, f"{queued} queued")


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


@admin.register(PayoutCalendarVersion)
class PayoutCalendarVersionAdmin(DatedRowAdmin):
    """When platforms pay, by date, with their sources."""

    list_display = ("platform", "mode", "words", "valid_from", "source", "checked_on")
    list_filter = ("platform", "mode", "kind")


class MarketSnapshotFilter(SeriesFilter):
    """The market of one game. It is strangers' offers and sales: no tenant owns them."""

    columns: ClassVar = {**SeriesFilter.columns, "game": "game_id"}
    field_order = ("game",)

    game = forms.UUIDField(label="Game's id", required=False)


@series_page
class MarketSnapshotPage(SeriesPage):
    """What was seen at the marketplaces."""

    model = MarketSnapshot
    filter_form = MarketSnapshotFilter
    list_display = (
        "time", "game_id", "platform", "kind", "remote_listing_id", "section", "zone", "row", "quantity", "price",
        "currency", "price_basis", "listing_count",
    )  # fmt: skip
