"""Keeping every coming game's suggestion fresh, so that pages find it and need not wait."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet

from intelligence.models import AiPrediction
from intelligence.services.suggest import MODEL_TYPE, price_suggest
from portfolios.models import OwnerState, Seat, SeatGroup
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.jobs import enqueue_on_commit
from seatsync.live.events import LiveType
from seatsync.live.publish import publish

FRESH = timedelta(hours=1)
PRICE_GROUPS = "intelligence.tasks.price_groups"


def prices_of_added(group_ids: Sequence[uuid.UUID]) -> None:
    """Have new seat groups priced once they are committed: their holder waits for no schedule."""
    enqueue_on_commit(PRICE_GROUPS, group_ids=[str(group_id) for group_id in group_ids])


def prices_give(group_ids: Sequence[uuid.UUID]) -> int:
    """Suggest a price for these groups and tell who watches their tickets; returns how many were given one."""
    groups = list(_to_price().filter(pk__in=group_ids))
    priced = prices_refresh(groups)
    for ticket_id, tenant_id in {(group.season_ticket_id, group.tenant_id) for group in groups}:
        publish(tenant_id=tenant_id, watching=ticket_id, kind=LiveType.SEASON_CHANGED, object_id=ticket_id)
    return priced


def _to_price() -> QuerySet[SeatGroup]:
    """The groups of coming games that have a free seat, the next game first."""
    free = Seat.objects.filter(group=OuterRef("pk"), state=OwnerState.AVAILABLE)
    coming = SeatGroup.objects.filter(Exists(free), game__starts_at__gt=now())
    return coming.select_related("game").order_by("game__starts_at")


def prices_refresh(groups: Iterable[SeatGroup] | None = None, *, only_missing: bool = False) -> int:
    """Suggest a price for every group of a coming game that has a free seat; returns how many were given one.

    `only_missing`: leave out the groups that have one of the last hour; the schedule refreshes those.
    """
    if groups is None:
        coming = _to_price()
        if only_missing:
            fresh = AiPrediction.objects.filter(model_type=MODEL_TYPE, created_at__gte=now() - FRESH)
            coming = coming.exclude(pk__in=fresh.filter(seat_group__isnull=False).values("seat_group_id"))
        groups = coming.iterator(chunk_size=200)
    return sum(price_suggest(actor=Actor.system(group.tenant_id), seat_group=group) is not None for group in groups)
