"""What listings does when an account is connected again, or given up."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from listings.locks import listings_lock, sale_lock
from listings.models import (
    CommandKind,
    CommandState,
    Listing,
    ListingStatus,
    MarketplaceCommand,
    Sale,
    SaleEnding,
    SaleState,
)  # fmt: skip
from listings.selectors import FOR_HANDS, UNFINISHED
from listings.services.commands import hand_delists_settle
from listings.services.delist import listing_take_down
from listings.services.hand_alerts import task_tell
from listings.services.refs import listing_ref
from listings.services.sale_scene import hands_take_over
from listings.states import MAY_BE_UP, OPEN, TAKES_DOWN
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.ports import Business, Traces
from marketplaces.registry import platform_can
from portfolios.labels import seats_label
from portfolios.models import GameStatus
from seatsync.core.clock import now
from seatsync.core.errors import Conflict

# A sale may be told this long after the listing was down.
LATE = timedelta(seconds=30)
# A payout that has not come this long after its game is not waited for.
PAID_WITHIN = timedelta(days=45)
# So many of each kind are looked up over a new grant, at most.
_LOOKED_UP = 2
_UNSETTLED = (SaleState.PROVISIONAL, SaleState.CONFIRMED, SaleState.FULFILLED, SaleState.NEEDS_PERSON)


def account_business(account_id: uuid.UUID) -> Business:
    """What is still going on over the account: open listings, sales not through, commands on their way.

    A sale counts until it is paid or cancelled, at most 45 days after its game (after itself, where that is unknown),
    which is to come while it is postponed; one that is paid while its buyer wants his tickets again, or complains.
    """
    going = Q(state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
    unrefused = Q(state=CommandState.NEEDS_PERSON, kind=CommandKind.REJECT_SALE, sale__state=SaleState.CONFLICT)
    # Nobody has seen that it is gone, and nobody has said so.
    unseen = Q(state=CommandState.NEEDS_PERSON, kind=CommandKind.VERIFY_GONE, by_hand=False)
    waiting = MarketplaceCommand.objects.filter(going | unrefused | unseen, account_id=account_id)
    return Business(
        listings=Listing.objects.filter(account_id=account_id, status__in=OPEN).count(),
        sales=_open_sales(account_id).count(),
        # That its webhook is taken back is the last of all, and looked at by itself (webhook_back.py).
        commands=waiting.exclude(kind__in=[CommandKind.SYNC_ACCOUNT, CommandKind.UNSUBSCRIBE]).count(),
        unread=_unread(account_id),
    )


def _open_sales(account_id: uuid.UUID) -> QuerySet[Sale]:
    since = now() - PAID_WITHIN
    recent = Q(game__starts_at__gt=since) | Q(game=None, sold_at__gt=since) | Q(game__status=GameStatus.POSTPONED)
    wanted = Q(state=SaleState.COMPLETE) & (Q(asked_again_at__isnull=False) | Q(ending=SaleEnding.CLAIM))
    return Sale.objects.filter(recent & (Q(state__in=_UNSETTLED) | wanted), account_id=account_id)


def traces_of(account_id: uuid.UUID) -> Traces:
    """By what the account is known at its marketplace, as long as anything is open there.

    That sales were not read since its last listing was down (`unread`) is no such thing: they are, over any grant.
    """
    own = Listing.objects.filter(account_id=account_id)
    shown = own.filter(status=ListingStatus.ACTIVE).exclude(listing_id="")
    # A publication that failed may have been taken all the same.
    failed = Q(status=ListingStatus.ERROR) & (~Q(listing_id="") | Q(commands__outcome_unknown=True))
    doubtful = own.filter(Q(status__in=[ListingStatus.PAUSED, ListingStatus.DELISTING]) | failed).distinct()
    open_there = account_business(account_id)
    return Traces(
        shown=tuple(map(listing_ref, shown.order_by("-published_at")[:_LOOKED_UP])),
        sales=tuple(
            _open_sales(account_id).order_by("-sold_at").values_list("platform_sale_id", flat=True)[:_LOOKED_UP]
        ),
        perhaps=tuple(map(listing_ref, doubtful.order_by("-created_at")[:_LOOKED_UP])),
        more=bool(open_there.listings or open_there.sales or open_there.commands),
    )


def still_up_on(account_id: uuid.UUID) -> list[str]:
    """What the account's marketplace may show, in words, the next games first."""
    open_there = Listing.objects.filter(account_id=account_id, status__in=OPEN).exclude(listing_id="")
    shown = open_there.select_related("game__home_team", "game__opponent", "seat_group").order_by("game__starts_at")
    return [_in_words(one) for one in shown]


