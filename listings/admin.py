"""Staff pages of listings: read, and give a stuck command another try."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from listings.models import (
    AccountSweep,
    DeliveryTerms,
    EndingEffect,
    FoundListing,
    Listing,
    ListingSeat,
    ListingTicket,
    MarketplaceCommand,
    Payout,
    PayoutLine,
    PriceHistory,
    PriceProposal,
    PushHalt,
    Sale,
    SaleProof,
    SaleSeat,
    SeatTicket,
    SweepFinding,
    TradingState,
)  # fmt: skip
from listings.services.ask import sale_ask
from listings.services.give_up import command_give_up
from listings.services.halts import push_halt_lift, push_halt_set
from listings.services.mapping_undo import event_mapping_undo, mapping_given, section_mapping_undo
from listings.services.mend import command_again
from marketplaces.registry import adapter_keys, platform_name
from portfolios.models import EventMapping, SectionMapping
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.clock import now
from seatsync.core.errors import SeatSyncError
from seatsync.core.staff import ReadOnlyAdmin
from seatsync.core.staff_series import SeriesFilter, SeriesPage, series_page
from seatsync.tenants.selectors import tenant_list

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _ModelForm = forms.ModelForm[PushHalt]
else:
    _ModelAdmin, _ModelForm = admin.ModelAdmin, forms.ModelForm


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    """Listings."""

    list_display = ("platform", "mode", "section", "row", "quantity", "price", "live_price", "status", "game_date")
    list_filter = ("platform", "status", "mode")
    search_fields = ("external_id", "listing_id", "account__user__email")


@admin.register(DeliveryTerms)
class DeliveryTermsAdmin(ReadOnlyAdmin):
    """How season tickets are delivered."""

    list_display = ("season_ticket", "delivery", "in_hand_on", "updated_at")
    list_filter = ("delivery",)
    search_fields = ("season_ticket__user__email", "season_ticket__section")


@admin.register(SeatTicket)
class SeatTicketAdmin(ReadOnlyAdmin):
    """Which seats have their tickets here. Staff see that, and no ticket."""

    list_display = ("seat", "kind", "media_type", "entered_at")
    list_filter = ("kind",)
    search_fields = ("seat__season_ticket__user__email", "seat__section")
    fields = ("tenant", "seat", "kind", "media_type", "entered_at")


@admin.register(ListingTicket)
class ListingTicketAdmin(ReadOnlyAdmin):
    """Which seats' tickets went to marketplaces with their listings. Staff see that, and no ticket."""

    list_display = ("listing", "seat", "created_at")
    list_filter = ("listing__platform",)
    search_fields = ("listing__listing_id", "listing__external_id")
    fields = ("tenant", "listing", "seat", "created_at")
    list_select_related = ("listing", "seat")


@admin.register(SaleProof)
class SaleProofAdmin(ReadOnlyAdmin):
    """What was handed over with sales: in which way, not what."""

    list_display = ("sale", "method", "seat", "live", "created_at")
    list_filter = ("method", "live")
    search_fields = ("sale__platform_sale_id",)
    fields = ("tenant", "sale", "command", "seat", "method", "live")


@admin.register(FoundListing)
class FoundListingAdmin(ReadOnlyAdmin):
    """What accounts hold that was not made here."""

    list_display = (
        "last_seen_at", "account", "kind", "state", "section", "row", "quantity", "price", "local_date", "delivery",
        "why",
    )  # fmt: skip
    list_filter = ("state", "kind", "delivery", "account__platform", "mode")
    search_fields = ("remote_id", "remote_key", "event_name", "account__user__email")
    list_select_related = ("account",)


@admin.register(ListingSeat)
class ListingSeatAdmin(ReadOnlyAdmin):
    """Seats on offer."""

    list_display = ("listing", "seat", "offered")
    list_filter = ("offered", "listing__platform")
    search_fields = ("listing__external_id", "listing__listing_id", "seat__section")
    list_select_related = ("listing", "seat")


