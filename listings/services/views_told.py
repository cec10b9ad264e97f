"""How often buyers looked at listings, where their marketplace tells it: kept beside their prices."""

import uuid
from collections.abc import Mapping

from listings.models import Listing, PriceHistory
from listings.selectors import views_of
from listings.services.notify import listing_changed
from seatsync.core.clock import now


def views_note(told: Mapping[uuid.UUID, int]) -> None:
    """Keep what a sweep read of each of these listings; what is as it was told last is no new point."""
    known = views_of(told)
    changed = [key for key, views in told.items() if known.get(key) != views]
    listings = list(Listing.objects.filter(pk__in=changed).select_related("season_ticket"))
    PriceHistory.objects.bulk_create(
        PriceHistory(
            time=now(), tenant_id=listing.tenant_id, listing_id=listing.pk, mode=listing.mode,
            price=listing.price_there, currency=listing.currency, platform=listing.platform, views=told[listing.pk],
        )
        for listing in listings
    )  # fmt: skip
    for listing in listings:
        listing_changed(listing)
