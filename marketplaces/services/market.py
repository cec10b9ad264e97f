"""Taking in the market: a platform's view of a game becomes snapshots, our own offers left out (I-17)."""

from collections.abc import Collection, Iterable
from datetime import datetime

from marketplaces.contracts import MarketPoint
from marketplaces.models import MarketSnapshot
from portfolios.models import Game, VenueSection
from seatsync.core.clock import now
from seatsync.core.ids import uuid7


def snapshots_add(
    *,
    game: Game,
    platform: str,
    points: Iterable[MarketPoint],
    kind: str = "ask",
    at: datetime | None = None,
    own_listing_ids: Collection[str] = (),
) -> int:
    """Store points of one game observed at `at` (default now, UTC) but our own listings; returns how many."""
    moment = at or now()
    zones = dict(VenueSection.objects.filter(venue_id=game.venue_id).values_list("name", "zone"))
    rows = [
        MarketSnapshot(
            time=moment,
            id=uuid7(),
            game_id=game.pk,
            platform=platform,
            kind=kind,
            remote_listing_id=point.remote_listing_id,
            section=point.section,
            zone=zones.get(point.section, ""),
            row=point.row,
            quantity=point.quantity,
            price=point.price,
            currency=point.currency,
            price_basis=point.basis.value,
            listing_count=point.listing_count,
        )
        for point in points
        if point.remote_listing_id not in own_listing_ids
    ]
    MarketSnapshot.objects.bulk_create(rows, batch_size=1000)
    return len(rows)
