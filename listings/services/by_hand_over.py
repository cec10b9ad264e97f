"""Take-downs that waited for hands until the game was played: nobody buys there any more, so they are over."""

import uuid
from datetime import timedelta

from django.db import transaction

from listings.locks import listings_lock, sale_lock
from listings.models import CommandKind, Listing, ListingStatus, MarketplaceCommand, Sale
from listings.selectors import FOR_HANDS
from listings.services.commands import commands_supersede
from listings.services.restate import listing_restate
from listings.services.sale_alerts import alert_sold_elsewhere_down
from listings.states import TAKES_DOWN, listing_may_move
from portfolios.models import OFF
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now

# As long after its start every game has ended; one that is postponed has none, and goes on nagging.
PLAYED_AFTER = timedelta(hours=12)
PLAYED = "the game was played before it was said to be down"


def tasks_over() -> int:
    """Ask no more for what had to come down of games that were played; returns of how many listings."""
    played = {"listing__game__starts_at__lte": now() - PLAYED_AFTER}
    asked = MarketplaceCommand.objects.filter(FOR_HANDS, kind__in=TAKES_DOWN, **played)
    waiting = Listing.objects.filter(pk__in=asked.values("listing")).exclude(game__status__in=OFF)
    return sum(_over(pk) for pk in waiting.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _over(listing_id: uuid.UUID) -> bool:
    (listing,) = listings_lock([listing_id])
    asked = listing.commands.filter(FOR_HANDS, kind__in=TAKES_DOWN)
    of_sales = Sale.objects.filter(pk__in=asked.values("sale")).order_by("pk").values_list("pk", flat=True)
    sales = [sale_lock(pk) for pk in of_sales]
    kinds = sorted(asked.values_list("kind", flat=True))
    if not kinds:
        # Said to be down at this moment.
        return False
    commands_supersede(listing, frozenset({CommandKind.DELIST, CommandKind.RESIZE}))
    if listing.status == ListingStatus.DELISTING and listing_may_move(listing.status, ListingStatus.EXPIRED):
        listing_restate(listing, ListingStatus.EXPIRED, PLAYED)
    for sale in sales:
        alert_sold_elsewhere_down(sale)
    audit_record(
        actor=Actor.system(listing.tenant_id), verb="command.over", object_type="listing", object_id=listing.pk,
        subject=listing.account.user_id, after={"kinds": kinds}, reason=PLAYED,
    )  # fmt: skip
    return True
