"""The sale saga: a seat is sold once.

One transaction marks the seats and writes the commands that take every other listing of them down; workers carry
those out, and the time that took is kept on the sale.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from listings.locks import listings_lock, sale_lock
from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingSeat,
    MarketplaceCommand,
    Sale,
    SaleEnding,
    SaleSeat,
    SaleState,
)  # fmt: skip
from listings.payables import state_by_money
from listings.services.adopt import listing_adopt, listing_covers_sale, listing_of_unknown_sale
from listings.services.allocation import Allocation, allocate
from listings.services.come_over import sale_come_over, speaks
from listings.services.commands import command_write
from listings.services.delist import listing_take_down
from listings.services.ending_stands import ending_stand
from listings.services.endings import ending_apply
from listings.services.hand_over_due import dues_same, dues_take
from listings.services.notify import sale_changed
from listings.services.obstacles import Obstacle, hold_key, obstacle_of, promises_on, seats_held_for, seats_may_have
from listings.services.pass_on import seats_pass_on
from listings.services.payout_checks import sales_check
from listings.services.projections import offer_less, projections_shrink, sold_listing_shrink
from listings.services.recognise import recognise, told_of_sale
from listings.services.refs import listing_called
from listings.services.sale_alerts import (
    alert_again,
    alert_conflict,
    alert_sold,
    alert_sold_elsewhere_down,
    alert_unclear,
    alerts_settle,
)  # fmt: skip
from listings.services.sale_scene import (
    STATE_OF,
    Scene,
    amounts_take,
    as_told,
    asks_again,
    complaint_over,
    delivered_note,
    mark_if_nothing_to_take_down,
    money_moved,
    sale_audit,
    sale_facts,
    sale_record,
    sale_store,
    seats_attach,
    seats_detach,
    step_take,
)
from listings.services.wake import READ_SALE
from listings.states import HANDED_OVER, OFFERED, OPEN, SALE_LIVE, ending_may_be, sale_may_move
from marketplaces.contracts import RemoteSale, RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, platform_name
from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from portfolios.services.ledger import seats_move
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.core.jobs import enqueue_on_commit
from seatsync.core.money import round_money


@transaction.atomic
def sale_hold(*, account: MarketplaceAccount, external_id: str, platform_sale_id: str) -> int:
    """Hold the free seats of a listing at the first word of a sale, before it was read back; returns how many.

    Holding needs no answer from anybody and stops every other path to these seats at once.
    """
    listing = listing_called(account, key=external_id)
    if listing is None:
        return 0
    seats = seats_lock(_offered_ids(listing))
    # Asked under the lock: polling may have applied the sale while we waited, and what a known sale took is settled.
    if Sale.objects.filter(account=account, platform_sale_id=platform_sale_id).exists():
        return 0
    free = [seat for seat in seats if seat.state == OwnerState.AVAILABLE]
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
def projections_withdraw(*, account: MarketplaceAccount, external_id: str, reason: str) -> int:
    """Take down every other listing of a listing's seats: when a sale was announced and cannot be read back."""
    listing = listing_called(account, key=external_id)
    if listing is None:
        return 0
    seat_ids = _offered_ids(listing)
    seats_lock(seat_ids)
    others = listings_lock(pk for pk in _open_listing_ids(seat_ids) if pk != listing.pk)
    return sum(listing_take_down(other, reason=reason) for other in others)


def sale_apply(
    *, account: MarketplaceAccount, remote: RemoteSale, noticed_at: datetime | None = None, fresh: bool = False
) -> Sale:
    """Bring our world to what the marketplace says of one sale; any number of times, in any order, with one effect.

    `fresh`: it was read (or by hand told) anew because an earlier word contradicted what we have; then it counts.

    A sale is never refused and never dropped: an unknown listing, an unclear allocation or an unknown state is kept
    as `needs_person` with an alert, and seats that somebody else has make it a `conflict` with a reject command.
    What another account of the same holder has under its number is this sale, and comes over.
    """
    elsewhere = sale_come_over(account=account, remote=remote)
    if elsewhere is not None and speaks(elsewhere.account):
        # Told by hand or by mail: the account that hears of it from its marketplace knows more.
        return elsewhere
    return _apply(account, remote, noticed_at, fresh=fresh)


