"""Two connections of one seller: what one of them has for its own at the marketplace, the other never takes.

Connecting a seller twice is refused (marketplaces/services/sellers.py), as far as its marketplace says who it is. Where
that shows only in what it lists, it shows here: no listing is adopted and no sale taken that is another connection's,
and none is ever rejected that the other one has. Connections that are worked by hand hear of nothing by themselves.
"""

import uuid
from collections.abc import Sequence
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


def check_own(account: MarketplaceAccount, *, listing_id: str, key: str, row: str = "") -> None:
    """Raises Conflict where another connection has the listing for its own."""
    if listing_of_another(account, listing_id=listing_id, key=key, row=row) is not None:
        raise Conflict(
            "This listing is kept in step over another connection of the same account.", field="account",
            remedy="Disconnect this one: one connection of an account is enough.",
        )  # fmt: skip


def listing_of_another(account: MarketplaceAccount, *, listing_id: str, key: str, row: str = "") -> Listing | None:
    """The listing of this name that another connection at the platform has for its own; None where none has.

    Its own is what it made; of what a hand made there, the connection's that was there first. Some platforms have
    sellers name their listings: where the row is told, it is that row's.
    """
    if account.mode == Mode.ASSISTED:
        return None
    named = _named(listing_id, key)
    found = _of_others(account, Listing.objects.filter(named)).select_related("account")
    theirs = [one for one in found if _is_of_row(one, key, row)]
    if not theirs:
        return None
    own = Listing.objects.filter(named, account=account).first()
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
    found = listing_of_another(account, listing_id=remote.listing_id, key=remote.external_id, row=remote.row)
    return found is not None


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
        listing_of_another(account, listing_id=item.listing_id, key=item.external_id, row=item.row) is not None
        for item in shown
        if {item.listing_id, item.external_id} & names
    )


@transaction.atomic
def doubles_let_go(account_id: uuid.UUID) -> None:
    """What a paused connection has, and another one has for its own, is nothing of its any more; nothing is sent."""
    account = MarketplaceAccount.objects.get(pk=account_id)
    open_there = Listing.objects.filter(account=account, status__in=OPEN)
    doubles = [
        listing.pk for listing in open_there
        if listing_of_another(account, listing_id=listing.listing_id, key=listing.key_there, row=listing.row)
    ]  # fmt: skip
    for listing in listings_lock(doubles):
        commands_supersede(listing, frozenset(CommandKind))
        if listing_may_move(listing.status, ListingStatus.CANCELLED):
            listing_restate(listing, ListingStatus.CANCELLED, _ELSEWHERE)


def _named(listing_id: str, key: str) -> Q:
    """By our own key, which nobody else gives, or by the id there."""
    named = Q(external_id=key) if key else Q(pk=None)
    return named | (Q(listing_id=listing_id) if listing_id else Q(pk=None))


def _of_others(account: MarketplaceAccount, rows: QuerySet[M]) -> QuerySet[M]:
    """Those of other connections at its platform, in its mode."""
    own = {"account__platform": account.platform, "account__mode": account.mode, "account__is_active": True}
    return rows.filter(**own).exclude(account=account)


def _is_of_row(listing: Listing, key: str, row: str) -> bool:
    same_row = not row or label_of(row).casefold() == label_of(listing.row).casefold()
    return same_row or bool(key and key == listing.external_id)


def _rank(account: MarketplaceAccount, *, made_there: bool) -> tuple[bool, object, uuid.UUID]:
    return made_there, account.created_at, account.pk
