"""Sales that were told in one tap have no number yet: a form or a mail that names one gives it to them.

Until then such a sale is called by its listing, so that the same tap twice is one sale.
"""

import uuid
from collections.abc import Collection

from listings.locks import sale_lock
from listings.models import NO_NUMBER, Listing, Sale
from listings.services.notify import sale_changed
from listings.services.obstacles import hold_key
from listings.states import SALE_LIVE
from marketplaces.models import MarketplaceAccount
from portfolios.models import Seat
from portfolios.services.ledger import seats_hold_on
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record


def name_without(listing: Listing) -> str:
    """What the sale of all of a listing is called while nobody has told its number."""
    return f"{NO_NUMBER}{listing.external_id[:12]}"


def sale_unnumbered(account: MarketplaceAccount, seat_ids: Collection[uuid.UUID]) -> Sale | None:
    """The sale without a number that has just these seats of the account's; None where there is none."""
    live = Sale.objects.filter(account=account, platform_sale_id__startswith=NO_NUMBER, state__in=SALE_LIVE)
    wanted = set(seat_ids)
    for sale in live.filter(sale_seats__seat__in=wanted, sale_seats__live=True).distinct().select_related("listing"):
        if set(sale.sale_seats.filter(live=True).values_list("seat_id", flat=True)) == wanted:
            return sale
    return None


def number_give(*, actor: Actor, sale: Sale, number: str) -> Sale:
    """A sale without a number has this one from now on; one that has its own keeps it.

    The caller holds a transaction and the locks of the sale's seats, and has seen that no other sale of the account has
    the number.
    """
    locked = sale_lock(sale.pk)
    if not locked.unnumbered:
        return locked
    before, key = locked.platform_sale_id, hold_key(locked.account_id, locked.platform_sale_id)
    held = Seat.objects.filter(tenant_id=locked.tenant_id, held_by=key)
    seats_hold_on(list(held), held_by=hold_key(locked.account_id, number))
    locked.platform_sale_id = number
    locked.version += 1
    locked.save(update_fields=["platform_sale_id", "version", "updated_at"])
    sale_changed(locked)
    audit_record(
        actor=actor, verb="sale.numbered", object_type="sale", object_id=locked.pk, subject=locked.account.user_id,
        before={"platform_sale_id": before}, after={"platform_sale_id": number},
    )  # fmt: skip
    return locked
