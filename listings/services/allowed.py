"""Listings that an actor may do something to: seen, allowed, and as he read them; asked the same way at every door."""

import uuid
from collections.abc import Collection

from listings.locks import listings_lock
from listings.models import Listing
from listings.states import WANTED
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, NotAllowed, NotFound, StaleVersion


def listings_for(actor: Actor, listing_ids: Collection[uuid.UUID], *, verb: str) -> list[Listing]:
    """The visible listings with these ids (each once), with their tickets, if the actor may `verb` them.

    Raises NotFound or NotAllowed.
    """
    found = list(Listing.objects.visible_to(actor).filter(pk__in=listing_ids).select_related("season_ticket"))
    if len(found) != len(listing_ids):
        raise NotFound("No listing with this id.")
    for ticket in {listing.season_ticket for listing in found}:
        if not ticket.may(actor, verb):
            raise NotAllowed("You may look at this listing but not change it.")
    return found


def listing_locked_for(actor: Actor, listing_id: uuid.UUID, *, version: int | None, remedy: str) -> Listing:
    """A listing on offer (or refused, so that it may be mended), locked, whose price the actor may set.

    `version`: the one that was read; None: none was. `remedy`: what to do where it is not on offer. Raises NotFound,
    NotAllowed, StaleVersion, or Conflict where it is not.
    """
    (known,) = listings_for(actor, [listing_id], verb="reprice")
    (listing,) = listings_lock([listing_id])
    listing.season_ticket = known.season_ticket
    if version is not None and version != listing.version:
        raise StaleVersion(
            "The listing was changed meanwhile.", field="version", remedy="Look at it and decide again.",
            current_version=listing.version,
        )  # fmt: skip
    if listing.status not in WANTED:
        raise Conflict(f"The listing is {listing.standing}.", remedy=remedy)
    return listing
