"""Commands for a person's hands: an assisted account has no interface for us, so its holder carries them out.

What is to be done is written down like any other command, with the words to copy; one tap says that it is done. Nobody
can promise when that is: these commands' time is counted apart, and what must come down nags until it has.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from listings.locks import command_lock, listings_lock, sale_lock
from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingStatus,
    MarketplaceCommand,
    Sale,
    SaleState,
)
from listings.selectors import FOR_HANDS, command_own, sold_among
from listings.services.allowed import listings_for
from listings.services.by_hand_over import tasks_over
from listings.services.come_over import sale_elsewhere
from listings.services.commands import hand_delists_settle, sale_commands_withdraw
from listings.services.far_off import price_check, proceeds_check
from listings.services.hand_alerts import alert_task, task_tell
from listings.services.hand_words import OWN_NAME
from listings.services.record import Answer, Outcome, apply_answer, command_scene
from listings.services.sale_alerts import alert_sold_elsewhere_down, sale_what
from listings.services.sale_numbers import number_give, sale_unnumbered
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import as_told, hands_take_over, sale_delists_done
from listings.services.seat_ids import all_seat_ids
from listings.states import TAKES_DOWN, URGENT
from marketplaces.contracts import RemoteListing, RemoteListingState, RemoteSale, RemoteSaleState
from marketplaces.locks import account_lock
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.registry import platform_name
from marketplaces.selectors import fee_version, proceeds_at
from marketplaces.services.alerts import alert_readings_over
from portfolios.locks import seats_lock
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.jobs import one_by_one
from seatsync.core.money import LARGEST, money_text, round_money

# What must come down is said at once, and again after each of these; from then on with the last one.
NAG_AFTER = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3))

TOLD_BY_HAND = "told by hand"


@transaction.atomic
def hand_done(*, actor: Actor, command_id: uuid.UUID, listing_id: str = "") -> MarketplaceCommand:
    """Say that what was asked for is done there; `listing_id` names the listing there, where a person knows it.

    Raises NotFound, or Conflict where it does not wait for anybody's hands any more, or another listing has its number.
    """
    known = hand_task(actor, command_id)
    if listing_id.strip():
        # Two that are told with the same number take turns.
        account_lock(known.account_id)
    if known.sale is not None and known.kind == CommandKind.FULFIL:
        # Seats are locked before sales and commands: it is handed over first, which a refusal below undoes.
        scene: tuple[Listing | None, Sale | None, list[Sale]] = (None, _handed_over(known.sale), [])
    else:
        scene = command_scene(known)
    listing, sale, waiting = scene
    command = command_lock(known.pk)
    if command.state != CommandState.NEEDS_PERSON:
        listed = command.kind == CommandKind.CREATE and command.state == CommandState.SUPERSEDED
        remedy = "Take it down there if you have listed it." if listed else "Nothing needs to be done."
        raise Conflict(f"It is {command.get_state_display()}.", field="command", remedy=remedy)
    remote = None
    if listing is not None and command.kind == CommandKind.CREATE:
        if listing.status not in {ListingStatus.PUBLISHING, ListingStatus.ERROR}:
            raise Conflict(f"The listing is {listing.standing}.", remedy="Take it down there if you have listed it.")
        remote = _as_listed(listing, listing_id.strip()[:80])
        _check_number(listing, remote.listing_id)
    sent = listing.price if listing is not None else None
    # The person's word is the answer of the place; nothing was in flight that could be late.
    apply_answer(command, listing, sale, Answer(Outcome.DONE, remote=remote, sent_price=sent))
    if listing is not None and command.kind == CommandKind.DELIST:
        _taken_down_with(command, listing)
    for one in waiting:
        # What a worker had begun before the account was left.
        sale_delists_done(one)
    if sale is not None and command.kind in TAKES_DOWN:
        alert_sold_elsewhere_down(sale)
    audit_record(
        actor=actor, verb="command.by_hand", object_type="command", object_id=command.pk,
        subject=command.account.user_id, after={"kind": command.kind},
    )  # fmt: skip
    return command


def _taken_down_with(done: MarketplaceCommand, listing: Listing) -> None:
    """What came down once is down for every sale that asked for it. The caller holds the listing's lock."""
    others = listing.commands.filter(FOR_HANDS, kind=CommandKind.DELIST)
    for pk in others.order_by("pk").values_list("pk", flat=True):
        other = command_lock(pk)
        apply_answer(other, listing, None, Answer(Outcome.DONE))
        audit_record(
            actor=Actor.system(other.tenant_id), verb="command.by_hand", object_type="command", object_id=other.pk,
            subject=other.account.user_id, after={"kind": other.kind, "with": str(done.pk)},
        )  # fmt: skip
        if other.sale is not None:
            alert_sold_elsewhere_down(other.sale)


