"""The sale saga: a seat is sold once.

One transaction marks the seats and writes the commands that take every other listing of them down; workers carry
those out, and the time that took is kept on the sale.
"""

import uuid
from datetime import datetime

from django.db import transaction

from listings.locks import listings_lock, sale_lock
from listings.models import Listing, Sale, SaleEnding, SaleState
from listings.payables import state_by_money
from listings.services.adopt import listing_covers_sale, listing_of_unknown_sale
from listings.services.allocation import Allocation
from listings.services.come_over import sale_come_over, speaks
from listings.services.commands import sale_commands_settle
from listings.services.doubled import sale_of_another
from listings.services.ending_stands import ending_stand
from listings.services.endings import ending_apply
from listings.services.hand_over_due import dues_same, dues_take
from listings.services.notify import sale_changed
from listings.services.obstacles import Obstacle, hold_key, obstacle_of, seats_held_for
from listings.services.payout_checks import sales_check
from listings.services.practice import on_paper, past_practice, practice_make_way
from listings.services.projections import final_price
from listings.services.recognise import recognise, told_of_sale
from listings.services.refs import listing_called
from listings.services.sale_alerts import alert_again, alert_recounted, alert_sold, alert_unclear, alerts_settle
from listings.services.sale_scene import (
    STATE_OF,
    Scene,
    amounts_take,
    asks_again,
    complaint_over,
    delivered_note,
    money_moved,
    sale_record,
    step_take,
)
from listings.services.sale_take import (
    allocation_of,
    live_ids,
    sale_confirm_if_asked,
    sale_keep_cancelled,
    sale_keep_complained_of,
    sale_keep_recounted,
    sale_keep_unallocated,
    sale_keep_unclear,
    sale_pass_on,
    sale_release,
    sale_take,
    seats_go_to,
)
from listings.services.seat_ids import all_seat_ids
from listings.services.wake import READ_SALE, payouts_wake
from listings.states import HANDED_OVER, SALE_LIVE, ending_may_be, sale_may_move
from marketplaces.contracts import RemoteSale, RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.jobs import enqueue_on_commit


def sale_apply(
    *, account: MarketplaceAccount, remote: RemoteSale, noticed_at: datetime | None = None, fresh: bool = False
) -> Sale:
    """Bring our world to what the marketplace says of one sale; any number of times, in any order, with one effect.

    `fresh`: it was read (or by hand told) anew because an earlier word contradicted what we have; then it counts.

    A sale is never refused and never dropped: an unknown listing, an unclear allocation or an unknown state is kept
    as `needs_person` with an alert, and seats that somebody else has make it a `conflict` with a reject command.
    A sale on paper that has them is ended for a real one (practice.py).
    What another account of the same holder has under its number is this sale, and comes over. Raises Conflict for what
    another connection of the same seller has, which is nothing of this one's.
    """
    elsewhere = sale_come_over(account=account, remote=remote)
    if elsewhere is not None and speaks(elsewhere.account):
        # Told by hand or by mail: the account that hears of it from its marketplace knows more.
        return elsewhere
    return past_practice(lambda: _apply(account, remote, noticed_at, fresh=fresh))


@transaction.atomic
def _apply(account: MarketplaceAccount, remote: RemoteSale, noticed_at: datetime | None, *, fresh: bool) -> Sale:
    listing = _listing_of(account, remote)
    locked = seats_lock(_wanted(account, remote, listing))
    # Asked under the locks: two connections of one seller hear of it at the same moment.
    if sale_of_another(account, remote):
        raise Conflict(
            f"Sale {remote.sale_id} is kept over another connection of the same account.", field="account",
            remedy="Disconnect this one: one connection of an account is enough.",
        )  # fmt: skip
    if STATE_OF.get(remote.state) in SALE_LIVE and not on_paper(account, listing):
        practice_make_way(locked, key=hold_key(account.pk, remote.sale_id))
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    seats = _own_of(account, remote, listing, locked)
    scene = Scene(account, remote, listing, seats, noticed_at or now(), fresh=fresh)
    known = Sale.objects.filter(account=account, platform_sale_id=remote.sale_id).first()
    sale = _first_word(scene) if known is None else _further_word(scene, known)
    sale_pass_on(scene, sale, taken)
    return sale


def _listing_of(account: MarketplaceAccount, remote: RemoteSale) -> Listing | None:
    """The listing that sold; one that was made there by hand, and met only now, where its seats are certain."""
    found = listing_called(account, key=remote.external_id, listing_id=remote.listing_id)
    if found is not None:
        listing_covers_sale(found, remote)
        return found
    known = Sale.objects.filter(account=account, platform_sale_id=remote.sale_id).first()
    if known is not None and known.listing is not None:
        return known.listing
    over = STATE_OF.get(remote.state) in {None, SaleState.CANCELLED}
    return None if over else listing_of_unknown_sale(account, remote)


