"""Which listings have a sale that is not settled yet: nobody may change their price (I-13)."""

import uuid
from collections.abc import Collection

from django.db import connection

# Asked before every price that is sent: written out, since putting it together takes longer than carrying it out.
_UNSETTLED = """
SELECT offer.listing_id FROM listing_seats AS offer JOIN seats AS seat ON seat.id = offer.seat_id
WHERE offer.listing_id = ANY(%(listings)s) AND offer.offered AND seat.state IN ('held', 'sold')
UNION SELECT sale.listing_id FROM sales AS sale
WHERE sale.listing_id = ANY(%(listings)s) AND (sale.state IN ('provisional', 'needs_person') OR EXISTS (
  SELECT FROM marketplace_commands AS asked WHERE asked.sale_id = sale.id AND asked.kind = 'confirm_sale'
  AND asked.state IN ('pending', 'in_flight', 'needs_person')))
"""


def listings_unsettled(listing_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these listings with a seat that is held or sold, or with a sale that waits for somebody.

    Once a sale is settled its seats have left the listing, and the rest is an offer of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNSETTLED, {"listings": list(listing_ids)})
        return {found for (found,) in cursor.fetchall()}
