"""Which seats a listing has, and which listings offer a seat; by id, for those who lock them."""

import uuid

from listings.models import Listing, ListingSeat
from listings.states import OPEN


def offered_ids(listing: Listing) -> list[uuid.UUID]:
    """The seats that it offers."""
    return list(listing.listing_seats.filter(offered=True).values_list("seat_id", flat=True))


def all_seat_ids(listing: Listing) -> list[uuid.UUID]:
    """The seats that it was made of, offered or not."""
    return list(listing.listing_seats.values_list("seat_id", flat=True))


def open_listing_ids(seat_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """The listings that offer one of these seats, or failed to."""
    offers = ListingSeat.objects.filter(seat_id__in=seat_ids, offered=True, listing__status__in=[*OPEN, "error"])
    return list(offers.values_list("listing_id", flat=True).distinct())