def _wanted(account: MarketplaceAccount, remote: RemoteSale, listing: Listing | None) -> set[uuid.UUID]:
    """The seats of a sale's listing, or while none is known all that it may be of; and what it holds already."""
    held = seats_held_for(account, remote.sale_id)
    if listing is not None:
        return held | set(all_seat_ids(listing))
    # Another sale that lets them go may have them held for this one before we have their locks.
    unclear = Sale.objects.filter(account=account, platform_sale_id=remote.sale_id, state=SaleState.NEEDS_PERSON)
    held.update(*unclear.values_list("may_be_of", flat=True))
    over = STATE_OF.get(remote.state) in {None, SaleState.CANCELLED}
    return held if over else held | {seat.pk for seat in recognise(account, told_of_sale(remote)).seats}


def _own_of(account: MarketplaceAccount, remote: RemoteSale, listing: Listing | None, locked: list[Seat]) -> list[Seat]:
    """Those that may be the sale's. What was held for it before its listing was known, and is none of that, is free."""
    if listing is None:
        return locked
    own, key = set(all_seat_ids(listing)), hold_key(account.pk, remote.sale_id)
    strange = [seat for seat in locked if seat.pk not in own and seat.held_by == key and seat.state == OwnerState.HELD]
    if strange:
        actor, reason = Actor.marketplace(account.tenant_id, account.pk), "it is known which listing was sold"
        seats_move(actor=actor, seats=strange, to_state=OwnerState.AVAILABLE, reason=reason)
    return [seat for seat in locked if seat.pk in own]


def _first_word(scene: Scene) -> Sale:
    state = STATE_OF.get(scene.remote.state)
    if scene.listing is None and scene.seats and state not in {None, SaleState.CANCELLED}:
        why = scene.remote.doubt or "it is of a listing that is not known, and of any of these"
        return sale_keep_unallocated(scene, Allocation(reason=why))
    if state == SaleState.CANCELLED:
        return sale_keep_cancelled(scene)
    if scene.listing is not None and scene.remote.state is RemoteSaleState.ISSUE:
        return sale_keep_complained_of(scene, scene.listing)
    if scene.listing is None or state is None:
        return sale_keep_unclear(scene, "an unknown listing" if scene.listing is None else "a state we do not know")
    allocation = allocation_of(scene, scene.listing)
    sale = sale_take(scene, scene.listing, state, allocation)
    told_all = scene.remote.buyer is not None or scene.fresh or scene.account.mode == Mode.ASSISTED
    if sale.state == SaleState.CONFIRMED and not told_all:
        # Some tell of the buyer only who asks for the one sale; of an assisted account's nobody can.
        enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    return sale


def _further_word(scene: Scene, known: Sale) -> Sale:
    """The sale is known: its state can have moved, or it has become clear which seats it took."""
    sale = known
    scene.knows(known)
    state = STATE_OF.get(scene.remote.state)
    if known.missing and known.state != SaleState.CANCELLED:
        return _told_again(scene, known, state)
    if sale.state == SaleState.NEEDS_PERSON and scene.listing is not None and _may_be_taken_now(scene, state):
        return _first_word(scene)
    if _holds_nothing_yet(scene, known, state):
        return _first_word(scene)
    if _stands_again(scene, known, state):
        if scene.fresh:
            return _first_word(scene)
        # Words overtake each other: an old one must not raise a sale that is over. The marketplace is asked again.
        enqueue_on_commit(READ_SALE, sale_id=str(known.pk))
        return known
    if asks_again(known, scene.remote) and known.asked_again_at is None and not scene.fresh:
        # It may be an old word about what was handed over meanwhile: its marketplace is asked again.
        enqueue_on_commit(READ_SALE, sale_id=str(known.pk))
        return known
    if (other := _with_other_seats(scene, known, state)) is not None:
        return other
    if scene.listing is not None and (state == SaleState.CANCELLED or money_moved(known, scene.remote)):
        listings_lock([scene.listing.pk])
    sale = sale_lock(known.pk)
    scene.knows(sale)
    state = state and state_by_money(sale, state)
    _tell_money(scene, sale)
    _tell_step(scene, sale)
    _tell_handed_over(scene, sale)
    # Asked for as long as it waits: who resolved an unclear sale did not confirm it there.
    sale_confirm_if_asked(scene, sale)
    if not _is_told(scene, sale, state):
        _go_on(scene, sale, state)
    return sale


