"""Base models, and the tables of the bottom layer."""

import uuid
from typing import Any, ClassVar

from django.db import models

from seatsync.core.ids import uuid7


class BaseModel(models.Model):
    """UUID primary key (time-ordered) and times of creation and last change (aware UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class AppendOnlyError(Exception):
    """A row of an append-only table was to be changed or deleted."""


class AppendOnlyModel(models.Model):
    """A row that is written once; a database trigger refuses changes too (see core/triggers.py)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save raises AppendOnlyError."""
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.label} rows are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Always raises AppendOnlyError."""
        raise AppendOnlyError(f"{self._meta.label} rows are never deleted")


class SubjectKey(models.Model):
    """The data key of one subject (a user, an account); erasure destroys it, and with it what it encrypted."""

    subject = models.UUIDField(primary_key=True)
    key_encrypted = models.TextField()
    destroyed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "subject_keys"

    def __str__(self) -> str:
        return f"key of {self.subject}"


class AuditEntry(AppendOnlyModel):
    """Who did what to which object (I-35): before/after encrypted under the subject's key, chained by its link."""

    chain = models.CharField(max_length=40)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    tenant = models.UUIDField(null=True)
    subject = models.UUIDField()
    verb = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    reason = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    payload_encrypted = models.BinaryField()

    class Meta:
        db_table = "audit"
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
            models.Index(fields=["chain"], name="audit_chain"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"


class AuditLink(models.Model):
    """An entry's place in its chain, written by the database itself when the entry's transaction commits."""

    entry = models.OneToOneField(AuditEntry, primary_key=True, on_delete=models.PROTECT, related_name="link")
    chain = models.CharField(max_length=40)
    seq = models.PositiveBigIntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_links"
        constraints: ClassVar = [models.UniqueConstraint(fields=["chain", "seq"], name="audit_chain_seq")]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


class IdempotencyRecord(models.Model):
    """An API write that carried Idempotency-Key: kept 24 h, written in the effect's own transaction (I-24)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    caller = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "idempotency_records"
        constraints: ClassVar = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_caller_key")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_created")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class PeriodicRun(models.Model):
    """One due slot of one periodic task; the unique row makes a second beat harmless."""

    id = models.BigAutoField(primary_key=True)
    task = models.CharField(max_length=200)
    due_slot = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "periodic_runs"
        constraints: ClassVar = [models.UniqueConstraint(fields=["task", "due_slot"], name="periodic_task_slot")]

    def __str__(self) -> str:
        return f"{self.task} {self.due_slot:%Y-%m-%d %H:%M:%S}"


class SystemFact(models.Model):
    """A fact fixed once for this installation: the series engine, the demo's shift in weeks."""

    key = models.CharField(primary_key=True, max_length=80)
    value = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "system_facts"

    def __str__(self) -> str:
        return self.key


def nil_uuid() -> uuid.UUID:
    """The subject of audit entries that concern no person."""
    return uuid.UUID(int=0)
