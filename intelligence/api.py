"""API of intelligence: predictions."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from intelligence import selectors
from intelligence.models import AiPrediction
from intelligence.services.suggest import price_suggest
from portfolios.models import SeatGroup
from seatsync.core.apiview import ApiView
from seatsync.core.errors import NotFound
from seatsync.core.filters import ApiFilterSet
from seatsync.core.inputs import Input


class PredictionOutput(serializers.ModelSerializer[AiPrediction]):
    """A prediction with its interval, sample size, age of data and model version."""

    model_version = serializers.CharField(source="model_version.version", read_only=True)

    class Meta:
        model = AiPrediction
        fields = (
            "id", "seat_group", "listing", "model_type", "model_version", "predicted_value", "currency", "quantiles",
            "lower", "upper", "coverage", "confidence_score", "sample_size", "level", "data_as_of", "features",
            "reasons", "created_at",
        )  # fmt: skip


class PredictionInput(Input):
    """Ask what a seat group is worth now."""

    seat_group = serializers.UUIDField()


class PredictionFilter(ApiFilterSet):
    """Predictions by group, listing and kind."""

    class Meta:
        model = AiPrediction
        fields = ("seat_group", "listing", "model_type")


class PredictionList(mixins.ListModelMixin, ApiView):
    """Predictions."""

    serializer_class = PredictionOutput
    filterset_class = PredictionFilter

    def get_queryset(self) -> QuerySet[AiPrediction]:
        """Visible ones."""
        return selectors.prediction_list(self.actor) if hasattr(self, "actor") else AiPrediction.objects.none()

    @extend_schema(tags=["predictions"], summary="List predictions")
    def get(self, request: Request) -> Response:
        """A page of predictions."""
        return self.list(request)

    @extend_schema(
        tags=["predictions"], summary="Ask for a price", request=PredictionInput, responses={201: PredictionOutput}
    )
    def post(self, request: Request) -> Response:
        """201 with the prediction; 404 with the reason where nothing is known (I-16)."""
        data = self.body(PredictionInput)
        group = SeatGroup.objects.select_related("game").get_for(self.actor, data["seat_group"])
        found = price_suggest(actor=self.actor, seat_group=group)
        if found is None:
            raise NotFound(
                "Nothing is known of these seats yet: no sale of the game, no history of the section.",
                remedy="Ask again when the game has sales.",
            )
        return Response(PredictionOutput(found).data, status=201)
