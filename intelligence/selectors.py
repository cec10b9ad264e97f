"""Reading predictions."""

import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from intelligence.models import AiPrediction
from seatsync.core.actors import Actor


def prediction_list(actor: Actor) -> QuerySet[AiPrediction]:
    """The visible predictions, newest first."""
    return AiPrediction.objects.visible_to(actor).select_related("model_version").order_by("-created_at", "-pk")


def latest_predictions(actor: Actor, group_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AiPrediction]:
    """Each group's newest price prediction, in one query; groups without one are absent."""
    rows = (
        AiPrediction.objects.visible_to(actor)
        .filter(seat_group_id__in=list(group_ids), model_type="price")
        .select_related("model_version")
        .order_by("seat_group_id", "-created_at")
        .distinct("seat_group_id")
    )
    return {row.seat_group_id: row for row in rows if row.seat_group_id}
