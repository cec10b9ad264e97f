"""What a holder's account takes over from another row of the same account: he left it, or gave it up, and is back.

A sale's number and a listing's are their marketplace's: what another account of the same holder there, in the same
market, has under one of them is the same thing. It goes on over the account that can speak for it now.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from listings.locks import command_lock, listings_lock, sale_lock
from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Payout, Sale
from listings.selectors import FOR_HANDS
from listings.services.adopt import adoption_problem, listing_adopt
from listings.services.hand_alerts import alert_task_done
from listings.services.hand_words import OWN_NAME
from listings.services.notify import listing_changed, sale_changed
from listings.services.obstacles import hold_key
from listings.services.practice import practice_down
from listings.services.sale_alerts import alert_sold_elsewhere_down
from listings.services.seat_ids import offered_ids
from listings.services.wake import outbox_wake
from listings.states import OPEN, SHOWN, TAKES_DOWN, URGENT
from marketplaces.contracts import RemoteListing, RemoteSale
from marketplaces.models import MarketplaceAccount, Mode, modes_of
from marketplaces.registry import traits_of
from portfolios.locks import seats_lock
from portfolios.models import Seat
from portfolios.services.ledger import seats_hold_on
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now

# What a worker does as well as a hand. What was to be listed may be there by now under another name, and how tickets
# were handed over only its holder knows: these stay his.
_FOR_WORKER = URGENT | {CommandKind.REPRICE, CommandKind.CONFIRM_SALE}


def sale_elsewhere(account: MarketplaceAccount, number: str) -> Sale | None:
    """The sale of this number, in any case, that another account of the same holder there has; None where none is."""
    if not number or Sale.objects.filter(account=account, platform_sale_id=number).exists():
        return None
    found = Sale.objects.filter(_others(account)).alias(market=Coalesce("listing__mode", "mode"))
    found = found.filter(market__in=modes_of(paper=account.paper), platform_sale_id__iexact=number)
    return found.select_related("account", "listing").order_by("-account__is_active", "pk").first()


def speaks(account: MarketplaceAccount) -> bool:
    """Whether its marketplace tells of it by itself."""
    return account.is_active and account.mode != Mode.ASSISTED


def sale_come_over(*, account: MarketplaceAccount, remote: RemoteSale) -> Sale | None:
    """Let the account have the sale that its marketplace tells of and another row has; None where none has it.

    What speaks for itself already keeps it. With it go its listing and that listing's other sales. In a transaction
    of its own: the caller has none open that holds a lock above the seats'.
    """
    found = sale_elsewhere(account, remote.sale_id)
    if found is None or speaks(found.account):
        return found
    with transaction.atomic():
        listing = found.listing if found.listing is not None and found.listing.account_id == found.account_id else None
        sales = list(Sale.objects.filter(listing=listing)) if listing is not None else [found]
        seats = _seats_lock([] if listing is None else [listing], sales)
        if listing is not None:
            (listing,) = listings_lock([listing.pk])
            if _has_twin(account, listing, remote.listing_id):
                # It was met anew before: the sale alone comes over.
                listing, sales = None, [found]
            elif listing.account_id != account.pk:
                _listing_move(account, listing, listing_id=remote.listing_id, remote_key=remote.external_id)
        for sale in sorted(sales, key=lambda one: one.pk):
            _sale_move(account, sale.pk, seats, remote.sale_id if sale.pk == found.pk else sale.platform_sale_id)
        _commands_move(account, [] if listing is None else [listing.pk], [sale.pk for sale in sales])
    return found


def listings_come_over(account: MarketplaceAccount, shown: Iterable[RemoteListing]) -> None:
    """Let the account have the open listings of other rows that it shows, by their key or id there; each by itself."""
    left = Listing.objects.filter(left_there(account), status__in=OPEN)
    by_name = {name: listing for listing in left for name in (listing.listing_id, listing.key_there) if name}
    for item in shown:
        listing = by_name.get(item.external_id) or by_name.get(item.listing_id)
        if listing is not None:
            listing_come_over(account=account, listing=listing, listing_id=item.listing_id, remote_key=item.external_id)


def listing_of_seats(account: MarketplaceAccount, seats: Sequence[Seat]) -> Listing | None:
    """The one listing of another row that may be on show there with just these seats on offer.

    Who lists by hand seldom tells by what name it is there.
    """
    wanted = {seat.pk for seat in seats}
    found = Listing.objects.filter(left_there(account), status__in=SHOWN, listing_seats__seat__in=wanted)
    same = [
        listing for listing in found.distinct()
        if set(offered_ids(listing)) == wanted
    ]  # fmt: skip
    return same[0] if len(same) == 1 else None


@transaction.atomic
def listing_come_over(
    *, account: MarketplaceAccount, listing: Listing, listing_id: str, remote_key: str
) -> Listing:  # fmt: skip
    """Let the account have another row's listing that it shows, with its sales and what is to be done about it.

    `listing_id` and `remote_key`: what it is called there.
    """
    sales = list(Sale.objects.filter(listing=listing).order_by("pk"))
    seats = _seats_lock([listing], sales)
    (moved,) = listings_lock([listing.pk])
    if moved.account_id == account.pk or _has_twin(account, moved, listing_id):
        return moved
    _listing_move(account, moved, listing_id=listing_id, remote_key=remote_key)
    for sale in sales:
        _sale_move(account, sale.pk, seats, sale.platform_sale_id)
    _commands_move(account, [moved.pk], [sale.pk for sale in sales])
    return moved


def listing_take_in(
    *, actor: Actor, account: MarketplaceAccount, seats: Sequence[Seat], listing_id: str, remote_key: str,
    price: Decimal, currency: str, delivery: str, proceeds: Decimal | None = None, all_in: Decimal | None = None,
    expires_at: datetime | None = None,
) -> Listing:  # fmt: skip
    """What the account shows, as one of ours: another row's of just these seats, which comes over, or a new one.

    The caller holds a transaction and the seats' locks. Raises Conflict as `listing_adopt` does.
    """
    left = None if adoption_problem(seats, price, currency) else listing_of_seats(account, seats)
    if left is not None:
        return listing_come_over(account=account, listing=left, listing_id=listing_id, remote_key=remote_key)
    made = listing_adopt(
        actor=actor, account=account, seats=seats, listing_id=listing_id, remote_key=remote_key, price=price,
        currency=currency, proceeds=proceeds, all_in=all_in, expires_at=expires_at, delivery=delivery,
    )  # fmt: skip
    if not account.paper:
        practice_down(seats)
    return made


def payout_come_over(*, account: MarketplaceAccount, payout: Payout) -> None:
    """Let the account have a locked payout that another row was told of, and it is too."""
    before = {"account": str(payout.account_id), "mode": payout.mode}
    payout.account, payout.mode = account, account.mode
    payout.save(update_fields=["account", "mode", "updated_at"])
    _audit(account, "payout", payout.pk, before)


def left_there(account: MarketplaceAccount) -> Q:
    """Of rows that it takes over from: its holder's others there, in its market, that do not speak for themselves."""
    silent = Q(account__is_active=False) | Q(account__mode=Mode.ASSISTED)
    return _others(account) & silent & Q(mode__in=modes_of(paper=account.paper))


