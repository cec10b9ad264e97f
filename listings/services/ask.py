"""Asking a marketplace about one sale now, where a person does not want to wait for the next round."""

import uuid

from django.db import transaction

from listings.models import Sale
from listings.services.sale_saga import READ_SALE
from marketplaces.models import Mode
from marketplaces.registry import platform_name
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, NotAllowed
from seatsync.core.jobs import enqueue_on_commit


@transaction.atomic
def sale_ask(*, actor: Actor, sale_id: uuid.UUID) -> Sale:
    """Have one sale read anew, by a job. Raises NotFound, NotAllowed, or Conflict where nobody can be asked."""
    sale = Sale.objects.get_for(actor, sale_id)
    if sale.listing is not None and not sale.listing.season_ticket.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not ask its marketplace.")
    if not sale.account.is_active or sale.account.mode == Mode.ASSISTED:
        raise Conflict(
            f"{platform_name(sale.platform)} cannot be asked for this account.", field="sale",
            remedy="Look at the sale on its own site.",
        )  # fmt: skip
    enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    return sale
