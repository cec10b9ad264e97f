"""The admin: staff behind a second factor where settings ask for it, and read-mostly model pages."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django_otp.admin import OTPAdminAuthenticationForm

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class StaffSite(admin.AdminSite):
    """The admin site; with ADMIN_REQUIRES_OTP only a verified second factor opens it."""

    site_header = "Staff"
    site_title = "Staff"
    index_title = "Support"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        if settings.ADMIN_REQUIRES_OTP:
            self.login_form = OTPAdminAuthenticationForm
            self.login_template = "otp/admin111/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, and verified where that is required."""
        allowed: bool = super().has_permission(request)
        if not settings.ADMIN_REQUIRES_OTP:
            return allowed
        verified = getattr(request.user, "is_verified", None)
        return allowed and verified is not None and bool(verified())


class ReadOnlyAdmin(_ModelAdmin):
    """Rows that staff look at; changes go through services."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


class DatedRowAdmin(_ModelAdmin):
    """Dated facts (fees, limits): added and corrected by staff, never deleted (I-26)."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A dated row stays: a sale may have used it."""
        return False


class ReferenceAdmin(_ModelAdmin):
    """Reference data that staff may mend."""

    list_per_page = 50
