"""Two connections of one seller: what one of them has for its own at the marketplace, the other never takes.

Connecting a seller twice is refused (marketplaces/services/sellers.py), as far as its marketplace says who it is. Where
that shows only in what it lists, it shows here: no listing is adopted and no sale taken that is another connection's,
and none is ever rejected that the other one has. Connections that are worked by hand hear of nothing by themselves.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from listings.locks import listings_lock
from listings.models import CommandKind, Listing, ListingStatus, Sale
from listings.services.commands import commands_supersede
from listings.services.restate import listing_restate
from listings.states import OPEN, SALE_LIVE, listing_may_move
from marketplaces.contracts import RemoteListing, RemoteSale
from marketplaces.models import MarketplaceAccount, Mode
from portfolios.labels import label_of
from seatsync.core.errors import Conflict

M = TypeVar("M", Listing, Sale)
# What a listing says of itself whose connection is not the one that speaks for it.
_ELSEWHERE = "another connection of this account speaks for it"


@dataclass(frozen=True, slots=True)
class Named:
    """How a listing is told: by its names there, and what shows that it is the one meant; empty: not told."""

    listing_id: str
    key: str
    row: str = ""
    day: str = ""
    seat: str = ""

    def is_of(self, listing: Listing) -> bool:
        """Whether this one, which has one of its names, is meant: some sellers name theirs, and many say "1"."""
        if self.key and self.key == listing.external_id:
            return True  # nobody else gives our own key
        if self.row and label_of(self.row).casefold() != label_of(listing.row).casefold():
            return False
        if self.day and self.day != listing.game_date.isoformat():
            return False
        seats = listing.listing_seats.values_list("seat__seat_number", flat=True)
        return not self.seat.isdecimal() or int(self.seat) in seats


def named_of_listing(item: RemoteListing) -> Named:
    """As its marketplace shows it."""
    return Named(item.listing_id, item.external_id, item.row, item.event.local_date, item.seat_from)


def named_of_own(listing: Listing) -> Named:
    """As we have it ourselves."""
    return Named(listing.listing_id, listing.key_there, listing.row, listing.game_date.isoformat())


def check_own(account: MarketplaceAccount, named: Named) -> None:
    """Raises Conflict where another connection has the listing for its own."""
    if listing_of_another(account, named) is not None:
        raise Conflict(
            "This listing is kept in step over another connection of the same account.", field="account",
            remedy="Disconnect this one: one connection of an account is enough.",
        )  # fmt: skip


def listing_of_another(account: MarketplaceAccount, named: Named) -> Listing | None:
    """The listing of this name that another connection at the platform has for its own; None where none has.

    Its own is what it made; of what a hand made there, the connection's that was there first.
    """
    if account.mode == Mode.ASSISTED:
        return None
    by_name = _by_name(named)
    found = _of_others(account, Listing.objects.filter(by_name)).select_related("account")
    theirs = [one for one in found if named.is_of(one)]
    if not theirs:
        return None
    own = Listing.objects.filter(by_name, account=account).first()
    mine = _rank(account, made_there=own is None or own.made_there)
    first = min(theirs, key=lambda one: _rank(one.account, made_there=one.made_there))
    return first if _rank(first.account, made_there=first.made_there) < mine else None


def sale_of_another(account: MarketplaceAccount, remote: RemoteSale) -> bool:
    """Whether another connection has the sale, or the listing that sold, for its own; not of one that we have."""
    if account.mode == Mode.ASSISTED or Sale.objects.filter(account=account, platform_sale_id=remote.sale_id).exists():
        return False
    same = Sale.objects.filter(platform_sale_id=remote.sale_id, sold_at=remote.sold_at)
    if _of_others(account, same).exists():
        return True
    seat = remote.seats[0] if remote.seats else ""
    sold = Named(remote.listing_id, remote.external_id, remote.row, remote.event.local_date, seat)
    return listing_of_another(account, sold) is not None


def confirmed_by_another(sale: Sale) -> bool:
    """Whether another connection has the same sale and means to deliver it: then nobody rejects it there."""
    same = Sale.objects.filter(platform_sale_id=sale.platform_sale_id, sold_at=sale.sold_at, state__in=SALE_LIVE)
    return _of_others(sale.account, same).exists()


def is_doubled(account: MarketplaceAccount, shown: Sequence[RemoteListing]) -> bool:
    """Whether the account shows a listing that another connection has for its own, so that both are one seller's."""
    keys = {item.external_id for item in shown if item.external_id}
    ids = {item.listing_id for item in shown if item.listing_id}
    named = Q(external_id__in=keys) | Q(listing_id__in=ids)
    found = _of_others(account, Listing.objects.filter(named)).values_list("external_id", "listing_id")
    names = {name for pair in found for name in pair if name}
    return any(
        listing_of_another(account, named_of_listing(item)) is not None
        for item in shown
        if {item.listing_id, item.external_id} & names
    )


@transaction.atomic
def doubles_let_go(account_id: uuid.UUID) -> None:
    """What a paused connection has, and another one has for its own, is nothing of its any more; nothing is sent."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    open_there = Listing.objects.filter(account=account, status__in=OPEN)
    doubles = [one.pk for one in open_there if listing_of_another(account, named_of_own(one)) is not None]
    for listing in listings_lock(doubles):
        commands_supersede(listing, frozenset(CommandKind))
        if listing_may_move(listing.status, ListingStatus.CANCELLED):
            listing_restate(listing, ListingStatus.CANCELLED, _ELSEWHERE)


def _by_name(named: Named) -> Q:
    known = Q(external_id=named.key) if named.key else Q(pk=None)
    return known | (Q(listing_id=named.listing_id) if named.listing_id else Q(pk=None))


def _of_others(account: MarketplaceAccount, rows: QuerySet[M]) -> QuerySet[M]:
    """Those of other connections at its platform, in its mode."""
    own = {"account__platform": account.platform, "account__mode": account.mode, "account__is_active": True}
    return rows.filter(**own).exclude(account=account)


def _rank(account: MarketplaceAccount, *, made_there: bool) -> tuple[bool, object, uuid.UUID]:
    return made_there, account.created_at, account.pk
