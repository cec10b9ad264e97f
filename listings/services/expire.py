"""Taking listings down in time: before the game starts, and when a game is no longer as it was (I-08)."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from listings.states import OFFERED
from portfolios.models import GameStatus
from seatsync.core.clock import now

# Delivery by mobile transfer needs this long before the first pitch.
BEFORE_START = timedelta(hours=1)


def listings_expire() -> int:
    """Take down offers whose game starts within the hour, or is postponed or cancelled; returns how many."""
    too_late = Q(game__starts_at__lte=now() + BEFORE_START)
    moved = Q(game__status__in=[GameStatus.POSTPONED, GameStatus.CANCELLED])
    ids = list(Listing.objects.filter(too_late | moved, status__in=OFFERED).values_list("pk", flat=True)[:500])
    done = 0
    for listing_id in ids:
        with transaction.atomic():
            (listing,) = listings_lock([listing_id])
            if listing.status in OFFERED:
                done += listing_take_down(listing, reason="the game is about to start, or was moved")
    return done
