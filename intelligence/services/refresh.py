"""Keeping every coming game's suggestion fresh, so that pages find it and need not wait."""

from collections.abc import Iterable

from intelligence.services.suggest import price_suggest
from portfolios.models import OwnerState, SeatGroup
from seatsync.core.actors import Actor
from seatsync.core.clock import now


def prices_refresh(groups: Iterable[SeatGroup] | None = None) -> int:
    """Suggest a price for every group of a coming game that has a free seat; returns how many have one now."""
    if groups is None:
        coming = SeatGroup.objects.filter(game__starts_at__gt=now(), seats__state=OwnerState.AVAILABLE)
        groups = coming.select_related("game").distinct().order_by("game__starts_at").iterator(chunk_size=200)
    return sum(price_suggest(actor=Actor.system(group.tenant_id), seat_group=group) is not None for group in groups)