def _handed_over(sale: Sale) -> Sale:
    """What a sale is once its holder has handed it over; locked, with its seats."""
    seats_lock(seats_of_sale(sale))
    # Nobody changes it any more: who tells anything of it locks its seats first.
    sale.refresh_from_db()
    handed = replace(as_told(sale), state=RemoteSaleState.IN_DELIVERY, remote_status="handed over by hand")
    return sale_apply(account=sale.account, remote=handed)


def sale_handed_over(*, actor: Actor, sale: Sale) -> None:
    """Note that a sale's tickets were handed over by hand; a task that asked for it asks no more.

    The caller holds a transaction, and has checked that the sale waits for its tickets.
    """
    handed = _handed_over(sale)
    sale_commands_withdraw(handed, frozenset({CommandKind.FULFIL}))
    audit_record(
        actor=actor, verb="sale.handed_over", object_type="sale", object_id=sale.pk, subject=sale.account.user_id,
        after={"by": "hand"},
    )  # fmt: skip


def _as_listed(listing: Listing, listing_id: str) -> RemoteListing:
    name = listing_id or f"{OWN_NAME}{listing.external_id[:12]}"
    return RemoteListing(
        listing_id=name, external_id=listing.external_id, event_id="", section=listing.section, row=listing.row,
        seat_from="", seat_to="", quantity=listing.quantity, price=listing.price, currency=listing.currency,
        state=RemoteListingState.ACTIVE,
    )  # fmt: skip


def _check_number(listing: Listing, number: str) -> None:
    """Raises Conflict for a number that another listing of the account has: it was copied from there."""
    other = Listing.objects.filter(account=listing.account_id, listing_id=number).exclude(pk=listing.pk).first()
    if other is not None:
        raise Conflict(
            f"{number} is the number of your listing {other.section}/{other.row}, {other.game.words}.",
            field="listing_id", remedy="Copy this one's number, or leave it out. Nothing was noted.",
        )  # fmt: skip


def hand_task(actor: Actor, command_id: uuid.UUID) -> MarketplaceCommand:
    """What waits, or waited, for the hands of one of the actor's own accounts; raises NotFound."""
    command = command_own(actor, command_id)
    if not command.by_hand:
        raise NotFound("No task with this id.")
    return command


def hand_listing(actor: Actor, listing_id: uuid.UUID) -> Listing:
    """The listing of which this person may say what sold there.

    Raises NotFound, NotAllowed, or Conflict for a listing of an account that tells its sales by itself.
    """
    (listing,) = listings_for(actor, [listing_id], verb="list")
    if listing.account.mode != Mode.ASSISTED:
        name = platform_name(listing.platform)
        raise Conflict(f"{name} tells its sales by itself.", field="listing", remedy="Nothing needs to be said.")
    return listing


@transaction.atomic
def hand_sold(
    *, actor: Actor, listing_id: uuid.UUID, seat_ids: Sequence[uuid.UUID], price: Decimal, order: str,
    proceeds: Decimal | None = None, confirmed: bool = False,
) -> Sale:  # fmt: skip
    """Say that seats of an assisted account's listing were sold there: `price` per ticket, `proceeds` of all of them.

    Without proceeds they follow from the marketplace's fee, or are not told where that is not known. `confirmed`: the
    price is meant, however far it is from what the listing is up for, and so are proceeds of less than a third of what
    was sold. One that was over stands again, or is a conflict where somebody else has its seats by now. The sale of
    just these seats that was told in one tap gets this number and these amounts. Raises NotFound, NotAllowed, Conflict
    for a listing of an account that tells its sales by itself or an order that is of other seats, or InvalidInput by
    field.
    """
    listing = hand_listing(actor, listing_id)
    if not order.strip():
        name = platform_name(listing.platform)
        raise InvalidInput("The order number is missing.", field="order", remedy=f"Copy it from {name}'s mail.")
    own = set(all_seat_ids(listing))
    if not seat_ids or not set(seat_ids) <= own:
        raise InvalidInput("These are not the listing's seats.", field="seats", remedy="Choose those that were sold.")
    if not price.is_finite() or price <= 0:
        raise InvalidInput(f"{price} is not a price.", field="price", remedy="Write it like 70.50.")
    numbers = Seat.objects.filter(pk__in=seat_ids).order_by("seat_number").values_list("seat_number", flat=True)
    # Told twice at once, in two spellings, it is one sale all the same: whoever comes second finds the first one's.
    seats_lock(own)
    number = named = order.strip()[:80]
    known = sale_numbered(listing.account, number) or sale_unnumbered(listing.account, seat_ids)
    if known is not None:
        if not _may_be_of(known, listing, seat_ids):
            raise _numbered_already(actor, known)
        number = known.platform_sale_id
    _check_unsold(listing, seat_ids, known)
    told = _told(listing, list(numbers), price, number, proceeds)
    price_check(price, listing, confirmed=confirmed)
    if proceeds is not None:
        proceeds_check(proceeds, told.gross, listing, confirmed=confirmed)
    if known is not None:
        _check_price(known, told)
    sale = sale_apply(account=listing.account, remote=told, fresh=is_over(known))
    unnamed = sale.unnumbered and named != sale.platform_sale_id
    return number_give(actor=actor, sale=sale, number=named) if unnamed else sale


