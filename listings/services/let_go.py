"""Seats that leave the ledger: the listings of them that came to nothing let them go, and stay as they were said."""

import uuid
from collections.abc import Sequence

from django.db import transaction

from listings.locks import listings_lock
from listings.models import Listing, ListingSeat
from listings.selectors import came_to_nothing
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict


@transaction.atomic
def listings_let_go(actor: Actor, seat_ids: Sequence[uuid.UUID]) -> None:
    """Take these locked seats out of their listings. Raises Conflict where one was, or may still come, somewhere."""
    rows = ListingSeat.objects.filter(seat_id__in=list(seat_ids))
    locked = listings_lock(rows.values_list("listing_id", flat=True).distinct())
    ids = [listing.pk for listing in locked]
    # Asked under the locks: a sweep may have found one of them there while we waited.
    if Listing.objects.filter(pk__in=ids).exclude(came_to_nothing()).exists():
        raise Conflict(
            "One of these seats was listed.", field="season_ticket", remedy="Look at the season ticket again first."
        )
    owners = dict(Listing.objects.filter(pk__in=ids).values_list("pk", "season_ticket__user_id"))
    for listing in locked:
        seats = rows.filter(listing=listing).order_by("seat__seat_number").values_list("seat__seat_number", flat=True)
        audit_record(
            actor=actor, verb="listing.let_go", object_type="listing", object_id=listing.pk,
            subject=owners[listing.pk], before={"seats": list(seats)}, after={"seats": []},
            reason="its season ticket was corrected or deleted",
        )  # fmt: skip
    rows.delete()
