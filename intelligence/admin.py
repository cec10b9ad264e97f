"""Staff pages of intelligence."""

from django.contrib import admin

from intelligence.models import AiPrediction, ModelVersion
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