def _check_unsold(listing: Listing, seat_ids: Sequence[uuid.UUID], known: Sale | None) -> None:
    """Raises Conflict for a seat that another sale of this account has: nobody there sells it twice, it is mistyped."""
    sold = sold_among(seat_ids).filter(sale__account=listing.account)
    if known is not None:
        sold = sold.exclude(sale=known)
    if (first := sold.first()) is not None:
        raise Conflict(
            f"Seat {first.seat} was sold there already, with order {first.sale.platform_sale_id}.", field="seats",
            remedy="Choose the others, or say first, on that sale's page, that it is cancelled or was no sale.",
        )  # fmt: skip


def is_over(known: Sale | None) -> bool:
    """Whether a sale that is told was known, and over by what was said: it may have been said by mistake."""
    return known is not None and known.state == SaleState.CANCELLED


def sale_numbered(account: MarketplaceAccount, number: str) -> Sale | None:
    """The sale of this order number that the account has, or another one of its holder there.

    Who copies it, or a mail, may write it in another case.
    """
    found = (
        Sale.objects.filter(account=account, platform_sale_id__iexact=number).select_related("listing").order_by("pk")
    )
    own = next((sale for sale in found if sale.platform_sale_id == number), None) or found.first()
    return own or sale_elsewhere(account, number)


def seats_of_sale(sale: Sale) -> set[uuid.UUID]:
    """The seats that a sale has, or had before it lost them."""
    live = dict(sale.sale_seats.values_list("seat_id", "live"))
    return {seat_id for seat_id, has in live.items() if has or not any(live.values())}


def _may_be_of(sale: Sale, listing: Listing, seat_ids: Sequence[uuid.UUID]) -> bool:
    """Whether it is this sale that is told again; of one that waits for a person or never had seats, it is his word."""
    if sale.state == SaleState.NEEDS_PERSON or (is_over(sale) and not sale.sale_seats.exists()):
        return sale.listing_id in {None, listing.pk}
    return sale.listing_id == listing.pk and seats_of_sale(sale) == set(seat_ids)


def _check_price(sale: Sale, told: RemoteSale) -> None:
    """Raises Conflict where another price is told of a sale than by hand before, and no proceeds that settle it."""
    if (
        sale.remote_status == TOLD_BY_HAND
        and not sale.unnumbered
        and sale.gross != told.gross
        and not told.proceeds_known
    ):
        raise Conflict(
            f"Order {sale.platform_sale_id} was told already, for {money_text(sale.gross, sale.currency)} together.",
            field="price", remedy="Look at the price again; where it was another, say what reaches you as well.",
        )  # fmt: skip


def _numbered_already(actor: Actor, sale: Sale) -> Conflict:
    seen = Sale.objects.visible_to(actor).filter(pk=sale.pk).exists()
    what = f": {sale_what(sale)} ({sale.get_state_display()})" if seen else ""
    return Conflict(
        f"Order {sale.platform_sale_id} is known already{what}.", field="order",
        remedy="Look at the number again; what is wrong with that sale is told on its own page.",
    )  # fmt: skip


