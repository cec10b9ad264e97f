"""Locks of listings, sales and commands, in this order, and before them of staff's brakes (seatsync.core.locks).

Each raises Busy where somebody else has the row for longer than one waits.
"""

import uuid
from collections.abc import Iterable

from listings.models import FoundListing, Listing, MarketplaceCommand, PushHalt, Sale
from seatsync.core.locks import Level, lock_announce, lock_waiting


def found_lock(found_id: uuid.UUID) -> FoundListing:
    """Lock one thing that was found on an account and read it fresh; such locks come first, with the accounts."""
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("what was found"):
        return FoundListing.objects.select_for_update(of=("self",), no_key=True).get(pk=found_id)


def listings_lock(listing_ids: Iterable[uuid.UUID]) -> list[Listing]:
    """Lock these listings in primary-key order and read them fresh."""
    lock_announce(Level.LISTINGS)
    wanted = Listing.objects.filter(pk__in=list(listing_ids)).order_by("pk")
    with lock_waiting("this listing"):
        return list(wanted.select_for_update(of=("self",), no_key=True))


def sale_lock(sale_id: uuid.UUID) -> Sale:
    """Lock one sale and read it fresh."""
    lock_announce(Level.SALES)
    with lock_waiting("this sale"):
        return Sale.objects.select_for_update(of=("self",), no_key=True).get(pk=sale_id)


def command_lock(command_id: uuid.UUID) -> MarketplaceCommand:
    """Lock one command and read it fresh."""
    lock_announce(Level.COMMANDS)
    with lock_waiting("this command"):
        return MarketplaceCommand.objects.select_for_update(of=("self",), no_key=True).get(pk=command_id)


def commands_claimable(limit: int, **conditions: object) -> list[MarketplaceCommand]:
    """Lock up to `limit` pending commands that nobody else holds, the urgent and the old ones first."""
    lock_announce(Level.COMMANDS)
    due = MarketplaceCommand.objects.filter(**conditions).order_by("priority", "not_before", "pk")
    return list(due.select_for_update(of=("self",), skip_locked=True, no_key=True)[:limit])


def push_halt_lock(halt_id: uuid.UUID) -> PushHalt | None:
    """Lock one brake of staff's; None where there is none. Brakes come first, with the accounts that they stand on."""
    lock_announce(Level.ACCOUNTS)
    with lock_waiting("this brake"):
        return PushHalt.objects.select_for_update(of=("self",), no_key=True).filter(pk=halt_id).first()
