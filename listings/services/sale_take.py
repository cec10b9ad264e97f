"""What a sale takes: the seats of its listing, and every other listing of them comes down with the same commit."""

import uuid
from collections.abc import Sequence

from listings.locks import listings_lock
from listings.models import CommandKind, Listing, Sale, SaleSeat, SaleState
from listings.services.allocation import Allocation, allocate
from listings.services.commands import command_write
from listings.services.delist import listing_take_down
from listings.services.doubled import confirmed_by_another
from listings.services.obstacles import OFFERED_FOR_REAL, Obstacle, obstacle_of, promises_on
from listings.services.pass_on import seats_pass_on
from listings.services.practice import offered_for_real, on_paper
from listings.services.projections import offer_less, projections_shrink, sold_listing_shrink
from listings.services.sale_alerts import alert_conflict, alert_sold, alert_unclear, alerts_settle
from listings.services.sale_scene import (
    Scene,
    mark_if_nothing_to_take_down,
    sale_record,
    sale_store,
    seats_attach,
    seats_detach,
)
from listings.services.seat_ids import open_listing_ids
from listings.services.wake import READ_SALE, payouts_wake
from listings.states import HANDED_OVER, OFFERED, SALE_LIVE
from marketplaces.contracts import RemoteSaleState
from marketplaces.registry import adapter_get, platform_name
from portfolios.models import OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.jobs import enqueue_on_commit


def allocation_of(scene: Scene, listing: Listing) -> Allocation:
    """Which seats of the listing its marketplace says that the sale took; unnamed, those that it has already."""
    traits = adapter_get(scene.account.platform).traits
    own = set() if scene.sale is None or scene.remote.seats else live_ids(scene.sale)
    if own and not scene.remote.doubt:
        kept = [seat for seat in scene.seats if seat.pk in own]
        return Allocation(kept) if len(kept) == scene.remote.quantity else Allocation(reason=_recounted_words(scene))
    return allocate(scene.remote, listing, scene.seats, seller_allocates=traits.seller_allocates)


def live_ids(sale: Sale) -> set[uuid.UUID]:
    """The seats that a sale has."""
    return set(SaleSeat.objects.filter(sale=sale, live=True).values_list("seat_id", flat=True))


def _recounted_words(scene: Scene) -> str:
    seats = f"{scene.remote.quantity} seat{'' if scene.remote.quantity == 1 else 's'}"
    return f"its marketplace says that it is of {seats} by now, and not which"


def sale_keep_recounted(scene: Scene) -> Sale:
    """Of another number of seats than it has, and nobody says which: of more, all that it may have are off sale."""
    own = set() if scene.sale is None else live_ids(scene.sale)
    if scene.remote.quantity < len(own):
        scene.seats = [seat for seat in scene.seats if seat.pk in own]
    return sale_keep_unallocated(scene, Allocation(reason=_recounted_words(scene)))


def sale_keep_cancelled(scene: Scene) -> Sale:
    """Over before we heard of it: its seats are the holder's, and off the listing that its marketplace made smaller.

    Of a listing that is not known it took nothing that anybody would have to decide on.
    """
    why, listing = "cancelled before we heard of it", scene.listing
    if listing is None:
        sale = sale_store(scene, SaleState.CANCELLED, why)
        sale_release(scene, sale)
        return sale
    gone = allocation_of(scene, listing)
    (own,) = listings_lock([listing.pk])
    sale = sale_store(scene, SaleState.CANCELLED, why)
    sale_release(scene, sale)
    if gone.clear and own.status in OFFERED:
        offer_less(own, gone.seats)
    return sale


def sale_take(scene: Scene, listing: Listing, state: str, allocation: Allocation) -> Sale:
    """Give the seats of the listing to the sale, or find that somebody else has them."""
    if not allocation.clear:
        return sale_keep_unallocated(scene, allocation)
    if _for_real(scene, allocation.seats):
        return _conflict(scene, allocation.seats, OFFERED_FOR_REAL)
    obstacle = obstacle_of(scene.key, scene.account, allocation.seats)
    if obstacle is Obstacle.TAKEN:
        return _conflict(scene, allocation.seats, "a seat of this sale belongs to somebody else")
    if obstacle is Obstacle.UNCLEAR:
        for promise in promises_on(scene.account, allocation.seats).distinct():
            # What its marketplace sold again it has taken from that buyer: it is asked, and this sale told again.
            enqueue_on_commit(READ_SALE, sale_id=str(promise.pk))
        reason = "another sale that is not clear yet may have these seats"
        return sale_keep_unallocated(scene, Allocation(reason=reason))
    to_state = OwnerState.HELD if state == SaleState.PROVISIONAL else OwnerState.SOLD
    seats_go_to(scene, allocation.seats, to_state)
    _give_back_rest(scene, allocation.seats)
    others = listings_lock([listing.pk, *open_listing_ids([s.pk for s in allocation.seats])])
    sale = sale_store(scene, state, "")
    seats_attach(sale, allocation.seats, live=True)
    own = next(other for other in others if other.pk == listing.pk)
    sold_listing_shrink(own, allocation.seats, sale=sale)
    projections_shrink([o for o in others if o.pk != own.pk], allocation.seats, sale=sale)
    sale_confirm_if_asked(scene, sale)
    payouts_wake(sale)
    mark_if_nothing_to_take_down(sale)
    alerts_settle(sale)
    # Of one that was handed over before it was missed everybody has heard.
    if sale.stands and not (sale.missing and sale.state in HANDED_OVER):
        alert_sold(sale)
    sale_record(scene, sale, "sale.taken")
    return sale


