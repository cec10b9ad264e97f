"""Listings that their marketplace does not show until their tickets are there."""

from django.db import transaction

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.notify import listing_changed
from marketplaces.contracts import RemoteListing
from marketplaces.registry import platform_name
from portfolios.services.ledger import watchers
from seatsync.core.clock import now
from seatsync.core.links import page_link
from seatsync.live.alerts import alerts_raise, alerts_recover

_KIND = "listing.undeliverable"


@transaction.atomic
def deliverable_note(listing: Listing, found: RemoteListing) -> None:
    """Note whether its marketplace hides a listing for want of its tickets, and tell its people where that is news."""
    if found.undeliverable == (listing.undeliverable_at is not None):
        return
    (locked,) = listings_lock([listing.pk])
    locked.undeliverable_at = now() if found.undeliverable else None
    locked.version += 1
    locked.save(update_fields=["undeliverable_at", "version", "updated_at"])
    listing_changed(locked)
    alert_undeliverable(locked)


def alert_undeliverable(listing: Listing) -> None:
    """It is hidden until its tickets are entered, or (no more hidden) shown again."""
    people, key = watchers(listing.season_ticket_id), f"{_KIND}:{listing.pk}"
    if listing.undeliverable_at is None:
        alerts_recover(user_ids=people, dedupe_keys=[key])
        return
    alerts_raise(
        tenant_id=listing.tenant_id, user_ids=people, kind=_KIND,
        title=f"{platform_name(listing.platform)} hides {listing.section}/{listing.row}: tickets wanted"[:160],
        body="It shows this listing to nobody until its tickets are there. Enter each seat's barcode.",
        severity="action", object_type="listing", object_id=str(listing.pk),
        url=page_link("listings:ticket_enter", listing.season_ticket_id, listing.game_id), dedupe_key=key,
    )  # fmt: skip
