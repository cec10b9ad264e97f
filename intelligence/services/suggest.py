"""Suggesting a price for a seat group, with its interval, and keeping what was said."""

from datetime import datetime, timedelta

from django.db import transaction

from intelligence.contracts import Comparable, NoAnswer, PriceAnswer, PriceQuestion
from intelligence.models import AiPrediction, ModelVersion
from intelligence.registry import artifact_shipped, predictor_get
from marketplaces.prints import prints_of_game
from portfolios.models import SeatGroup, VenueSection
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import NotFound

ENGINE = "price_broker"
MODEL_TYPE = "price"
# A page that is opened again within this time sees the same prediction, unless new sales came in.
REUSE = timedelta(minutes=10)


def price_suggest(*, actor: Actor, seat_group: SeatGroup) -> AiPrediction | None:
    """What these seats are worth now; None where nothing is known. Raises NotFound for a stranger's group."""
    if not SeatGroup.objects.visible_to(actor).filter(pk=seat_group.pk).exists():
        raise NotFound("No seat group with this id.")
    moment = now()
    question = _question(seat_group, moment)
    (answer,) = predictor_get(ENGINE).predict([question], artifact_shipped(ENGINE))
    if isinstance(answer, NoAnswer):
        return None
    recent = (
        AiPrediction.objects.filter(seat_group=seat_group, model_type=MODEL_TYPE, created_at__gte=moment - REUSE)
        .order_by("-created_at")
        .first()
    )
    if recent is not None and (recent.data_as_of, recent.sample_size) == (answer.data_as_of, answer.n):
        return recent
    return _keep(seat_group, question, answer)


def _question(group: SeatGroup, at: datetime) -> PriceQuestion:
    zone = VenueSection.objects.filter(venue_id=group.game.venue_id, name=group.section).values_list("zone", flat=True)
    prints = prints_of_game(group.game_id, before=at)
    comparables = tuple(Comparable(row.section, row.zone, row.price, row.time) for row in prints)
    return PriceQuestion(group.section, zone.first() or "", at, comparables)


@transaction.atomic
def _keep(group: SeatGroup, question: PriceQuestion, answer: PriceAnswer) -> AiPrediction:
    return AiPrediction.objects.create(
        tenant_id=group.tenant_id,
        seat_group=group,
        model_type=MODEL_TYPE,
        model_version=champion_version(),
        predicted_value=answer.value,
        quantiles={str(p): str(value) for p, value in answer.quantiles.items()},
        lower=answer.lower,
        upper=answer.upper,
        coverage=answer.coverage,
        sample_size=answer.n,
        level=answer.level,
        data_as_of=answer.data_as_of,
        features={"section": question.section, "zone": question.zone, "comparables": len(question.comparables)},
        reasons=list(answer.reasons),
    )


def champion_version() -> ModelVersion:
    """The serving version's row, made when the shipped artifact is first used."""
    predictor = predictor_get(ENGINE)
    artifact = artifact_shipped(ENGINE)
    digest = sha256_hex(artifact)
    row, _ = ModelVersion.objects.get_or_create(
        kind=predictor.kind,
        version=f"{predictor.version}-{digest[:8]}",
        defaults={
            "engine": predictor.engine,
            "artifact": f"{ENGINE}.json",
            "artifact_sha256": digest,
            "status": "candidate"
            if ModelVersion.objects.filter(kind=predictor.kind, status="champion")
            else "champion",
        },
    )
    return row


def _has_champion(kind: str) -> bool:
    return ModelVersion.objects.filter(kind=kind, status="champion").exists()
