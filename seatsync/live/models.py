"""Live events (hints kept 24 h, no data) and alerts with their deliveries."""

from typing import ClassVar

from django.db import models

from seatsync.core.models import BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


class LiveCounter(models.Model):
    """The last sequence number of one user's event stream."""

    user_id = models.UUIDField(primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "live_counters"

    def __str__(self) -> str:
        return f"{self.user_id} at {self.seq}"


class LiveEvent(BaseModel):
    """One hint that an object changed; the page refetches its fragment."""

    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        db_table = "live_events"
        constraints: ClassVar = [models.UniqueConstraint(fields=["user_id", "seq"], name="live_event_user_seq")]
        indexes: ClassVar = [models.Index(fields=["at"], name="live_event_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.object_id}"


class AlertState(models.TextChoices):
    """Life of an alert (DOMAIN.md 1B row 17)."""

    PENDING = "pending", "pending"
    FIRING = "firing", "firing"
    RECOVERED = "recovered", "recovered"
    NO_DATA = "no_data", "no data"


class Severity(models.TextChoices):
    """How soon a person must look."""

    INFO = "info", "for information"
    ACTION = "action", "needs you"
    CRITICAL = "critical", "critical"


class Alert(BaseModel):
    """Something a person should know; raised only by `alert_raise`, one open row per user and dedupe key."""

    tenant_id = models.UUIDField()
    user_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.INFO)
    # The market that it happened in (paper, live, assisted); "" where it is of none.
    mode = models.CharField(max_length=10, blank=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=160)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=AlertState.choices, default=AlertState.FIRING)
    dedupe_key = models.CharField(max_length=120)
    count = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    recovered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OwnedQuerySet["Alert"]] = manager_of(OwnedQuerySet["Alert"])

    class Meta:
        db_table = "alerts"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user_id", "dedupe_key"],
                condition=models.Q(acknowledged_at__isnull=True) & ~models.Q(state="recovered"),
                name="alert_one_open",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["user_id", "-raised_at"], name="alert_user_raised")]

    def __str__(self) -> str:
        return self.title

    @property
    def paper(self) -> bool:
        """Whether it is of practice: no money and no seat of the real world hangs on it."""
        return self.mode == "paper"


class DeliveryState(models.TextChoices):
    """Where one delivery of an alert stands."""

    PENDING = "pending", "pending"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"
    NO_ADDRESS = "no_address", "no verified address"


class AlertDelivery(BaseModel):
    """One alert on its way over one channel (in-app or mail)."""

    tenant_id = models.UUIDField()
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=[("in_app", "in app"), ("mail", "mail")])
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "alert_deliveries"
        constraints: ClassVar = [models.UniqueConstraint(fields=["alert", "channel"], name="delivery_once")]
        verbose_name_plural = "alert deliveries"

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"
