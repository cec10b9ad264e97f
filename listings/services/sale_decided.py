"""What a person decides of a sale that its marketplace left unclear."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from listings.locks import sale_lock
from listings.models import Listing, Sale, SaleState
from listings.services.adopt import listing_adopt
from listings.services.allocation import Allocation
from listings.services.obstacles import hold_key, obstacle_of, seats_held_for, seats_may_have
from listings.services.sale_alerts import alerts_settle
from listings.services.sale_scene import STATE_OF, Scene, as_told, sale_record, sale_store
from listings.services.sale_take import sale_pass_on, sale_release, sale_take
from listings.services.seat_ids import all_seat_ids
from listings.services.wake import READ_SALE
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict
from seatsync.core.jobs import enqueue_on_commit
from seatsync.core.money import round_money


def sale_settle(*, actor: Actor, sale: Sale, listing: Listing, seats: Sequence[Seat]) -> Sale:
    """A person says which seats of its listing a sale took that its marketplace left unclear.

    It is read anew right after: where it is clear there by now, that counts. The caller has checked who that is, and
    holds an open transaction. Raises Conflict where it is not unclear any more, or somebody else has a seat.
    """
    locked = seats_lock({*all_seat_ids(listing), *seats_may_have(sale)})
    _check_open(sale)
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    chosen = [seat for seat in locked if seat.pk in {wanted.pk for wanted in seats}]
    # Of one that was only announced nobody told how many it took.
    told = replace(as_told(sale), quantity=sale.quantity or len(chosen))
    scene = Scene(sale.account, told, listing, locked, sale.noticed_at, sale, actor)
    if obstacle_of(scene.key, sale.account, chosen) is not None:
        remedy = "Choose the seats that it took, or settle the other sale first."
        raise Conflict("Another sale has one of these seats.", field="seats", remedy=remedy)
    enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    settled = sale_take(scene, listing, STATE_OF[scene.remote.state], Allocation(chosen))
    sale_pass_on(scene, settled, taken)
    return settled


def _check_open(sale: Sale) -> None:
    """Read the sale anew, now that its seats are locked; raises Conflict where it has become clear meanwhile."""
    sale.refresh_from_db()
    if sale.state != SaleState.NEEDS_PERSON:
        raise Conflict(
            f"This sale is {sale.get_state_display()}.", field="state", remedy="Only an unclear sale waits for you."
        )


def sale_dismiss(*, actor: Actor, sale: Sale, reason: str) -> Sale:
    """A person says that a sale which was never clear is none: its hold ends. The caller holds a transaction.

    Its seats are the holder's again, or held for the next unclear sale that may have them. Raises Conflict where it is
    not unclear any more.
    """
    locked = seats_lock(all_seat_ids(sale.listing) if sale.listing else seats_may_have(sale))
    if not locked:
        # No seat's lock holds anybody up.
        sale_lock(sale.pk)
    _check_open(sale)
    scene = Scene(sale.account, as_told(sale), sale.listing, locked, sale.noticed_at, sale, actor)
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    sale_release(scene, sale)
    kept = sale_store(scene, SaleState.CANCELLED, reason)
    alerts_settle(kept)
    sale_record(scene, kept, "sale.dismissed")
    sale_pass_on(scene, kept, taken)
    return kept


def held_for(sale: Sale) -> list[uuid.UUID]:
    """The seats that a sale of an unknown listing holds."""
    return list(seats_held_for(sale.account, sale.platform_sale_id))


def choosable_for(sale: Sale) -> list[uuid.UUID]:
    """The seats that a sale of an unknown listing holds, and those that it may have and nobody has."""
    free = Seat.objects.filter(pk__in=sale.may_be_of, state=OwnerState.AVAILABLE)
    return [*held_for(sale), *free.values_list("pk", flat=True)]


def sale_listing_make(*, actor: Actor, sale: Sale, seats: Sequence[Seat]) -> Listing:
    """The listing of an unclear sale that none is known of, made of the seats that a person says it took.

    The caller holds a transaction. Raises Conflict where it is not unclear any more, or its seats are not held for it.
    """
    locked = [seat for seat in seats_lock(choosable_for(sale)) if _may_still_be(sale, seat)]
    _check_open(sale)
    chosen = [seat for seat in locked if seat.pk in {wanted.pk for wanted in seats}]
    if len(chosen) != len(seats):
        raise Conflict("One of these seats is held no more.", field="seats", remedy="Load the page again.")
    # The others stay held: another sale may have them, once this one is settled.
    scene = Scene(sale.account, as_told(sale), None, chosen, sale.noticed_at, sale, actor)
    sale_release(scene, sale, reason="it is known which seats the sale took")
    listing = listing_adopt(
        actor=actor, account=sale.account, seats=chosen, listing_id="", remote_key="",
        price=round_money(sale.gross / max(sale.quantity, 1)), currency=sale.currency, price_seen=False,
    )  # fmt: skip
    Sale.objects.filter(pk=sale.pk).update(listing=listing, game=listing.game_id)
    sale.listing, sale.game_id = listing, listing.game_id
    return listing


def _may_still_be(sale: Sale, seat: Seat) -> bool:
    """Whether a locked seat is held for the sale, or for nobody."""
    return seat.held_by == hold_key(sale.account_id, sale.platform_sale_id) or seat.state == OwnerState.AVAILABLE
