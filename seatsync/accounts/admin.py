"""Staff pages of accounts."""

from django.contrib import admin

from seatsync.accounts.models import Membership, RefreshFamily, User
from seatsync.core.staff import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People; their passwords are never shown."""

    list_display = ("email", "full_name", "is_staff", "is_active", "email_verified_at", "kyc_status")
    list_filter = ("is_staff", "is_active", "kyc_status", "subscription_tier")
    search_fields = ("email", "full_name")
    exclude = ("password", "groups", "user_permissions")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs where."""

    list_display = ("user", "tenant", "role", "plan")
    list_filter = ("tenant", "role")
    search_fields = ("user__email",)
    list_select_related = ("user", "tenant")


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(ReadOnlyAdmin):
    """API sign-ins."""

    list_display = ("user", "tenant", "created_at", "expires_at", "revoked_at", "revoked_reason")
    search_fields = ("user__email",)
    list_select_related = ("user", "tenant")
