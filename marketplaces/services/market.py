"""Taking in the market: a platform's view of a game becomes snapshots, our own offers left out (I-17)."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from marketplaces.contracts import Capability, MarketPoint
from marketplaces.models import MarketplaceAccount, MarketSnapshot
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
from portfolios.models import Game, VenueSection
from portfolios.selectors import event_mapping_get
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


def market_poll(*, account: MarketplaceAccount, game: Game, own_listing_ids: Collection[str] = ()) -> int:
    """Read one game's market over one account; returns points stored. Raises MarketplaceError."""
    adapter = adapter_get(account.platform)
    mapping = event_mapping_get(game, account.platform)
    if Capability.MARKET_VIEW not in adapter.traits.capabilities or mapping is None:
        return 0
    points = adapter.market_view(link_for(account), mapping.remote_event_id)
    return snapshots_add(game=game, platform=account.platform, points=points, own_listing_ids=own_listing_ids)


def poll_interval(hours_to_game: float) -> timedelta:
    """How often a game's market is read: often near its start, rarely far out."""
    if hours_to_game <= 48:
        return timedelta(minutes=5)
    return timedelta(minutes=30) if hours_to_game <= 14 * 24 else timedelta(hours=6)
