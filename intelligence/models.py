"""What models said, and which model versions exist."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from portfolios.models import SeasonTicket
from seatsync.core.models import BaseModel
from seatsync.core.querysets import OwnedQuerySet


class ModelVersion(BaseModel):
    """One trained (or stated) model with what it was judged on."""

    kind = models.CharField(max_length=20)
    engine = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    data_cutoff = models.DateTimeField(null=True, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    artifact = models.CharField(max_length=200, blank=True)
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=10,
        choices=[(s, s) for s in ("candidate", "shadow", "champion", "retired")],
        default="candidate",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(status="champion"),
                name="model_one_champion",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class PredictionQuerySet(OwnedQuerySet["AiPrediction"]):
    """Predictions about visible season tickets' seats."""

    def _for_user(self, user_id: uuid.UUID) -> "PredictionQuerySet":
        tickets = SeasonTicket.objects.all()._for_user(user_id)
        return self.filter(Q(seat_group__season_ticket__in=tickets) | Q(listing__season_ticket__in=tickets))


class AiPrediction(BaseModel):
    """One served prediction with its interval, its inputs and the model version that made it (I-34)."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    listing = models.ForeignKey("listings.Listing", null=True, blank=True, on_delete=models.CASCADE)
    seat_group = models.ForeignKey(
        "portfolios.SeatGroup",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="predictions",
    )
    model_type = models.CharField(max_length=20)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT)
    predicted_value = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    # {"0.025": "61.00", ... "0.975": "140.00"}
    quantiles = models.JSONField(default=dict)
    lower = models.DecimalField(max_digits=10, decimal_places=2)
    upper = models.DecimalField(max_digits=10, decimal_places=2)
    # Stated coverage of [lower, upper] as a fraction.
    coverage = models.DecimalField(max_digits=4, decimal_places=3)
    # Measured coverage of the last 50 or more scored predictions of this segment; null until there are as many.
    confidence_score = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    sample_size = models.PositiveIntegerField()
    level = models.CharField(max_length=10)
    data_as_of = models.DateTimeField(null=True, blank=True)
    features = models.JSONField(default=dict)
    reasons = models.JSONField(default=list)

    objects: ClassVar[PredictionQuerySet] = PredictionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "ai_predictions"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(listing__isnull=False) | Q(seat_group__isnull=False),
                name="prediction_has_object",
            ),
            models.CheckConstraint(condition=Q(lower__lte=models.F("upper")), name="prediction_interval"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["seat_group", "model_type", "-created_at"],
                name="prediction_group",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_type} {self.predicted_value}"
