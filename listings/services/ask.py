"""Asking a marketplace about one sale now, where a person does not want to wait for the next round."""

import uuid

from django.db import transaction

from listings.models import Sale
from listings.services.wake import READ_SALE
from marketplaces.models import Mode
from marketplaces.registry import platform_name
from marketplaces.services.limits import token_there
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict, NotAllowed
from seatsync.core.jobs import enqueue_on_commit


@transaction.atomic
def sale_ask(*, actor: Actor, sale_id: uuid.UUID) -> Sale:
    """Have one sale read anew, by a job.

    Raises NotFound, NotAllowed, or Conflict where nobody can be asked, or was asked as often as its limit lets one.
    """
    sale = Sale.objects.select_related("account", "listing__season_ticket").get_for(actor, sale_id)
    if not sale.may(actor, "list"):
        raise NotAllowed("You may look at this sale but not ask its marketplace.")
    name, account = platform_name(sale.platform), sale.account
    if not account.is_active or account.mode == Mode.ASSISTED:
        raise Conflict(
            f"{name} cannot be asked for this account.", field="sale", remedy="Look at the sale on its own site."
        )
    if account.needs_reconnect:
        raise Conflict(f"{name}'s permission has ended.", field="sale", remedy="Connect the account again first.")
    if not token_there(account):
        raise Conflict(f"{name} is asked as often as it allows.", field="sale", remedy="Try again in a minute.")
    enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    return sale
