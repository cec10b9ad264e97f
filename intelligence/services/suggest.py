"""Suggesting a price for a seat group, with its interval, and keeping what was said."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from intelligence.contracts import Comparable, Evidence, NoAnswer, PriceAnswer, PriceQuestion
from intelligence.market_model import PLATFORM as DRAWN
from intelligence.models import AiPrediction, ModelVersion
from intelligence.registry import artifact_digest, artifact_shipped, predictor_get
from marketplaces.models import MarketSnapshot
from marketplaces.prints import prints_of_game
from portfolios.models import Game, SeatGroup, VenueSection
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.crypto import sha256_hex
from seatsync.core.errors import NotFound

ENGINE = "price_broker"
MODEL_TYPE = "price"
# A page that is opened again within this time sees the same prediction, unless new sales came in.
REUSE = timedelta(minutes=10)
# How many sales of each kind a prediction keeps to show, newest first; all are counted.
SHOWN = 12


def price_suggest(*, actor: Actor, seat_group: SeatGroup) -> AiPrediction | None:
    """What these seats are worth now; None where nothing is known. Raises NotFound for a stranger's group.

    Raises ArtifactRefused where the shipped artifact is not whole: then nothing is shown as a figure.
    """
    if not SeatGroup.objects.visible_to(actor).filter(pk=seat_group.pk).exists():
        raise NotFound("No seat group with this id.")
    moment = now()
    question = _question(seat_group, moment)
    (answer,) = predictor_get(ENGINE).predict([question], artifact_shipped(ENGINE))
    if isinstance(answer, NoAnswer):
        return None
    version = champion_version()
    recent = (
        AiPrediction.objects.filter(seat_group=seat_group, model_type=MODEL_TYPE, created_at__gte=moment - REUSE)
        .order_by("-created_at", "-pk")
        .first()
    )
    if recent is not None and _same(recent, answer, version):
        return recent
    return _keep(seat_group, question, answer, version)


def _same(recent: AiPrediction, answer: PriceAnswer, version: ModelVersion) -> bool:
    said = (recent.model_version_id, recent.predicted_value, recent.data_as_of, recent.sample_size)
    return said == (version.pk, answer.value, answer.data_as_of, answer.n)


def _question(group: SeatGroup, at: datetime) -> PriceQuestion:
    venue = group.game.venue
    zone = VenueSection.objects.filter(venue=venue, name=group.section).values_list("zone", flat=True)
    prints = prints_of_game(group.game_id, before=at)
    comparables = tuple(Comparable(row.section, row.zone, row.price, row.time) for row in prints)
    known_by = _known_by(group.game, prints, at)
    return PriceQuestion(group.section, zone.first() or "", at, comparables, venue.name, known_by)


def _known_by(game: Game, prints: Sequence[MarketSnapshot], at: datetime) -> datetime:
    """Up to when records may speak of a game: a replayed one is asked about as of the moment when it was played.

    A market that the model draws is drawn today, from all records, and no record is of its games.
    """
    drawn = bool(prints) and all(row.platform == DRAWN for row in prints)
    return at if drawn else at - timedelta(weeks=game.shifted_weeks)


def _keep(group: SeatGroup, question: PriceQuestion, answer: PriceAnswer, version: ModelVersion) -> AiPrediction:
    return AiPrediction.objects.create(
        tenant_id=group.tenant_id,
        seat_group=group,
        model_type=MODEL_TYPE,
        model_version=version,
        predicted_value=answer.value,
        quantiles={str(p): str(value) for p, value in answer.quantiles.items()},
        lower=answer.lower,
        upper=answer.upper,
        coverage=answer.coverage,
        confidence_score=answer.measured,
        sample_size=answer.n,
        level=answer.level,
        data_as_of=answer.data_as_of,
        features={
            "section": question.section,
            "zone": question.zone,
            "venue": question.venue,
            "asked_at": question.at.isoformat(),
            "comparables": len(question.comparables),
            "known_by": question.known_by.isoformat() if question.known_by else None,
            "input_sha256": input_digest(question),
            "evidence": _evidence(answer.evidence),
        },
        reasons=list(answer.reasons),
    )


def input_digest(question: PriceQuestion) -> str:
    """Hex SHA-256 over all that was known, in order: the same inputs, asked at another moment, have the same one."""
    sales = (f"{c.section}|{c.zone}|{c.price}|{c.sold_at.isoformat()}" for c in question.comparables)
    return sha256_hex(question.venue, question.section, question.zone, *sales)


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """Compact: {"used": {"n", "newest"}, "dropped": {reason: {"n", "newest"}}}; a sale is [section, price, moment]."""
    return {
        "used": _newest(evidence.used),
        "dropped": {reason: _newest(sales) for reason, sales in evidence.dropped},
    }


def _newest(sales: Sequence[Comparable]) -> dict[str, Any]:
    newest = sorted(sales, key=lambda sale: sale.sold_at, reverse=True)[:SHOWN]
    return {"n": len(sales), "newest": [[sale.section, str(sale.price), sale.sold_at.isoformat()] for sale in newest]}


@transaction.atomic
def champion_version() -> ModelVersion:
    """The serving version's row, made when the shipped artifact is first used; the version before it is retired."""
    predictor = predictor_get(ENGINE)
    artifact = artifact_shipped(ENGINE)
    digest = artifact_digest(artifact)
    key: dict[str, Any] = {"kind": predictor.kind, "version": f"{predictor.version}-{digest[:8]}"}
    row = ModelVersion.objects.filter(**key).first()
    if row is not None and row.status == "champion":
        return row
    ModelVersion.objects.filter(kind=predictor.kind, status="champion").update(status="retired", updated_at=now())
    serving = {
        "engine": predictor.engine,
        "artifact": f"{ENGINE}.json",
        "artifact_sha256": digest,
        "data_cutoff": datetime.fromisoformat(json.loads(artifact)["last"]),
        "status": "champion",
    }
    return ModelVersion.objects.update_or_create(**key, defaults=serving)[0]
