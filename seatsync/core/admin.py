"""Staff pages of the bottom layer."""

from django.contrib import admin

from seatsync.core.models import AuditEntry, AuditLink, IdempotencyRecord, PeriodicRun, SystemFact
from seatsync.core.staff import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit; what was encrypted is not shown in lists."""

    list_display = ("at", "actor_kind", "actor_id", "verb", "object_type", "object_id", "reason")
    list_filter = ("actor_kind", "verb")
    search_fields = ("object_id", "actor_id", "request_id")
    exclude = ("payload_encrypted",)


@admin.register(AuditLink)
class AuditLinkAdmin(ReadOnlyAdmin):
    """Places in the audit's chains."""

    list_display = ("chain", "seq", "entry", "hash")
    list_select_related = ("entry",)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Kept answers."""

    list_display = ("created_at", "caller", "key", "status")
    exclude = ("body",)


@admin.register(PeriodicRun)
class PeriodicRunAdmin(ReadOnlyAdmin):
    """Slots that were taken."""

    list_display = ("task", "due_slot")
    list_filter = ("task",)


@admin.register(SystemFact)
class SystemFactAdmin(ReadOnlyAdmin):
    """Facts of this installation."""

    list_display = ("key", "value", "created_at")
