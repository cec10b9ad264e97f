"""Staff pages of accounts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from seatsync.accounts.models import Leaving, LeavingWhy, Membership, RefreshFamily, User
from seatsync.accounts.services.leaving import holder_leave, holder_stay
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.staff import ReadOnlyAdmin


def _staff(request: HttpRequest) -> Actor:
    return Actor(ActorKind.STAFF, str(request.user.pk), None, request.user.pk)


class LeavesAdmin(ReadOnlyAdmin):
    """Rows of people by which staff say that somebody leaves: who, and which tenant (no field of it: all)."""

    actions = ("leave_erasure", "leave_downgrade", "leave_dunning")
    leaver_field, left_field = "pk", ""

    def has_leave_permission(self, request: HttpRequest) -> bool:
        """Whoever may change people."""
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Drain, to be erased: take everything down", permissions=["leave"])
    def leave_erasure(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Before the chosen people are erased."""
        self._leave(request, queryset, LeavingWhy.ERASURE)

    @admin.action(description="Drain, for a smaller plan: take everything down", permissions=["leave"])
    def leave_downgrade(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Before the chosen people's plan becomes smaller."""
        self._leave(request, queryset, LeavingWhy.DOWNGRADE)

    @admin.action(description="Drain, unpaid: take everything down", permissions=["leave"])
    def leave_dunning(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The chosen people were asked for their money in vain."""
        self._leave(request, queryset, LeavingWhy.DUNNING)

    def _leave(self, request: HttpRequest, queryset: QuerySet[Any], why: LeavingWhy) -> None:
        rows = list(queryset)
        for row in rows:
            tenant_id = getattr(row, self.left_field) if self.left_field else None
            user_id = getattr(row, self.leaver_field)
            holder_leave(actor=_staff(request), user_id=user_id, why=why, tenant_id=tenant_id)
        self.message_user(request, f"{len(rows)} drained: {why.label}. What they sold is handed over and paid.")


@admin.register(User)
class UserAdmin(LeavesAdmin):
    """People; their passwords are never shown. Who leaves here leaves every tenant."""

    list_display = ("email", "full_name", "is_staff", "is_active", "email_verified_at", "kyc_status")
    list_filter = ("is_staff", "is_active", "kyc_status", "subscription_tier")
    search_fields = ("email", "full_name")
    exclude = ("password", "groups", "user_permissions")


@admin.register(Leaving)
class LeavingAdmin(ReadOnlyAdmin):
    """Who leaves, which tenant or all of them, and why; kept for the record."""

    list_display = ("created_at", "user", "leaves", "why", "reason", "ended_at")
    list_filter = ("why", ("ended_at", admin.EmptyFieldListFilter), "tenant")
    search_fields = ("user__email",)
    list_select_related = ("user", "tenant")
    actions = ("take_back",)

    @admin.display(description="tenant", ordering="tenant__name")
    def leaves(self, leaving: Leaving) -> str:
        """The tenant that he leaves."""
        return str(leaving.tenant or "all")

    def has_take_back_permission(self, request: HttpRequest) -> bool:
        """Whoever may change people."""
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Take back: let connect accounts again", permissions=["take_back"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The chosen people stay."""
        leaving = list(queryset)
        for one in leaving:
            holder_stay(actor=_staff(request), leaving_id=one.pk)
        self.message_user(request, f"{len(leaving)} taken back: they may connect accounts anew")


@admin.register(Membership)
class MembershipAdmin(LeavesAdmin):
    """Who belongs where. Who leaves here leaves this tenant alone, and what he has in others stays."""

    list_display = ("user", "tenant", "role", "plan")
    list_filter = ("tenant", "role")
    search_fields = ("user__email",)
    list_select_related = ("user", "tenant")
    leaver_field, left_field = "user_id", "tenant_id"


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(ReadOnlyAdmin):
    """API sign-ins."""

    list_display = ("user", "tenant", "created_at", "expires_at", "revoked_at", "revoked_reason")
    search_fields = ("user__email",)
    list_select_related = ("user", "tenant")