def _run(numbers: list[int]) -> str:
    """Seats side by side as "1-4", others one by one."""
    first, last = numbers[0], numbers[-1]
    if last - first + 1 != len(numbers):
        return ", ".join(map(str, numbers))
    return seats_label(first, last)


def _in_words(listing: Listing) -> str:
    # Of what shrinks or comes down its marketplace shows all of it until it was told, which it cannot be.
    untold = listing.commands.filter(kind__in=TAKES_DOWN, state__in=UNFINISHED).exists()
    seats = listing.listing_seats.all() if untold else listing.listing_seats.filter(offered=True)
    numbers = sorted(seats.values_list("seat__seat_number", flat=True))
    label = f" {_run(numbers)}" if numbers else ""
    return f"{len(numbers) or listing.quantity} in {listing.section}/{listing.row}{label}, {listing.game.words}"


def _unread(account_id: uuid.UUID) -> int:
    account = MarketplaceAccount.objects.get(pk=account_id)
    if account.mode == Mode.ASSISTED or not platform_can(account.platform, Capability.SALES_SINCE):
        return 0
    newest = MarketplaceCommand.objects.filter(account=account, kind=CommandKind.DELIST, state=CommandState.DONE)
    down_at = newest.aggregate(at=Max("finished_at"))["at"]
    read_at = account.sales_synced_until
    return int(down_at is not None and (read_at is None or read_at <= down_at + LATE))


@transaction.atomic
def account_listings_down(account_id: uuid.UUID) -> None:
    """Take down everything that may be up on the account; what is on its way down already stays so."""
    offered = Listing.objects.filter(account_id=account_id, status__in=MAY_BE_UP)
    wanted = offered.exclude(status=ListingStatus.DELISTING).values_list("pk", flat=True)
    for listing in listings_lock(wanted):
        listing_take_down(listing, reason="its account is being disconnected")


def account_left_by_hand(account_id: uuid.UUID) -> None:
    """What waits for an account's worker is for its holder's hands from now on. Raises Conflict while one is at it."""
    commands = MarketplaceCommand.objects.filter(account_id=account_id)
    if commands.filter(state=CommandState.IN_FLIGHT).exists():
        raise Conflict("A change is on its way there now.", field="account", remedy="Try again in a minute.")
    waiting = commands.filter(state__in=[CommandState.PENDING, CommandState.NEEDS_PERSON])
    asked_down = waiting.filter(kind__in=TAKES_DOWN)
    coming_down = listings_lock(filter(None, asked_down.values_list("listing_id", flat=True)))
    of_sales = Sale.objects.filter(commands__in=asked_down).order_by("pk").distinct().values_list("pk", flat=True)
    sales = [sale_lock(pk) for pk in of_sales]
    # Nobody reads an account by hand, or looks whether something is gone; its webhook is taken back for this anew.
    looks = [CommandKind.SYNC_ACCOUNT, CommandKind.VERIFY_GONE, CommandKind.UNSUBSCRIBE]
    waiting.filter(kind__in=looks).update(state=CommandState.SUPERSEDED, finished_at=now(), updated_at=now())
    waiting.update(state=CommandState.NEEDS_PERSON, by_hand=True, whole_account=False, updated_at=now())
    for listing in coming_down:
        hand_delists_settle(listing, of_sale=False)
    for sale in sales:
        hands_take_over(sale)
    for task in commands.filter(FOR_HANDS).select_related("account", "listing"):
        task_tell(task)