@transaction.atomic
def _apply(account: MarketplaceAccount, remote: RemoteSale, noticed_at: datetime | None, *, fresh: bool) -> Sale:
    listing = _listing_of(account, remote)
    locked = seats_lock(_wanted(account, remote, listing))
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    seats = _own_of(account, remote, listing, locked)
    scene = Scene(account, remote, listing, seats, noticed_at or now(), fresh=fresh)
    known = Sale.objects.filter(account=account, platform_sale_id=remote.sale_id).first()
    sale = _first_word(scene) if known is None else _further_word(scene, known)
    _pass_on(scene, sale, taken)
    return sale


def _pass_on(scene: Scene, sale: Sale, taken: Sequence[Seat]) -> None:
    """What it had, or was held for it, and is free by now may be another's."""
    seats_pass_on(
        actor=scene.actor, seats=taken, number=scene.remote.sale_id, platform=scene.account.platform, but=sale
    )


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
        return held | set(_all_seat_ids(listing))
    # Another sale that lets them go may have them held for this one before we have their locks.
    unclear = Sale.objects.filter(account=account, platform_sale_id=remote.sale_id, state=SaleState.NEEDS_PERSON)
    held.update(*unclear.values_list("may_be_of", flat=True))
    over = STATE_OF.get(remote.state) in {None, SaleState.CANCELLED}
    return held if over else held | {seat.pk for seat in recognise(account, told_of_sale(remote)).seats}


def _own_of(account: MarketplaceAccount, remote: RemoteSale, listing: Listing | None, locked: list[Seat]) -> list[Seat]:
    """Those that may be the sale's. What was held for it before its listing was known, and is none of that, is free."""
    if listing is None:
        return locked
    own, key = set(_all_seat_ids(listing)), hold_key(account.pk, remote.sale_id)
    strange = [seat for seat in locked if seat.pk not in own and seat.held_by == key and seat.state == OwnerState.HELD]
    if strange:
        actor, reason = Actor.marketplace(account.tenant_id, account.pk), "it is known which listing was sold"
        seats_move(actor=actor, seats=strange, to_state=OwnerState.AVAILABLE, reason=reason)
    return [seat for seat in locked if seat.pk in own]


def _offered_ids(listing: Listing) -> list[uuid.UUID]:
    return list(listing.listing_seats.filter(offered=True).values_list("seat_id", flat=True))


def _all_seat_ids(listing: Listing) -> list[uuid.UUID]:
    return list(listing.listing_seats.values_list("seat_id", flat=True))


def _open_listing_ids(seat_ids: list[uuid.UUID]) -> list[uuid.UUID]:
    offers = ListingSeat.objects.filter(seat_id__in=seat_ids, offered=True, listing__status__in=[*OPEN, "error"])
    return list(offers.values_list("listing_id", flat=True).distinct())


def _first_word(scene: Scene) -> Sale:
    state = STATE_OF.get(scene.remote.state)
    if scene.listing is None and scene.seats and state not in {None, SaleState.CANCELLED}:
        why = scene.remote.doubt or "it is of a listing that is not known, and of any of these"
        return _store_unallocated(scene, Allocation(reason=why))
    if scene.listing is None or state is None:
        return _store_unclear(scene, "an unknown listing" if scene.listing is None else "a state we do not know")
    if state == SaleState.CANCELLED:
        return _store_cancelled(scene, scene.listing)
    allocation = _allocated(scene, scene.listing)
    sale = _take(scene, scene.listing, state, allocation)
    told_all = scene.remote.buyer is not None or scene.fresh or scene.account.mode == Mode.ASSISTED
    if sale.state == SaleState.CONFIRMED and not told_all:
        # Some tell of the buyer only who asks for the one sale; of an assisted account's nobody can.
        enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    return sale