def _holds_nothing_yet(scene: Scene, known: Sale, state: SaleState | None) -> bool:
    """Whether it is a sale after all that was told first in a state that we do not know, and took nothing (I-04)."""
    unknown_so_far = known.state == SaleState.NEEDS_PERSON and not known.may_be_of
    return unknown_so_far and bool(scene.seats) and state is not None and state != SaleState.CANCELLED


def _told_again(scene: Scene, known: Sale, state: SaleState | None) -> Sale:
    """A sale that its marketplace showed no more is there after all: it goes on where that says, with its seats."""
    if scene.listing is not None:
        listings_lock([scene.listing.pk])
    sale = sale_lock(known.pk)
    scene.knows(sale)
    state = state and state_by_money(sale, state)
    if sale.state == SaleState.NEEDS_PERSON and state in SALE_LIVE and state is not None:
        sale.state, sale.state_reason = state, ""
        delivered_note(sale)
        payouts_wake(sale)
        alerts_settle(sale)
    _tell_money(scene, sale)
    sale_confirm_if_asked(scene, sale)
    _go_on(scene, sale, state)
    return sale


def _go_on(scene: Scene, sale: Sale, state: SaleState | None) -> None:
    """Bring the locked sale to what its marketplace says of it by now, and keep it."""
    ending = sale.ending
    _moved(scene, sale, state)
    sale.missing, sale.missed_at = False, None
    sale.version += 1
    sale.save()
    sale_commands_settle(sale)
    sale_changed(sale)
    sale_record(scene, sale, "sale.moved")
    if sale.ending != ending:
        # What a complaint held up may be short by now.
        sales_check([sale.pk])


def _moved(scene: Scene, sale: Sale, state: SaleState | None) -> None:
    """The locked sale is another one there than it was."""
    if state is not None:
        complaint_over(sale)
    sale.remote_status, sale.remote_state = scene.remote.remote_status[:60], scene.remote.state.value
    sale.read_back_at = now()
    if state is None:
        _trouble(scene, sale)
    elif state == SaleState.CANCELLED:
        if sale.state != SaleState.CANCELLED:
            _cancel(scene, sale)
    elif sale.state in SALE_LIVE:
        if state != sale.state and sale_may_move(sale.state, state):
            _stands(scene, sale, state)
        # What was not clear is, also where the sale stands where it stood.
        alerts_settle(sale)
        ending_stand(sale)


def _with_other_seats(scene: Scene, known: Sale, state: SaleState | None) -> Sale | None:
    """The sale with the seats that its marketplace says by now, or asked about where it does not; None: as it was."""
    if scene.listing is None or state is None:
        return None
    renamed = _named_otherwise(scene, known, state)
    if renamed is None:
        return sale_keep_recounted(scene) if _recounted(scene, known, state) else None
    had = live_ids(known)
    sale_release(scene, known, reason="its marketplace names other seats")
    sale = sale_take(scene, scene.listing, state if sale_may_move(known.state, state) else known.state, renamed)
    if sale.state in SALE_LIVE and len(renamed.seats) != len(had):
        alert_recounted(sale, [seat for seat in scene.seats if seat.pk in had and seat not in renamed.seats])
    return sale


def _named_otherwise(scene: Scene, sale: Sale, state: SaleState | None) -> Allocation | None:
    """The seats that its marketplace by now names for a live sale, where a person gave it others; else None."""
    if not scene.remote.seats or scene.listing is None or not SALE_LIVE.issuperset({sale.state, state}):
        return None
    if adapter_get(scene.account.platform).traits.seller_allocates:
        return None
    named = allocation_of(scene, scene.listing)
    other = named.clear and {seat.pk for seat in named.seats} != live_ids(sale)
    return named if other else None


def _recounted(scene: Scene, sale: Sale, state: SaleState) -> bool:
    """Whether a live sale is of another number of seats there by now than we ever had of it."""
    told, own = scene.remote.quantity, len(live_ids(sale))
    return SALE_LIVE.issuperset({sale.state, state}) and own > 0 and told > 0 and told not in {sale.quantity, own}


def _stands(scene: Scene, sale: Sale, state: SaleState) -> None:
    """A live sale has gone on; one that was only promised has its seats now."""
    promised, sale.state = sale.state == SaleState.PROVISIONAL, state
    delivered_note(sale)
    payouts_wake(sale)
    seats_go_to(scene, [s for s in scene.seats if s.held_by == scene.key], OwnerState.SOLD)
    alerts_settle(sale)
    if promised and scene.listing is not None and sale.stands:
        alert_sold(sale)