@admin.register(AccountSweep)
class AccountSweepAdmin(ReadOnlyAdmin):
    """What the last sweep over each account found."""

    list_display = ("account", "holder", "finished_at", "shown", "differences")
    list_filter = ("account__platform", "mode")
    search_fields = ("account__user__email", "account__account_id")
    list_select_related = ("account__user",)

    @admin.display(description="holder")
    def holder(self, sweep: AccountSweep) -> str:
        """Whose account it is."""
        return str(sweep.account.user)

    @admin.display(description="differences")
    def differences(self, sweep: AccountSweep) -> str:
        """How many listings of each kind."""
        return ", ".join(f"{found['count']} {kind.replace('_', ' ')}" for kind, found in sweep.drift.items()) or "none"


@admin.register(SweepFinding)
class SweepFindingAdmin(ReadOnlyAdmin):
    """What sweeps that are not through have found."""

    list_display = ("created_at", "account", "holder", "kind", "remote_id")
    list_filter = ("kind", "account__platform", "account__mode")
    search_fields = ("remote_id", "account__user__email", "account__account_id")
    list_select_related = ("account__user",)

    @admin.display(description="holder")
    def holder(self, found: SweepFinding) -> str:
        """Whose account it is."""
        return str(found.account.user)


@admin.register(MarketplaceCommand)
class MarketplaceCommandAdmin(ReadOnlyAdmin):
    """The outbox."""

    list_display = ("created_at", "account", "mode", "kind", "state", "attempts", "not_before", "last_error")
    list_filter = ("state", "kind", "account__platform", "mode", "by_hand", "created_at", "tenant")
    search_fields = (
        "idempotency_key", "listing__external_id", "listing__listing_id", "account__user__email", "last_error",
    )  # fmt: skip
    list_select_related = ("account",)
    actions = ("try_again", "give_up")

    @admin.action(description="Try again", permissions=["view"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Give the chosen commands that need a person another try."""
        done = _each(self, request, queryset, lambda actor, pk: command_again(actor=actor, command_id=pk))
        self.message_user(request, f"{done} will be tried again")

    @admin.action(description="Give up: send no more, and take a publication down", permissions=["view"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Leave the chosen commands that need a person at that."""
        done = _each(self, request, queryset, lambda actor, pk: command_give_up(actor=actor, command_id=pk))
        self.message_user(request, f"{done} are given up")


def _each(
    page: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[Any], act: Callable[[Actor, uuid.UUID], object]
) -> int:
    """To how many rows it was done; why not is said of each of the others."""
    done = 0
    for row in queryset:
        try:
            act(Actor(ActorKind.STAFF, str(request.user.pk), row.tenant_id, None), row.pk)
        except SeatSyncError as error:
            page.message_user(request, f"{row}: {error.words}", messages.WARNING)
        else:
            done += 1
    return done


@admin.register(Sale)
class SaleAdmin(ReadOnlyAdmin):
    """Sales."""

    list_display = (
        "sold_at", "platform", "platform_sale_id", "state", "quantity", "gross", "fees", "proceeds",
        "notice_to_last_delist_ms",
    )  # fmt: skip
    list_filter = ("state", "platform", "mode", "gross_told")
    search_fields = ("platform_sale_id", "account__user__email")
    actions = ("ask",)

    @admin.action(description="Ask its marketplace what has become of it", permissions=["view"])
    def ask(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Have the chosen sales read anew, as their holders may on their pages."""
        done = _each(self, request, queryset, lambda actor, pk: sale_ask(actor=actor, sale_id=pk))
        self.message_user(request, f"{done} are being asked about")


@admin.register(SaleSeat)
class SaleSeatAdmin(ReadOnlyAdmin):
    """Seats of sales."""

    list_display = ("sale", "seat", "live")
    list_filter = ("live", "sale__platform")
    search_fields = ("sale__platform_sale_id", "seat__section")
    list_select_related = ("sale", "seat")


@admin.register(EndingEffect)
class EndingEffectAdmin(ReadOnlyAdmin):
    """What endings changed for tax lots, resale budget and settlement."""

    list_display = ("at", "sale", "kind", "number", "effect", "ending", "amount", "currency", "tickets")
    list_filter = ("kind", "effect", "ending")
    search_fields = ("sale__platform_sale_id", "sale__account__user__email")
    list_select_related = ("sale",)


@admin.register(PriceProposal)
class PriceProposalAdmin(ReadOnlyAdmin):
    """The pricing door's book."""

    list_display = ("created_at", "listing", "previous_price", "proposed_price", "accepted", "actor_kind", "reason")
    list_filter = ("accepted", "actor_kind", "listing__platform")
    search_fields = (
        "listing__external_id", "listing__listing_id", "listing__account__user__email", "actor_id", "reason",
    )  # fmt: skip
    list_select_related = ("listing",)


class PushHaltForm(_ModelForm):
    """What staff stops: the service checks it once more, and says by field what is wrong."""

    class Meta:
        model = PushHalt
        fields = ("tenant", "platform", "state", "reason", "until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "platform" in self.fields:
            choices = [("", "every marketplace"), *((key, platform_name(key)) for key in adapter_keys())]
            self.fields["platform"] = forms.ChoiceField(required=False, choices=choices)

    def clean_until(self) -> datetime | None:
        """An end that lies ahead."""
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= now():
            raise forms.ValidationError("The end lies in the past. Give a later time, or none.")
        return until


@admin.register(PushHalt)
class PushHaltAdmin(_ModelAdmin):
    """Staff's brakes: set here, lifted by the action; kept for the record."""

    form = PushHaltForm
    list_display = ("platform_label", "tenant_label", "state", "cause", "reason", "until", "created_at", "lifted_at")
    list_filter = ("state", "cause", "platform", "tenant")
    search_fields = ("reason", "tenant__name")
    list_select_related = ("tenant",)
    actions = ("lift",)

    @admin.display(description="platform", ordering="platform")
    def platform_label(self, halt: PushHalt) -> str:
        """The marketplace, or all of them."""
        return platform_name(halt.platform) if halt.platform else "every marketplace"

    @admin.display(description="tenant", ordering="tenant")
    def tenant_label(self, halt: PushHalt) -> str:
        """Whose selling."""
        return str(halt.tenant or "everybody")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A brake is set anew or lifted, never rewritten."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It stays for the record."""
        return False

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Whoever may set one may lift one."""
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: PushHalt, form: Any, change: bool) -> None:
        """Through the service, which tells whom it concerns."""
        set_now = push_halt_set(
            actor=_staff(request), tenant_id=obj.tenant_id, platform=obj.platform, state=obj.state, reason=obj.reason,
            until=obj.until,
        )  # fmt: skip
        obj.pk = set_now.pk

    @admin.action(description="Lift", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[PushHalt]) -> None:
        """Let go of the chosen ones; one that stays says why."""
        for halt in queryset:
            try:
                push_halt_lift(actor=_staff(request), halt_id=halt.pk)
            except SeatSyncError as why:
                self.message_user(request, f"{halt}: {why} {why.remedy}".strip(), messages.ERROR)
            else:
                self.message_user(request, f"{halt}: lifted, what waited is being sent.")


def _staff(request: HttpRequest) -> Actor:
    """The person at the admin, whichever site it was opened on."""
    return Actor(ActorKind.STAFF, str(request.user.pk), None, request.user.pk)


@admin.register(TradingState)
class TradingStateAdmin(ReadOnlyAdmin):
    """Brakes."""

    list_display = ("scope", "scope_id", "state", "reason", "until")
    list_filter = ("scope", "state")
    search_fields = ("reason", "scope_id")


class MappingAdmin(_ModelAdmin):
    """Mappings: given by staff or confirmed in the queue, and undone by the action; what stands is not rewritten."""

    list_per_page = 50
    actions = ("undo",)
    readonly_fields: ClassVar[Any] = ("confirmed_at", "confirmed_by")
    undo_one: Callable[..., int]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All of one that stands: listings are offered under it. One that was undone may be given anew."""
        if obj is None or obj.confirmed_at is None:
            return self.readonly_fields
        return [field.name for field in obj._meta.concrete_fields if field.editable and not field.primary_key]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It stays for the record."""
        return False

    def has_undo_permission(self, request: HttpRequest) -> bool:
        """Whoever may give one may undo one."""
        return self.has_add_permission(request)

    @admin.action(description="Undo, and take down what is offered under it", permissions=["undo"])
    def undo(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Undo the chosen ones; doing so twice has one effect."""
        undone = down = 0
        for mapping in queryset:
            try:
                down += type(self).undo_one(actor=_staff(request), mapping_id=mapping.pk)
            except SeatSyncError as error:
                self.message_user(request, f"{mapping}: {error.words}", messages.WARNING)
            else:
                undone += 1
        self.message_user(request, f"{undone} undone; {down} listings come down. Each is asked for anew.")


@admin.register(EventMapping)
class EventMappingAdmin(MappingAdmin):
    """Which event is which game."""

    undo_one = staticmethod(event_mapping_undo)
    list_display = (
        "platform", "paper", "remote_event_id", "game", "event_date", "told_word", "told_at", "confirmed_at",
        "confirmed_by", "requested_at", "requested_as",
    )  # fmt: skip
    # What its platform tells is nobody's to write.
    readonly_fields = (
        *MappingAdmin.readonly_fields, "event_date", "accepted_date", "told_state", "told_word", "told_at",
        "primary_left", "primary_at", "requested_at", "requested_by", "requested_as",
    )  # fmt: skip
    # What is asked for and not there yet: not confirmed, and asked for.
    list_filter = (
        "platform", "paper", "told_state", ("confirmed_at", admin.EmptyFieldListFilter),
        ("requested_at", admin.EmptyFieldListFilter),
    )  # fmt: skip
    search_fields = ("remote_event_id", "requested_as", "game__home_team__name", "game__opponent__name", "confirmed_by")
    autocomplete_fields = ("game",)
    list_select_related = ("game__home_team", "game__opponent")

    def save_model(self, request: HttpRequest, obj: EventMapping, form: Any, change: bool) -> None:
        """Confirmed by whom it gave, and on the record."""
        mapping_given(actor=_staff(request), mapping=obj)


@admin.register(SectionMapping)
class SectionMappingAdmin(MappingAdmin):
    """What a section is called at a marketplace; staff confirm what could not be matched exactly."""

    undo_one = staticmethod(section_mapping_undo)
    list_display = ("venue", "section", "platform", "paper", "remote_section", "confirmed_at", "confirmed_by")
    list_filter = ("platform", "paper", "venue", ("confirmed_at", admin.EmptyFieldListFilter))
    search_fields = ("section", "remote_section", "venue__name", "confirmed_by")
    list_select_related = ("venue",)

    def save_model(self, request: HttpRequest, obj: SectionMapping, form: Any, change: bool) -> None:
        """Confirmed by whom it gave, and on the record."""
        mapping_given(actor=_staff(request), mapping=obj)


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    """What platforms paid."""

    list_display = ("paid_at", "platform", "reference", "account", "net", "unexplained")
    list_filter = ("platform", "mode")
    search_fields = ("reference", "account__user__email")
    list_select_related = ("account",)


@admin.register(PayoutLine)
class PayoutLineAdmin(ReadOnlyAdmin):
    """Each sale's part of a payout."""

    list_display = ("payout", "platform_sale_id", "gross", "fee", "penalty", "net")
    list_filter = ("payout__platform",)
    search_fields = ("platform_sale_id", "payout__reference", "payout__account__user__email")
    list_select_related = ("payout",)


class PriceHistoryFilter(SeriesFilter):
    """Prices of one tenant's listings, or of one listing."""

    columns: ClassVar = {**SeriesFilter.columns, "tenant": "tenant_id", "listing": "listing_id"}
    field_order = ("tenant", "listing")

    tenant = forms.ModelChoiceField(tenant_list(), required=False, empty_label="All")
    listing = forms.UUIDField(label="Listing's id", required=False)

    def clean_tenant(self) -> uuid.UUID | None:
        """The tenant by its id, as the rows name it."""
        tenant = self.cleaned_data["tenant"]
        return tenant.pk if tenant else None


@series_page
class PriceHistoryPage(SeriesPage):
    """What listings cost over time."""

    model = PriceHistory
    filter_form = PriceHistoryFilter
    list_display = ("time", "listing_id", "mode", "platform", "price", "currency", "views", "favorites")
