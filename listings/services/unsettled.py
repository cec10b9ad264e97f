"""Which listings have a sale that is not settled yet: nobody may change their price (I-13)."""

import uuid
from collections.abc import Collection

from django.db.models import Q

from listings.models import CommandKind, ListingSeat, Sale, SaleState
from portfolios.models import OwnerState


def listings_unsettled(listing_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these listings with a seat that is held or sold, or with a sale that waits for somebody.

    Once a sale is settled its seats have left the listing, and the rest is an offer of its own.
    """
    taken = ListingSeat.objects.filter(
        listing_id__in=listing_ids, offered=True, seat__state__in=[OwnerState.HELD, OwnerState.SOLD]
    ).values_list("listing_id", flat=True)
    waiting = Q(state__in=[SaleState.PROVISIONAL, SaleState.NEEDS_PERSON]) | Q(
        commands__kind=CommandKind.CONFIRM_SALE, commands__state__in=["pending", "in_flight", "needs_person"]
    )
    sales = Sale.objects.filter(waiting, listing_id__in=listing_ids).values_list("listing_id", flat=True)
    return {*taken, *sales} - {None}
