"""Giving a listing another status: who follows it is told, and what was asked only while it was offered is over."""

from listings.models import Listing
from listings.services.deliverable import deliverable_again
from listings.services.net_floor import net_floor_settle
from listings.services.notify import listing_changed
from listings.services.unlike import unlike_settle
from listings.states import OFFERED


def listing_restate(listing: Listing, status: str, reason: str) -> None:
    """Save a locked listing's new status with its reason; whether it may move there the caller has looked at."""
    listing.status, listing.status_reason = status, reason[:300]
    listing.version += 1
    if status not in OFFERED:
        # Nobody wants its tickets any more, or another price, or asks how it is shown.
        deliverable_again(listing)
        net_floor_settle(listing)
        unlike_settle(listing)
    listing.save(update_fields=["status", "status_reason", "undeliverable_at", "unlike_there", "version", "updated_at"])
    listing_changed(listing)