def _allocated(scene: Scene, listing: Listing) -> Allocation:
    traits = adapter_get(scene.account.platform).traits
    return allocate(scene.remote, listing, scene.seats, seller_allocates=traits.seller_allocates)


def _store_cancelled(scene: Scene, listing: Listing) -> Sale:
    """Over before we heard of it: its seats are the holder's, and off the listing that its marketplace made smaller."""
    gone = _allocated(scene, listing)
    (own,) = listings_lock([listing.pk])
    sale = sale_store(scene, SaleState.CANCELLED, "cancelled before we heard of it")
    _release(scene, sale)
    if gone.clear and own.status in OFFERED:
        offer_less(own, gone.seats)
    return sale


def _take(scene: Scene, listing: Listing, state: str, allocation: Allocation) -> Sale:
    """Give the seats of the listing to the sale, or find that somebody else has them."""
    if not allocation.clear:
        return _store_unallocated(scene, allocation)
    obstacle = obstacle_of(scene.key, scene.account, allocation.seats)
    if obstacle is Obstacle.TAKEN:
        return _conflict(scene, allocation.seats)
    if obstacle is Obstacle.UNCLEAR:
        for promise in promises_on(scene.account, allocation.seats).distinct():
            # What its marketplace sold again it has taken from that buyer: it is asked, and this sale told again.
            enqueue_on_commit(READ_SALE, sale_id=str(promise.pk))
        return _store_unallocated(scene, Allocation(reason="another sale that is not clear yet may have these seats"))
    to_state = OwnerState.HELD if state == SaleState.PROVISIONAL else OwnerState.SOLD
    _move_to(scene, allocation.seats, to_state)
    _give_back_rest(scene, allocation.seats)
    others = listings_lock([listing.pk, *_open_listing_ids([s.pk for s in allocation.seats])])
    sale = sale_store(scene, state, "")
    seats_attach(sale, allocation.seats, live=True)
    own = next(other for other in others if other.pk == listing.pk)
    sold_listing_shrink(own, allocation.seats, sale=sale)
    projections_shrink([o for o in others if o.pk != own.pk], allocation.seats, sale=sale)
    _confirm_if_asked(scene, sale)
    mark_if_nothing_to_take_down(sale)
    alerts_settle(sale)
    # Of one that was handed over before it was missed everybody has heard.
    if sale.stands and not (sale.missing and sale.state in HANDED_OVER):
        alert_sold(sale)
    sale_record(scene, sale, "sale.taken")
    return sale


def _move_to(scene: Scene, seats: list[Seat], to_state: str) -> None:
    moving = [seat for seat in seats if (seat.state, seat.held_by) != (to_state, scene.key)]
    seats_move(
        actor=scene.actor, seats=moving, to_state=to_state, held_by=scene.key,
        reason=f"{platform_name(scene.account.platform)} sale {scene.remote.sale_id}",
    )  # fmt: skip


def _give_back_rest(scene: Scene, taken: list[Seat]) -> None:
    """A partial sale: what the notice held beyond the allocation is free again."""
    rest = [s for s in scene.seats if s.held_by == scene.key and s.state == OwnerState.HELD and s not in taken]
    seats_move(actor=scene.actor, seats=rest, to_state=OwnerState.AVAILABLE, reason="not part of the sale")


def _conflict(scene: Scene, seats: list[Seat]) -> Sale:
    """Somebody else has a seat: the sale is kept, has no seat, and is rejected at its marketplace."""
    _give_back_rest(scene, [])
    sale = sale_store(scene, SaleState.CONFLICT, "a seat of this sale belongs to somebody else")
    seats_attach(sale, seats, live=False)
    command_write(sale=sale, kind=CommandKind.REJECT_SALE, key=_key_once("reject", sale))
    alerts_settle(sale)
    alert_conflict(sale)
    sale_record(scene, sale, "sale.conflict")
    return sale


