"""Staff pages of marketplaces; tokens and secrets are never shown, raw bodies only while their holder's key lives."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest

from marketplaces.models import (
    AccountFile,
    ConnectAttempt,
    EventBounds,
    FeeVersion,
    HandOverVersion,
    InboundDelivery,
    InboundEvent,
    LeastPriceVersion,
    LimitVersion,
    ListUntilVersion,
    MarketplaceAccount,
    MarketSnapshot,
    PayoutCalendarVersion,
    RetryVersion,
    TransferCutOffVersion,
)  # fmt: skip
from marketplaces.registry import traits_of
from marketplaces.selectors import delivery_body, inbound_body, inbound_headers, inbox_figures
from marketplaces.services.connect import disconnect
from marketplaces.services.understand import inbound_replay, inbound_retry, inbound_retry_all
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.errors import Conflict, SeatSyncError
from seatsync.core.staff import DatedRowAdmin, ReadOnlyAdmin
from seatsync.core.staff_series import SeriesFilter, SeriesPage, series_page
from seatsync.core.templatetags.ui import milliseconds

if TYPE_CHECKING:
    _LimitForm = forms.ModelForm[LimitVersion]
else:
    _LimitForm = forms.ModelForm


@admin.register(MarketplaceAccount)
class MarketplaceAccountAdmin(ReadOnlyAdmin):
    """Accounts."""

    list_display = (
        "platform", "mode", "user", "is_active", "closing_why", "needs_reconnect", "last_sync_at", "last_webhook_at",
        "rejected_webhooks", "last_error",
    )  # fmt: skip
    list_filter = ("platform", "mode", "is_active", "closing_why", "needs_reconnect", "tenant")
    search_fields = ("user__email", "account_id")
    list_select_related = ("user",)
    exclude = ("access_token", "refresh_token", "webhook_secret")
    actions = ("drain", "retry_failed")

    @admin.action(description="Drain: take everything down, then forget the keys", permissions=["view"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Give the chosen accounts up; what is sold there is handed over and paid first."""
        done = 0
        for account in queryset:
            actor = Actor(ActorKind.STAFF, str(request.user.pk), account.tenant_id, None)
            try:
                disconnect(actor=actor, account_id=account.pk)
            except SeatSyncError as error:
                self.message_user(request, f"{account}: {error.words}", messages.WARNING)
            else:
                done += 1
        self.message_user(request, f"{done} are being drained")

    @admin.action(description="Process again all that was given up", permissions=["view"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue the chosen accounts' failed items once more."""
        queued = sum(inbound_retry_all(actor=_staff_of(request, row), account_id=row.pk) for row in queryset)
        self.message_user(request, f"{queued} queued")


@admin.register(AccountFile)
class AccountFileAdmin(ReadOnlyAdmin):
    """Files that are whole accounts, as we sent them."""

    list_display = ("account", "holder", "kept_at", "arrived_at")
    list_filter = ("account__platform",)
    search_fields = ("account__user__email", "account__account_id")
    list_select_related = ("account__user",)
    exclude = ("content", "arrived", "tried")
    readonly_fields = ("content_text", "arrived_text")

    @admin.display(description="holder")
    def holder(self, file: AccountFile) -> str:
        """Whose account it is."""
        return str(file.account.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the files themselves, which only one's own page shows."""
        return super().get_queryset(request).defer("content", "arrived", "tried")

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
    list_filter = ("platform", "mode")
    search_fields = ("user__email",)
    list_select_related = ("user",)
    exclude = ("code_verifier", "state")


def _shown(raw: bytes | None) -> str:
    """Bytes as text for a person; what is no UTF-8 is shown by its number, and a destroyed key is said."""
    return "not readable: the holder's key was destroyed" if raw is None else raw.decode(errors="backslashreplace")


@admin.register(InboundDelivery)
class InboundDeliveryAdmin(ReadOnlyAdmin):
    """Deliveries of several items, as they came."""

    list_display = ("received_at", "account", "mode")
    list_filter = ("account__platform", "mode")
    search_fields = ("account__user__email", "account__account_id")
    list_select_related = ("account",)
    exclude = ("body_encrypted",)
    readonly_fields = ("body_text",)

    @admin.display(description="body")
    def body_text(self, delivery: InboundDelivery) -> str:
        """The delivery's bytes as text."""
        return _shown(delivery_body(delivery))


def _staff_of(request: HttpRequest, row: Any) -> Actor:
    """The person at the admin in the row's own tenant, whichever site the admin was opened on."""
    return Actor(ActorKind.STAFF, str(request.user.pk), row.tenant_id, request.user.pk)


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnlyAdmin):
    """What marketplaces told us, with the figures of what is chosen; items can be processed again."""

    list_display = (
        "received_at", "account", "topic", "kind", "resource_id", "state", "attempts", "duplicates", "replays", "took",
        "last_error",
    )  # fmt: skip
    list_filter = ("state", "kind", "account__platform", "mode", "received_at", "tenant")
    search_fields = ("resource_id", "external_id", "dedupe_key", "account__user__email", "account__account_id")
    list_select_related = ("account",)
    exclude = ("body_encrypted", "headers_encrypted")
    readonly_fields = ("body_text", "headers_text")
    actions = ("process_again", "replay")

    @admin.display(description="took")
    def took(self, event: InboundEvent) -> str:
        """From storing it to having worked it off; nothing for what a person had replayed."""
        return "" if event.replays else milliseconds(event.took_ms)

    @admin.display(description="body")
    def body_text(self, event: InboundEvent) -> str:
        """The item's bytes as text."""
        return _shown(inbound_body(event))

    @admin.display(description="headers")
    def headers_text(self, event: InboundEvent) -> str:
        """The headers without secrets, one a line."""
        headers = inbound_headers(event)
        return _shown(None) if headers is None else "\n".join(f"{name}: {headers[name]}" for name in sorted(headers))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with the figures of all that the search and the filters leave."""
        answer = super().changelist_view(request, extra_context)
        context = getattr(answer, "context_data", None)
        if context and "cl" in context:
            chosen = context["cl"].queryset.order_by()
            accounts = MarketplaceAccount.objects.filter(pk__in=chosen.values("account"))
            context["figures"] = inbox_figures(chosen)
            context["last_received"] = chosen.aggregate(at=Max("received_at"))["at"]
            context["refused"] = accounts.aggregate(n=Sum("rejected_webhooks"))["n"] or 0
        return answer

    @admin.action(description="Process again what was given up", permissions=["view"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue the chosen failed items once more; doing so twice has one effect."""
        self._queue(request, queryset, inbound_retry)

    @admin.action(description="Replay, whatever came of it", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Work the chosen items off anew; what they tell of is read at the marketplace again."""
        self._queue(request, queryset, inbound_replay)

    def _queue(self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[..., InboundEvent]) -> None:
        queued = 0
        for event in queryset:
            try:
                act(actor=_staff_of(request, event), event_id=event.pk)
            except Conflict:
                continue
            queued += 1
        self.message_user(request, f"{queued} queued")


@admin.register(FeeVersion)
class FeeVersionAdmin(DatedRowAdmin):
    """Fees by date, with their sources."""

    list_display = ("platform", "side", "percent", "valid_from", "source", "checked_on")
    list_filter = ("platform", "side")
    search_fields = ("platform", "source")


class LimitVersionForm(_LimitForm):
    """A limit of all requests, or of a kind that the platform's adapter sends."""

    def clean(self) -> dict[str, Any]:
        """Refuses a request that no adapter calls so: its limit would bind nobody."""
        found = super().clean() or {}
        traits, request = traits_of(found.get("platform", "")), found.get("request", "")
        if traits is not None and request and request not in traits.requests:
            known = ", ".join(sorted(traits.requests))
            self.add_error("request", f"{traits.name} is sent no such request. Use one of: {known}.")
        if found.get("per_day") is not None and not request:
            self.add_error("per_day", "A day's quota is one of a kind of request. Name the request, or leave it empty.")
        elif found.get("per_day") in {0, 1}:
            self.add_error("per_day", "A day's quota is 2 or more. Leave it empty where there is none.")
        return found


@admin.register(LimitVersion)
class LimitVersionAdmin(DatedRowAdmin):
    """Request limits by date, with their sources."""

    form = LimitVersionForm
    list_display = (
        "platform",
        "request",
        "per_second",
        "burst",
        "per_day",
        "reserved",
        "valid_from",
        "source",
        "checked_on",
    )
    list_filter = ("platform",)
    search_fields = ("platform", "request", "source")


@admin.register(RetryVersion)
class RetryVersionAdmin(DatedRowAdmin):
    """How failed commands are tried again, by date."""

    list_display = (
        "platform", "urgent", "most_tries", "first_wait_s", "longest_wait_s", "longest_asked_s", "longest_refused_s",
        "valid_from", "source", "checked_on",
    )  # fmt: skip
    list_filter = ("platform", "urgent")
    search_fields = ("platform", "source")


@admin.register(PayoutCalendarVersion)
class PayoutCalendarVersionAdmin(DatedRowAdmin):
    """When platforms pay, by date, with their sources."""

    list_display = ("platform", "mode", "words", "valid_from", "source", "checked_on")
    list_filter = ("platform", "mode", "kind")
    search_fields = ("platform", "source")


@admin.register(EventBounds)
class EventBoundsAdmin(ReadOnlyAdmin):
    """What platforms told of the bounds of events, by date."""

    list_display = (
        "platform", "remote_event_id", "game", "min_price", "max_price", "currency", "min_quantity", "max_quantity",
        "splits", "valid_from", "told_at", "source",
    )  # fmt: skip
    list_filter = ("mapping__platform", "mapping__paper")
    search_fields = ("remote_event_id", "mapping__game__home_team__name", "mapping__game__opponent__name")
    list_select_related = ("mapping__game__home_team", "mapping__game__opponent")

    @admin.display(description="platform", ordering="mapping__platform")
    def platform(self, row: EventBounds) -> str:
        """Who told it, and of which market."""
        return f"{row.mapping.platform}{' (paper)' if row.mapping.paper else ''}"

    @admin.display(description="game")
    def game(self, row: EventBounds) -> str:
        """Of which game."""
        return str(row.mapping.game)


@admin.register(LeastPriceVersion)
class LeastPriceVersionAdmin(DatedRowAdmin):
    """The least prices that teams and venues ask for, by date."""

    list_display = ("whose", "min_price", "currency", "valid_from", "source", "checked_on")
    list_filter = ("team", "venue")
    search_fields = ("team__name", "venue__name", "source")
    list_select_related = ("team", "venue")


@admin.register(ListUntilVersion)
class ListUntilVersionAdmin(DatedRowAdmin):
    """Until when before an event tickets may be on sale, by date, with their sources."""

    list_display = (
        "platform", "delivery", "uploaded", "hours", "shipping_days", "basis", "valid_from", "source", "checked_on",
    )  # fmt: skip
    list_filter = ("platform", "delivery", "basis")
    search_fields = ("platform", "source")


@admin.register(TransferCutOffVersion)
class TransferCutOffVersionAdmin(DatedRowAdmin):
    """How long before their games clubs and leagues let tickets be transferred, by date, with their sources."""

    list_display = ("team", "league", "hours", "valid_from", "source", "checked_on")
    list_filter = ("league",)
    search_fields = ("team__name", "league__name", "source")
    list_select_related = ("team", "league")


@admin.register(HandOverVersion)
class HandOverVersionAdmin(DatedRowAdmin):
    """By when sales are to be handed over where a platform does not tell, by date, with their sources."""

    list_display = ("platform", "kind", "words", "valid_from", "source", "checked_on")
    list_filter = ("platform",)
    search_fields = ("platform", "source")

    @admin.display(description="the rule")
    def words(self, row: HandOverVersion) -> str:
        """In words."""
        return row.rule.words


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
