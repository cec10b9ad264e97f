"""Taking listings down: asked for by people, rules and the sale saga alike; allowed under every brake (I-19)."""

import uuid
from collections.abc import Sequence

from django.db import transaction

from listings.locks import listings_lock
from listings.models import CommandKind, Listing, ListingSeat, ListingStatus, Sale
from listings.services.allowed import listings_for
from listings.services.commands import command_write, commands_supersede, hand_delists_settle
from listings.services.restate import listing_restate
from listings.states import MAY_BE_UP, listing_may_move
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import InvalidInput


@transaction.atomic
def listings_delist(*, actor: Actor, listing_ids: Sequence[uuid.UUID], reason: str = "") -> list[Listing]:
    """Take listings down; those that are down already are left as they are. Raises NotFound or NotAllowed."""
    wanted = list(dict.fromkeys(listing_ids))
    if not wanted:
        raise InvalidInput("No listing was chosen.", field="listings", remedy="Choose at least one.")
    listings_for(actor, wanted, verb="delist")
    locked = listings_lock(wanted)
    for listing in locked:
        if listing.status in MAY_BE_UP:
            before = listing.status
            listing_take_down(listing, reason=reason or "taken down by you")
            audit_record(
                actor=actor, verb="listing.delist", object_type="listing", object_id=listing.pk,
                subject=listing.season_ticket.user_id, before={"status": before}, after={"status": listing.status},
                reason=reason,
            )  # fmt: skip
    return locked


def listing_take_down(listing: Listing, *, reason: str, sale: Sale | None = None) -> bool:
    """Withdraw a locked listing and write its delist command; returns whether a command was needed.

    A listing whose create never left us is simply cancelled. The caller holds the listing's lock.
    """
    never_sent = commands_supersede(listing)
    if never_sent and not listing.listing_id:
        listing_restate(listing, ListingStatus.CANCELLED, reason)
        ListingSeat.objects.filter(listing=listing).update(offered=False)
        return False
    if listing.status != ListingStatus.DELISTING:
        if not listing_may_move(listing.status, ListingStatus.DELISTING):
            return False
        listing_restate(listing, ListingStatus.DELISTING, reason)
    if hand_delists_settle(listing, of_sale=sale is not None) and sale is None:
        # Its holder is asked to already.
        return True
    command_write(
        listing=listing,
        sale=sale,
        kind=CommandKind.DELIST,
        key=f"delist:{listing.external_id}:{listing.version}" + (f":{sale.pk}" if sale else ""),
        payload={"why": reason},
    )
    return True