def _store_unallocated(scene: Scene, allocation: Allocation) -> Sale:
    """The marketplace took some seats and does not say which: hold all, take everything else down, ask (I-04)."""
    free = [seat for seat in scene.seats if seat.state == OwnerState.AVAILABLE]
    _move_to(scene, free, OwnerState.HELD)
    scene.may_be_of = [seat.pk for seat in scene.seats]
    others = listings_lock(_open_listing_ids([seat.pk for seat in scene.seats]))
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


def _store_unclear(scene: Scene, what: str) -> Sale:
    """An unknown state raises an alert and takes no action (DOMAIN.md 4.7)."""
    reason = scene.remote.doubt or f"the marketplace reports {what} ({scene.remote.remote_status})"
    sale = sale_store(scene, SaleState.NEEDS_PERSON, reason)
    alert_unclear(sale, reason)
    sale_record(scene, sale, "sale.unclear")
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
    renamed = _named_otherwise(scene, known, state)
    if renamed is not None and scene.listing is not None and state is not None:
        _release(scene, known, reason="its marketplace names other seats")
        return _take(scene, scene.listing, state if sale_may_move(known.state, state) else known.state, renamed)
    if scene.listing is not None and (state == SaleState.CANCELLED or money_moved(known, scene.remote)):
        listings_lock([scene.listing.pk])
    sale = sale_lock(known.pk)
    scene.knows(sale)
    state = state and state_by_money(sale, state)
    _tell_money(scene, sale)
    _tell_step(scene, sale)
    # Asked for as long as it waits: who resolved an unclear sale did not confirm it there.
    _confirm_if_asked(scene, sale)
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
        alerts_settle(sale)
    _tell_money(scene, sale)
    _confirm_if_asked(scene, sale)
    _go_on(scene, sale, state)
    return sale


def _go_on(scene: Scene, sale: Sale, state: SaleState | None) -> None:
    """Bring the locked sale to what its marketplace says of it by now, and keep it."""
    ending = sale.ending
    _moved(scene, sale, state)
    sale.missing, sale.missed_at = False, None
    sale.version += 1
    sale.save()
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


def _named_otherwise(scene: Scene, sale: Sale, state: SaleState | None) -> Allocation | None:
    """The seats that its marketplace by now names for a live sale, where a person gave it others; else None."""
    if not scene.remote.seats or scene.listing is None or not SALE_LIVE.issuperset({sale.state, state}):
        return None
    if adapter_get(scene.account.platform).traits.seller_allocates:
        return None
    named = _allocated(scene, scene.listing)
    own = set(SaleSeat.objects.filter(sale=sale, live=True).values_list("seat_id", flat=True))
    other = named.clear and {seat.pk for seat in named.seats} != own
    return named if other else None


def _stands(scene: Scene, sale: Sale, state: SaleState) -> None:
    """A live sale has gone on; one that was only promised has its seats now."""
    promised, sale.state = sale.state == SaleState.PROVISIONAL, state
    delivered_note(sale)
    _move_to(scene, [s for s in scene.seats if s.held_by == scene.key], OwnerState.SOLD)
    alerts_settle(sale)
    if promised and scene.listing is not None and sale.stands:
        alert_sold(sale)


def _stands_again(scene: Scene, sale: Sale, state: SaleState | None) -> bool:
    """Whether a sale that was cancelled (or dismissed) here has moved on there as if it were not.

    Who tells of it by hand has the same words each time: that he does so after it was over is the news.
    """
    told_anew = scene.fresh and scene.account.mode == Mode.ASSISTED
    moved_on = told_anew or sale.remote_status != scene.remote.remote_status
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
        each = round_money(sale.gross / max(sale.quantity, 1))
        Listing.objects.filter(pk=scene.listing.pk).update(final_price=each)


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


