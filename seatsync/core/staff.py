"""The admin: staff behind a second factor where settings ask for it, and read-mostly model pages."""

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, reverse

from seatsync.core.clock import now
from seatsync.core.staff_series import series_list, series_patterns

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
            self.login_template = "otp/admin111/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, and verified where that is required."""
        allowed: bool = super().has_permission(request)
        if not settings.ADMIN_REQUIRES_OTP:
            return allowed
        verified = getattr(request.user, "is_verified", None)
        return allowed and verified is not None and bool(verified())

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The models' addresses, and before the one that catches the rest, those of the series."""
        return [*series_patterns(self), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The apps with their models, the series among them, by name."""
        found = {app["app_label"]: app for app in super().get_app_list(request, app_label)}
        for config, entry in series_list(self, request, app_label):
            app = found.setdefault(config.label, self._app_entry(config))
            app["models"] = sorted([*app["models"], entry], key=lambda model: str(model["name"]))
        return sorted(found.values(), key=lambda app: str(app["name"]).lower())

    def _app_entry(self, config: AppConfig) -> dict[str, Any]:
        """An app of which this person may see nothing but series."""
        return {
            "name": config.verbose_name,
            "app_label": config.label,
            "app_url": reverse("admin:app_list", kwargs={"app_label": config.label}, current_app=self.name),
            "has_module_perms": True,
            "models": [],
        }


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
    """Dated facts (fees, limits): added by staff, corrected by a newer row, never deleted (I-26)."""

    # Of a row in force only where it comes from may still be mended: what was reckoned with it keeps it.
    mendable = ("source", "checked_on")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What it is, then from when and where it comes from."""
        return sorted(super().get_fields(request, obj), key=("valid_from", *self.mendable).__contains__)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All but where it comes from, once it is in force."""
        if obj is None or obj.valid_from > now().date():
            return ()
        names = (field.name for field in obj._meta.concrete_fields if field.editable and not field.primary_key)
        return tuple(name for name in names if name not in self.mendable)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A dated row stays: a sale may have used it."""
        return False


class ReferenceAdmin(_ModelAdmin):
    """Reference data that staff may mend."""

    list_per_page = 50