def seats_go_to(scene: Scene, seats: list[Seat], to_state: str) -> None:
    """Move seats to the sale, those that are not there already."""
    moving = [seat for seat in seats if (seat.state, seat.held_by) != (to_state, scene.key)]
    seats_move(
        actor=scene.actor, seats=moving, to_state=to_state, held_by=scene.key,
        reason=f"{platform_name(scene.account.platform)} sale {scene.remote.sale_id}",
    )  # fmt: skip


def _give_back_rest(scene: Scene, taken: list[Seat]) -> None:
    """A partial sale: what the notice held beyond the allocation is free again, and what it had and is none of it."""
    rest = [seat for seat in scene.seats if seat.held_by == scene.key and seat not in taken]
    seats_move(actor=scene.actor, seats=rest, to_state=OwnerState.AVAILABLE, reason="not part of the sale")
    if scene.sale is not None and rest:
        seats_detach(scene.sale, rest)


def _for_real(scene: Scene, seats: list[Seat]) -> bool:
    """Whether it is a sale on paper of a seat that is on sale for real (I-20)."""
    return on_paper(scene.account, scene.listing) and offered_for_real(seats) is not None


def _conflict(scene: Scene, seats: list[Seat], reason: str) -> Sale:
    """Somebody else has a seat: the sale is kept, has no seat, and is rejected at its marketplace."""
    _give_back_rest(scene, [])
    sale = sale_store(scene, SaleState.CONFLICT, reason)
    seats_attach(sale, seats, live=False)
    if not confirmed_by_another(sale):
        command_write(sale=sale, kind=CommandKind.REJECT_SALE, key=_key_once("reject", sale))
    alerts_settle(sale)
    alert_conflict(sale)
    sale_record(scene, sale, "sale.conflict")
    return sale


def sale_keep_unallocated(scene: Scene, allocation: Allocation) -> Sale:
    """The marketplace took some seats and does not say which: hold all, take everything else down, ask (I-04)."""
    if _for_real(scene, scene.seats):
        return _conflict(scene, scene.seats, OFFERED_FOR_REAL)
    free = [seat for seat in scene.seats if seat.state == OwnerState.AVAILABLE]
    seats_go_to(scene, free, OwnerState.HELD)
    scene.may_be_of = [seat.pk for seat in scene.seats]
    others = listings_lock(open_listing_ids([seat.pk for seat in scene.seats]))
    sale = sale_store(scene, SaleState.NEEDS_PERSON, allocation.reason)
    for other in others:
        listing_take_down(
            other,
            reason=f"sale {sale.platform_sale_id} on {platform_name(sale.platform)}: {allocation.reason}",
            sale=sale,
        )
    alert_unclear(sale, allocation.reason)
    sale_record(scene, sale, "sale.unclear")
    return sale


def sale_keep_complained_of(scene: Scene, listing: Listing) -> Sale:
    """Under a complaint when we first hear of it: a buyer may have its seats, so nobody else gets them meanwhile."""
    named = allocation_of(scene, listing)
    if named.clear:
        _give_back_rest(scene, named.seats)
        scene.seats = named.seats
    reason = f"its marketplace reports a problem with the sale ({scene.remote.remote_status})"
    return sale_keep_unallocated(scene, Allocation(reason=reason))


def sale_keep_unclear(scene: Scene, what: str) -> Sale:
    """An unknown state raises an alert and takes no action (DOMAIN.md 4.7)."""
    reason = scene.remote.doubt or f"the marketplace reports {what} ({scene.remote.remote_status})"
    sale = sale_store(scene, SaleState.NEEDS_PERSON, reason)
    alert_unclear(sale, reason)
    sale_record(scene, sale, "sale.unclear")
    return sale


def sale_release(scene: Scene, sale: Sale, *, reason: str = "the sale was cancelled") -> None:
    """Give a sale's seats back to the holder; nothing is listed again without being asked."""
    own = [seat for seat in scene.seats if seat.held_by == scene.key]
    seats_move(actor=scene.actor, seats=own, to_state=OwnerState.AVAILABLE, reason=reason)
    seats_detach(sale)


def sale_confirm_if_asked(scene: Scene, sale: Sale) -> None:
    """Confirm only a sale that has its seats (I-03)."""
    if scene.remote.state == RemoteSaleState.AWAITING_CONFIRM and sale.state in SALE_LIVE:
        command_write(sale=sale, kind=CommandKind.CONFIRM_SALE, key=_key_once("confirm", sale))


def _key_once(what: str, sale: Sale) -> str:
    """The key of what is said once of a sale, and once more where it stands again after it was over."""
    return f"{what}:{sale.pk}:{int(sale.noticed_at.timestamp())}"


def sale_pass_on(scene: Scene, sale: Sale, taken: Sequence[Seat]) -> None:
    """What it had, or was held for it, and is free by now may be another's."""
    seats_pass_on(
        actor=scene.actor, seats=taken, number=scene.remote.sale_id, platform=scene.account.platform, but=sale
    )
