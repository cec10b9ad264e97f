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
        watching=listing.season_ticket_id,
        kind=LiveType.LISTING_CHANGED,
        object_id=listing.pk,
        version=listing.version,
    )


def sale_people(sale: Sale) -> list[uuid.UUID]:
    """The ticket's people, or the account's owner where no listing is known."""
    return watchers(sale.listing.season_ticket_id) if sale.listing else [sale.account.user_id]


def sale_changed(sale: Sale) -> None:
    """Tell a sale's people that it changed."""
    if sale.listing is None:
        owner = sale.account.user_id
        publish(
            tenant_id=sale.tenant_id, user_ids=[owner], kind=LiveType.SALE_CHANGED, object_id=sale.pk,
            version=sale.version,
        )  # fmt: skip
        return
    ticket_id = sale.listing.season_ticket_id
    publish(
        tenant_id=sale.tenant_id, watching=ticket_id, kind=LiveType.SALE_CHANGED, object_id=sale.pk,
        version=sale.version,
    )  # fmt: skip
    publish(tenant_id=sale.tenant_id, watching=ticket_id, kind=LiveType.SEASON_CHANGED, object_id=ticket_id)