def _others(account: MarketplaceAccount) -> Q:
    """Of the other accounts that the same holder has, or had, at this platform."""
    holder = Q(account__tenant_id=account.tenant_id, account__user_id=account.user_id)
    return holder & Q(account__platform=account.platform) & ~Q(account=account)


def _seats_lock(listings: Sequence[Listing], sales: Sequence[Sale]) -> list[Seat]:
    keys = [hold_key(sale.account_id, sale.platform_sale_id) for sale in sales]
    held = Q(held_by__in=keys, tenant_id__in=[sale.tenant_id for sale in sales])
    of_it = Q(listing_seats__listing__in=listings)
    # Another sale that lets them go may have them held for one of these before we have their locks.
    may_be = Q(pk__in={pk for sale in sales for pk in sale.may_be_of})
    return seats_lock(Seat.objects.filter(held | of_it | may_be).values_list("pk", flat=True).distinct())


def _has_twin(account: MarketplaceAccount, listing: Listing, listing_id: str) -> bool:
    """Whether the account has another listing that is the same one there."""
    names = {listing.listing_id, listing_id} - {""}
    return Listing.objects.filter(account=account, listing_id__in=names).exclude(pk=listing.pk).exists()


def _listing_move(account: MarketplaceAccount, listing: Listing, *, listing_id: str, remote_key: str) -> None:
    by_hand = listing.listing_id.startswith(OWN_NAME)
    if listing_id and (by_hand or not listing.listing_id):
        listing.listing_id = listing_id
    if by_hand or (remote_key and remote_key != listing.key_there):
        # A hand made it there: our own key names nothing to its marketplace.
        listing.made_there, listing.remote_key = True, remote_key[:80]
    before = {"account": str(listing.account_id), "mode": listing.mode}
    listing.account, listing.mode = account, account.mode
    listing.version += 1
    listing.save()
    listing_changed(listing)
    _audit(account, "listing", listing.pk, before)