def _told(listing: Listing, seats: list[int], price: Decimal, order: str, proceeds: Decimal | None) -> RemoteSale:
    gross, net = amounts_of(listing, len(seats), price, proceeds)
    return RemoteSale(
        sale_id=order, external_id=listing.external_id, listing_id=listing.listing_id, event_id="",
        quantity=len(seats), section=listing.section, row=listing.row, seats=tuple(map(str, seats)), gross=gross,
        fees=gross - net, proceeds=net, currency=listing.currency,
        state=RemoteSaleState.AWAITING_FULFILMENT, remote_status=TOLD_BY_HAND, sold_at=now(),
        # What we reckon by a fee nobody has told: whatever is told counts before it.
        proceeds_known=proceeds is not None,
    )  # fmt: skip


def amounts_of(
    listing: Listing, quantity: int, price: Decimal, proceeds: Decimal | None = None
) -> tuple[Decimal, Decimal]:
    """Gross and proceeds of so many tickets at this price; proceeds that are not told are the price less the fee.

    Where that fee is not known they are the gross, for now. Raises InvalidInput for a price or proceeds that cannot be.
    """
    gross = round_money(price) * quantity
    if gross > LARGEST:
        raise InvalidInput(f"{price} a ticket cannot be.", field="price", remedy="Write it like 70.50.")
    if proceeds is None:
        each = proceeds_at(round_money(price), fee_version(listing.platform))
        return gross, gross if each is None else each * quantity
    if not 0 <= proceeds <= gross:
        raise InvalidInput(
            f"{money_text(proceeds, listing.currency)} cannot come of {money_text(gross, listing.currency)}.",
            field="proceeds", remedy="Say what reaches you for all of the seats together.",
        )  # fmt: skip
    return gross, proceeds


def tasks_nag() -> int:
    """Say again what must come down and has not; returns how many were said."""
    _left_behind()
    _read_no_more()
    tasks_over()
    waiting = MarketplaceCommand.objects.filter(FOR_HANDS, kind__in=URGENT)
    due = waiting.select_related("account", "listing__game__opponent", "listing__game__home_team", "sale")
    return one_by_one("by_hand.nag", due, _nag)


def _nag(command: MarketplaceCommand) -> bool:
    step = int(command.payload.get("nagged", 0))
    if now() - command.created_at < nag_due(step):
        return False
    with transaction.atomic():
        locked = command_lock(command.pk)
        if locked.state != CommandState.NEEDS_PERSON or locked.payload.get("nagged", 0) != step:
            return False
        locked.payload = {**locked.payload, "nagged": step + 1}
        locked.save(update_fields=["payload", "updated_at"])
        alert_task(locked, again=step + 1)
    return True


def _left_behind() -> None:
    """What was written for a worker at the moment when its account was left is its holder's too."""
    missed = MarketplaceCommand.objects.filter(
        state=CommandState.PENDING, by_hand=False, account__mode=Mode.ASSISTED, account__is_active=True
    ).exclude(kind__in=[CommandKind.SYNC_ACCOUNT, CommandKind.VERIFY_GONE, CommandKind.UNSUBSCRIBE])
    told = missed.select_related("account", "listing__game__opponent", "listing__game__home_team", "sale")
    one_by_one("by_hand.left_behind", told, _take_over)


@transaction.atomic
def _take_over(command: MarketplaceCommand) -> bool:
    takes_down = command.kind in TAKES_DOWN
    locked = listings_lock(filter(None, [command.listing_id])) if takes_down else []
    sale = sale_lock(command.sale_id) if takes_down and command.sale_id else None
    late = MarketplaceCommand.objects.filter(pk=command.pk, state=CommandState.PENDING, by_hand=False)
    if not late.update(
        state=CommandState.NEEDS_PERSON, by_hand=True, whole_account=False, created_at=now(), updated_at=now()
    ):
        return False
    task_tell(command)
    for listing in locked:
        hand_delists_settle(listing, of_sale=False)
    if sale is not None:
        hands_take_over(sale)
    return True


def _read_no_more() -> None:
    """What went wrong in reading an account that its holder works with his own hands is nobody's trouble."""
    for account in MarketplaceAccount.objects.filter(mode=Mode.ASSISTED, is_active=True).exclude(last_error=""):
        alert_readings_over(account)
        MarketplaceAccount.objects.filter(pk=account.pk).update(last_error="", last_error_at=None, updated_at=now())


def nag_due(step: int) -> timedelta:
    """How long after a task was written it is said again, having been said again `step` times."""
    due = sum(NAG_AFTER[:step], timedelta())
    later = max(0, step - len(NAG_AFTER) + 1)
    return due + (NAG_AFTER[step] if step < len(NAG_AFTER) else NAG_AFTER[-1] * later)