def sale_settle(*, actor: Actor, sale: Sale, listing: Listing, seats: Sequence[Seat]) -> Sale:
    """A person says which seats of its listing a sale took that its marketplace left unclear.

    It is read anew right after: where it is clear there by now, that counts. The caller has checked who that is, and
    holds an open transaction. Raises Conflict where it is not unclear any more, or somebody else has a seat.
    """
    locked = seats_lock({*_all_seat_ids(listing), *seats_may_have(sale)})
    _check_open(sale)
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    chosen = [seat for seat in locked if seat.pk in {wanted.pk for wanted in seats}]
    scene = Scene(sale.account, as_told(sale), listing, locked, sale.noticed_at, sale, actor)
    if obstacle_of(scene.key, sale.account, chosen) is not None:
        remedy = "Choose the seats that it took, or settle the other sale first."
        raise Conflict("Another sale has one of these seats.", field="seats", remedy=remedy)
    enqueue_on_commit(READ_SALE, sale_id=str(sale.pk))
    settled = _take(scene, listing, STATE_OF[scene.remote.state], Allocation(chosen))
    _pass_on(scene, settled, taken)
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
    locked = seats_lock(_all_seat_ids(sale.listing) if sale.listing else seats_may_have(sale))
    if not locked:
        # No seat's lock holds anybody up.
        sale_lock(sale.pk)
    _check_open(sale)
    scene = Scene(sale.account, as_told(sale), sale.listing, locked, sale.noticed_at, sale, actor)
    taken = [seat for seat in locked if seat.state != OwnerState.AVAILABLE]
    _release(scene, sale)
    kept = sale_store(scene, SaleState.CANCELLED, reason)
    alerts_settle(kept)
    sale_record(scene, kept, "sale.dismissed")
    _pass_on(scene, kept, taken)
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
    _release(scene, sale, reason="it is known which seats the sale took")
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


def _may_be_taken_now(scene: Scene, state: SaleState | None) -> bool:
    """Whether a sale that waits for a person can be settled by what its marketplace says now."""
    if state is None or state == SaleState.CANCELLED or scene.listing is None or scene.sale is None:
        return False
    allocation = _allocated(scene, scene.listing)
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


def _release(scene: Scene, sale: Sale, *, reason: str = "the sale was cancelled") -> None:
    """Give a sale's seats back to the holder; nothing is listed again without being asked."""
    own = [seat for seat in scene.seats if seat.held_by == scene.key]
    seats_move(actor=scene.actor, seats=own, to_state=OwnerState.AVAILABLE, reason=reason)
    seats_detach(sale)


def _confirm_if_asked(scene: Scene, sale: Sale) -> None:
    """Confirm only a sale that has its seats (I-03)."""
    if scene.remote.state == RemoteSaleState.AWAITING_CONFIRM and sale.state in SALE_LIVE:
        command_write(sale=sale, kind=CommandKind.CONFIRM_SALE, key=_key_once("confirm", sale))


def _key_once(what: str, sale: Sale) -> str:
    """The key of what is said once of a sale, and once more where it stands again after it was over."""
    return f"{what}:{sale.pk}:{int(sale.noticed_at.timestamp())}"


def sale_delists_done(sale: Sale) -> bool:
    """Note when the last command that took these seats off elsewhere is finished; returns whether that is now.

    The caller holds the sale's lock.
    """
    if sale.last_delist_at is not None:
        return False
    down = MarketplaceCommand.objects.filter(sale=sale, kind__in=[CommandKind.DELIST, CommandKind.RESIZE])
    # What a person has to take down is nobody's speed but his: its time is shown apart.
    pending = down.filter(by_hand=False).exclude(state__in=[CommandState.DONE, CommandState.SUPERSEDED])
    if pending.exists():
        return False
    sale.last_delist_at = now()
    elapsed = sale.last_delist_at - sale.noticed_at
    sale.notice_to_last_delist_ms = max(0, round(elapsed.total_seconds() * 1000))
    sale.version += 1
    sale.save(update_fields=["last_delist_at", "notice_to_last_delist_ms", "version", "updated_at"])
    sale_changed(sale)
    alert_sold_elsewhere_down(sale)
    return True