def _sale_move(account: MarketplaceAccount, sale_id: uuid.UUID, seats: Sequence[Seat], number: str) -> None:
    sale = sale_lock(sale_id)
    twins = Sale.objects.filter(account=account, platform_sale_id=number)
    if sale.account_id == account.pk or twins.exists():
        return
    key = hold_key(sale.account_id, sale.platform_sale_id)
    seats_hold_on([seat for seat in seats if seat.held_by == key], held_by=hold_key(account.pk, number))
    before = {"account": str(sale.account_id), "mode": sale.mode, "platform_sale_id": sale.platform_sale_id}
    sale.account, sale.mode, sale.platform_sale_id = account, account.mode, number
    sale.version += 1
    sale.save()
    sale_changed(sale)
    _audit(account, "sale", sale.pk, before)


def _commands_move(account: MarketplaceAccount, listings: Sequence[uuid.UUID], sales: Sequence[uuid.UUID]) -> None:
    """What is to be done about them is done over the account: by its worker, where it has one."""
    others = MarketplaceCommand.objects.filter(_others(account))
    of_them = others.filter(Q(listing__in=listings) | Q(listing=None, sale__in=sales))
    taken_over = of_them.filter(FOR_HANDS, kind__in=TAKES_DOWN) if speaks(account) else of_them.none()
    elsewhere = Sale.objects.filter(commands__in=taken_over).order_by("pk").distinct()
    waiting = [sale_lock(pk) for pk in elsewhere.values_list("pk", flat=True)]
    traits, woken = traits_of(account.platform), False
    for command_id in of_them.order_by("pk").values_list("pk", flat=True):
        command = command_lock(command_id)
        waits = command.by_hand and command.state == CommandState.NEEDS_PERSON
        if waits and command.kind in _FOR_WORKER and speaks(account):
            alert_task_done(command)
            command.state, command.by_hand, command.not_before = CommandState.PENDING, False, now()
            command.whole_account = traits is not None and traits.whole_account
            woken = True
        command.account = account
        command.save()
    for sale in waiting:
        _down_by_worker(sale)
    if woken:
        outbox_wake(urgent=True)


def _down_by_worker(sale: Sale) -> None:
    """A locked sale whose seats its holder was to take off show: nobody asks him, and it is over when a worker has.

    How long that took is told from the sale on: they were on show all the while.
    """
    sale.last_delist_at = sale.notice_to_last_delist_ms = None
    sale.version += 1
    sale.save(update_fields=["last_delist_at", "notice_to_last_delist_ms", "version", "updated_at"])
    sale_changed(sale)
    alert_sold_elsewhere_down(sale)


def _audit(account: MarketplaceAccount, what: str, object_id: uuid.UUID, before: dict[str, str]) -> None:
    audit_record(
        actor=Actor.marketplace(account.tenant_id, account.pk), verb=f"{what}.come_over", object_type=what,
        object_id=object_id, subject=account.user_id, before=before,
        after={"account": str(account.pk), "mode": account.mode},
    )  # fmt: skip
