"""The first word of a sale: its seats are held before anything was read back, and given back where it was none."""

from django.db import transaction

from listings.locks import listings_lock, sale_lock
from listings.models import Listing, Sale, SaleEnding, SaleState
from listings.services.delist import listing_take_down
from listings.services.doubled import listing_of_another, named_of_own
from listings.services.endings import ending_apply
from listings.services.notify import sale_changed
from listings.services.obstacles import hold_key
from listings.services.pass_on import seats_pass_on
from listings.services.practice import offered_for_real, on_paper
from listings.services.refs import listing_called
from listings.services.sale_scene import sale_audit, sale_facts
from listings.services.seat_ids import offered_ids, open_listing_ids
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import platform_name
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.actors import Actor


@transaction.atomic
def sale_hold(
    *, account: MarketplaceAccount, external_id: str, platform_sale_id: str, listing_id: str = ""
) -> int:  # fmt: skip
    """Hold the free seats of a listing at the first word of a sale, before it was read back; returns how many.

    The listing is told by the seller's key or by its id there. Holding needs no answer from anybody and stops every
    other path to these seats at once.
    """
    listing = listing_called(account, key=external_id, listing_id=listing_id)
    if listing is None or _anothers(account, listing):
        return 0
    seats = seats_lock(offered_ids(listing))
    # Asked under the lock: polling may have applied the sale while we waited, and what a known sale took is settled.
    if Sale.objects.filter(account=account, platform_sale_id=platform_sale_id).exists():
        return 0
    free = [seat for seat in seats if seat.state == OwnerState.AVAILABLE]
    if on_paper(account, listing) and offered_for_real(free) is not None:
        return 0
    seats_move(
        actor=Actor.marketplace(account.tenant_id, account.pk),
        seats=free,
        to_state=OwnerState.HELD,
        reason=f"{platform_name(account.platform)} reports sale {platform_sale_id}",
        held_by=hold_key(account.pk, platform_sale_id),
    )
    return len(free)


@transaction.atomic
def sale_hold_release(*, account: MarketplaceAccount, platform_sale_id: str, reason: str) -> int:
    """Give back what was held for a sale that turned out not to exist; returns how many seats.

    One that was promised and never paid for may be known already: it is cancelled. One that is not clear keeps its hold
    until a person, or its marketplace's next word, ends it.
    """
    known = Sale.objects.filter(account=account, platform_sale_id=platform_sale_id)
    if known.filter(state=SaleState.NEEDS_PERSON).exists():
        return 0
    key = hold_key(account.pk, platform_sale_id)
    held = Seat.objects.filter(tenant_id=account.tenant_id, held_by=key, state=OwnerState.HELD)
    seats = [seat for seat in seats_lock(held.values_list("pk", flat=True)) if seat.held_by == key]
    actor = Actor.marketplace(account.tenant_id, account.pk)
    seats_move(actor=actor, seats=seats, to_state=OwnerState.AVAILABLE, reason=reason)
    for promised in known.filter(state=SaleState.PROVISIONAL):
        if promised.listing_id is not None:
            listings_lock([promised.listing_id])
        sale = sale_lock(promised.pk)
        if sale.state != SaleState.PROVISIONAL:
            continue
        before = sale_facts(sale)
        ending_apply(actor=actor, sale=sale, ending=SaleEnding.PROMISE_CANCELLED, reason=reason)
        # Whatever its marketplace says of it from now on is news.
        sale.state_reason, sale.remote_status, sale.remote_state = reason[:300], "", ""
        sale.version += 1
        sale.save()
        sale_changed(sale)
        sale_audit(actor, sale, "sale.moved", before=before, reason=reason)
    seats_pass_on(actor=actor, seats=seats, number=platform_sale_id, platform=account.platform)
    return len(seats)


@transaction.atomic
def projections_withdraw(
    *, account: MarketplaceAccount, external_id: str, platform_sale_id: str, reason: str, listing_id: str = ""
) -> int:  # fmt: skip
    """Take down every other listing of a listing's seats: when a sale was announced and cannot be read back.

    A word of a sale that is known is of no other seats than it has: what is left of its listing stays on offer.
    """
    listing = listing_called(account, key=external_id, listing_id=listing_id)
    if listing is None or _anothers(account, listing):
        return 0
    seat_ids = offered_ids(listing)
    seats_lock(seat_ids)
    # Asked under the lock, as where they are held.
    if Sale.objects.filter(account=account, platform_sale_id=platform_sale_id).exists():
        return 0
    others = listings_lock(pk for pk in open_listing_ids(seat_ids) if pk != listing.pk)
    practice = on_paper(account, listing)
    # What is announced on paper takes down nothing real (I-20).
    own = [other for other in others if other.mode == Mode.PAPER or not practice]
    return sum(listing_take_down(other, reason=reason) for other in own)


def _anothers(account: MarketplaceAccount, listing: Listing) -> bool:
    """Whether another connection of the same seller has it for its own, which hears of its sales too."""
    return listing_of_another(account, named_of_own(listing)) is not None
