"""What became of listings' prices so far, as far as the guards at the pricing door ask for it (I-15, I-18)."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Q

from listings.models import Listing, PriceProposal
from seatsync.core.actors import PERSONS
from seatsync.core.clock import now

# Nothing that is older holds back a price: no setting of the guards reaches further.
LOOKS_BACK = timedelta(days=31)
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PricePast:
    """Since when a price stands, when a person last set it, and how often machines changed it within 24 hours."""

    changed_at: datetime
    person_set_at: datetime | None = None
    machine_changes: int = 0


def prices_past(listings: Iterable[Listing]) -> dict[uuid.UUID, PricePast]:
    """Of each of these listings; a price that was never changed stands since its listing was made."""
    moment = now()
    known: dict[uuid.UUID, Listing] = {listing.pk: listing for listing in listings}
    accepted = PriceProposal.objects.filter(listing__in=list(known), accepted=True, created_at__gte=moment - LOOKS_BACK)
    changed, by_person = ~Q(proposed_price=F("previous_price")), Q(actor_kind__in=PERSONS)
    rows = accepted.values("listing__pk").annotate(
        changed_at=Max("created_at", filter=changed),
        person_set_at=Max("created_at", filter=by_person),
        machine_changes=Count("pk", filter=changed & ~by_person & Q(created_at__gt=moment - _DAY)),
    )
    past = {key: PricePast(listing.created_at) for key, listing in known.items()}
    for key, changed_at, person_set_at, machine_changes in rows.values_list(
        "listing__pk", "changed_at", "person_set_at", "machine_changes"
    ):
        past[key] = PricePast(changed_at or past[key].changed_at, person_set_at, machine_changes)
    return past
