"""What models said, and which model versions exist."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from portfolios.models import SeasonTicket
from seatsync.core.models import AppendOnlyModel, BaseModel
from seatsync.core.querysets import OwnedQuerySet, manager_of


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
        db_table = "model_versions"
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


class AiPrediction(AppendOnlyModel):
    """One served prediction with its interval, its inputs and the model version that made it (I-34); never changed."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT)
    listing = models.ForeignKey("listings.Listing", null=True, blank=True, on_delete=models.PROTECT)
    seat_group = models.ForeignKey(
        "portfolios.SeatGroup",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
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
    # Measured coverage of the last 50 or more scored predictions of this segment (for a price: of this level, on the
    # records as known by then); null until there are as many.
    confidence_score = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    sample_size = models.PositiveIntegerField()
    level = models.CharField(max_length=10)
    data_as_of = models.DateTimeField(null=True, blank=True)
    # The question, "input_sha256" over all of it, and "evidence": sales used and left out by reason.
    features = models.JSONField(default=dict)
    reasons = models.JSONField(default=list)

    objects: ClassVar[PredictionQuerySet] = manager_of(PredictionQuerySet)

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


class DataType(models.TextChoices):
    """What a reading of a data source is about."""

    TEAM_STATS = "team_stats", "team statistics"
    PLAYER_STATS = "player_stats", "player statistics"
    WEATHER = "weather", "weather"
    EVENTS = "events", "events nearby"


class MarketData(AppendOnlyModel):
    """One accepted reading of a source. A correction is a new row, so that any past moment can be read again (I-34).

    `observed_at`: when the source told us; `valid_at`: the moment that the reading speaks of (both aware UTC).
    """

    team = models.ForeignKey("portfolios.Team", on_delete=models.PROTECT, related_name="market_data")
    opponent = models.ForeignKey("portfolios.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    game = models.ForeignKey("portfolios.Game", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The venue's local date; null for what concerns a team and no game.
    game_date = models.DateField(null=True, blank=True)
    data_type = models.CharField(max_length=12, choices=DataType.choices)
    source = models.CharField(max_length=30)
    # The source's own name of the reading; a second telling of the same one at the same moment is the same row.
    source_key = models.CharField(max_length=120)
    observed_at = models.DateTimeField()
    valid_at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        db_table = "market_data"
        verbose_name_plural = "market data"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "data_type", "source_key", "observed_at"], name="market_data_once"
            ),
            models.CheckConstraint(condition=Q(data_type__in=DataType.values), name="market_data_type_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["team", "data_type", "-observed_at"], name="market_data_team"),
            models.Index(fields=["game", "data_type", "-observed_at"], name="market_data_game"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.data_type} {self.source_key}"


class SentimentData(AppendOnlyModel):
    """What was written about a team before one game, weighed at one moment (`observed_at`, aware UTC)."""

    team = models.ForeignKey("portfolios.Team", on_delete=models.PROTECT, related_name="sentiment")
    opponent = models.ForeignKey("portfolios.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    game_date = models.DateField(null=True, blank=True)
    # From -1 (all negative) to 1 (all positive).
    sentiment_score = models.DecimalField(max_digits=5, decimal_places=4)
    # How many texts were counted.
    sentiment_volume = models.PositiveIntegerField()
    # How many by source.
    sources = models.JSONField(default=dict)
    observed_at = models.DateTimeField()
    model_version = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        db_table = "sentiment_data"
        verbose_name_plural = "sentiment data"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "game_date", "observed_at"], name="sentiment_once"),
            models.CheckConstraint(
                condition=Q(sentiment_score__gte=-1) & Q(sentiment_score__lte=1), name="sentiment_score_range"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["team", "-observed_at"], name="sentiment_team")]

    def __str__(self) -> str:
        return f"{self.team} {self.sentiment_score}"