def _stands_again(scene: Scene, sale: Sale, state: SaleState | None) -> bool:
    """Whether a sale that was cancelled (or dismissed) here has moved on there as if it were not.

    Who tells of it by hand has the same words each time: that he does so after it was over is the news.
    """
    told_anew = scene.fresh and scene.account.mode == Mode.ASSISTED
    moved_on = told_anew or sale.remote_status != scene.remote.remote_status
    moved_on = moved_on and not sale.practice_over
    return sale.state == SaleState.CANCELLED and state in SALE_LIVE and moved_on


def _tell_money(scene: Scene, sale: Sale) -> None:
    """Amounts and deadlines may be told later than the sale, or be corrected (I-25)."""
    remote, moved = scene.remote, money_moved(sale, scene.remote)
    if remote.state is RemoteSaleState.CANCELLED or (not moved and dues_same(sale, remote)):
        return
    dues_take(sale, remote)
    sale.version += 1
    if moved:
        amounts_take(sale, remote)
    else:
        sale.save()
    sale_changed(sale)
    sale_record(scene, sale, "sale.amounts")
    if moved and scene.listing is not None and scene.listing.final_price is not None:
        Listing.objects.filter(pk=scene.listing.pk).update(final_price=final_price(scene.listing, sale))


def _tell_step(scene: Scene, sale: Sale) -> None:
    """What a live sale waits for may be told later than the sale, or be another thing than before."""
    if sale.state not in SALE_LIVE or scene.remote.state in {RemoteSaleState.ISSUE, RemoteSaleState.CANCELLED}:
        return
    if not step_take(sale, scene.remote):
        return
    sale.version += 1
    sale.save()
    sale_changed(sale)
    alert_again(sale)
    sale_record(scene, sale, "sale.step")


def _tell_handed_over(scene: Scene, sale: Sale) -> None:
    """The tickets of a sale went, though it is under a complaint: they are asked for no more."""
    waits = sale.state == SaleState.CONFIRMED or (sale.state in HANDED_OVER and sale.asked_again_at is not None)
    if not scene.remote.handed_over or not waits:
        return
    if sale.state == SaleState.CONFIRMED:
        sale.state = state_by_money(sale, SaleState.FULFILLED)
    sale.asked_again_at = None
    delivered_note(sale)
    sale.version += 1
    sale.save()
    alerts_settle(sale)
    alert_again(sale)
    sale_commands_settle(sale)
    sale_changed(sale)
    sale_record(scene, sale, "sale.moved")


def _may_be_taken_now(scene: Scene, state: SaleState | None) -> bool:
    """Whether a sale that waits for a person can be settled by what its marketplace says now."""
    if state is None or state == SaleState.CANCELLED or scene.listing is None or scene.sale is None:
        return False
    allocation = allocation_of(scene, scene.listing)
    return allocation.clear and obstacle_of(scene.key, scene.account, allocation.seats) is not Obstacle.UNCLEAR


def _cancel(scene: Scene, sale: Sale) -> None:
    """Its marketplace has taken the locked sale back."""
    promised = sale.state == SaleState.PROVISIONAL
    ending = SaleEnding.PROMISE_CANCELLED if promised else SaleEnding.CANCELLED
    ending_apply(actor=scene.actor, sale=sale, ending=ending, reason=scene.remote.remote_status, seats=scene.seats)


def _trouble(scene: Scene, sale: Sale) -> None:
    """Its marketplace reports a state in which nothing is done by itself: a complaint, or one that we do not know."""
    if scene.remote.state is RemoteSaleState.ISSUE and ending_may_be(sale.state, SaleEnding.CLAIM):
        reason = f"its marketplace reports a problem with the sale ({scene.remote.remote_status})"
        ending_apply(actor=scene.actor, sale=sale, ending=SaleEnding.CLAIM, reason=reason)
    else:
        alert_unclear(sale, f"the marketplace reports a state we do not know ({scene.remote.remote_status})")


def _is_told(scene: Scene, sale: Sale, state: SaleState | None) -> bool:
    """Whether this word changes nothing: it is the one that we had."""
    remote, over_or_open = scene.remote, {SaleState.NEEDS_PERSON, SaleState.CANCELLED, SaleState.CONFLICT}
    if sale.remote_status != remote.remote_status:
        return False
    if RemoteSaleState.ISSUE in {sale.remote_state, remote.state} and sale.remote_state != remote.state:
        return False
    if state is None and sale.remote_state == remote.state:
        return True
    return sale.state == state or sale.state in over_or_open
