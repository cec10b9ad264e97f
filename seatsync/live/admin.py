"""Staff pages of live."""

from django.contrib import admin

from seatsync.core.staff import ReadOnlyAdmin
from seatsync.live.models import Alert, AlertDelivery, LiveEvent


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Alerts."""

    list_display = ("raised_at", "severity", "mode", "kind", "title", "state", "acknowledged_at")
    list_filter = ("severity", "mode", "kind", "state")
    search_fields = ("title", "object_id", "user_id")


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    """Alerts on their way."""

    list_display = ("alert", "channel", "state", "attempts", "sent_at", "last_error")
    list_filter = ("channel", "state")
    list_select_related = ("alert",)


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    """Hints of the last day."""

    list_display = ("at", "user_id", "seq", "type", "object_id")
    list_filter = ("type",)
