"""Staff pages of intelligence."""

from django.contrib import admin

from intelligence.models import AiPrediction, MarketData, ModelVersion, SentimentData
from seatsync.core.staff import ReadOnlyAdmin


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Model versions."""

    list_display = ("kind", "engine", "version", "status", "data_cutoff")
    list_filter = ("kind", "status")


@admin.register(AiPrediction)
class AiPredictionAdmin(ReadOnlyAdmin):
    """What was predicted."""

    list_display = ("created_at", "model_type", "predicted_value", "lower", "upper", "sample_size", "level")
    list_filter = ("model_type", "level")
    search_fields = ("seat_group__id",)


@admin.register(MarketData)
class MarketDataAdmin(ReadOnlyAdmin):
    """Readings of data sources."""

    list_display = ("observed_at", "source", "data_type", "team", "game_date", "source_key")
    list_filter = ("source", "data_type")
    search_fields = ("source_key",)
    list_select_related = ("team",)


@admin.register(SentimentData)
class SentimentDataAdmin(ReadOnlyAdmin):
    """What was written about teams."""

    list_display = ("observed_at", "team", "game_date", "sentiment_score", "sentiment_volume")
    list_select_related = ("team",)
