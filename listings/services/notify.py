"""Who hears of a change to a listing or a sale."""

import uuid

from listings.models import Listing, Sale
from portfolios.services.ledger import watchers
from seatsync.live.events import LiveType
from seatsync.live.publish import publish


def listing_changed(listing: Listing) -> None:
    """Tell the ticket's people that a listing changed."""
    publish(
        tenant_id=listing.tenant_id,
        user_ids=watchers(listing.season_ticket_id),
        kind=LiveType.LISTING_CHANGED,
        object_id=listing.pk,
        version=listing.version,
    )


def sale_people(sale: Sale) -> list[uuid.UUID]:
    """The ticket's people, or the account's owner where no listing is known."""
    return watchers(sale.listing.season_ticket_id) if sale.listing else [sale.account.user_id]


def sale_changed(sale: Sale) -> None:
    """Tell a sale's people that it changed."""
    users = sale_people(sale)
    publish(
        tenant_id=sale.tenant_id, user_ids=users, kind=LiveType.SALE_CHANGED, object_id=sale.pk, version=sale.version
    )
    if sale.listing:
        ticket_id = sale.listing.season_ticket_id
        publish(tenant_id=sale.tenant_id, user_ids=users, kind=LiveType.SEASON_CHANGED, object_id=ticket_id)
