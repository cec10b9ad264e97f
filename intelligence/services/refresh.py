"""Keeping every coming game's suggestion fresh, so that pages find it and need not wait."""

from collections.abc import Iterable
from datetime import timedelta

from intelligence.models import AiPrediction
from intelligence.services.suggest import MODEL_TYPE, price_suggest
from portfolios.models import OwnerState, SeatGroup
from seatsync.core.actors import Actor
from seatsync.core.clock import now

FRESH = timedelta(hours=1)


def prices_refresh(groups: Iterable[SeatGroup] | None = None, *, only_missing: bool = False) -> int:
    """Suggest a price for every group of a coming game that has a free seat; returns how many were given one.

    `only_missing`: leave out the groups that have one of the last hour; the schedule refreshes those.
    """
    if groups is None:
        coming = SeatGroup.objects.filter(game__starts_at__gt=now(), seats__state=OwnerState.AVAILABLE)
        if only_missing:
            fresh = AiPrediction.objects.filter(model_type=MODEL_TYPE, created_at__gte=now() - FRESH)
            coming = coming.exclude(pk__in=fresh.filter(seat_group__isnull=False).values("seat_group_id"))
        groups = coming.select_related("game").distinct().order_by("game__starts_at").iterator(chunk_size=200)
    return sum(price_suggest(actor=Actor.system(group.tenant_id), seat_group=group) is not None for group in groups)
