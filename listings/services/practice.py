"""The paper market beside the real one (I-20): it takes nothing that is on sale for real, and keeps nothing from it.

A buyer on paper is turned down where a seat is offered for real. A real sale, or a real listing that is met, of seats
that only sales on paper have ends those: no real buyer is rejected, and no real listing taken down, for practice.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db.models import Q
from django.db.models.functions import Coalesce

from listings.locks import listings_lock
from listings.models import PRACTICE_OVER, Listing, ListingSeat, Sale, SaleEnding, SaleState
from listings.selectors import may_be_shown
from listings.services.delist import listing_take_down
from listings.services.endings import sale_end
from listings.states import MAY_BE_UP, SALE_LIVE, ending_may_be
from marketplaces.models import MarketplaceAccount, Mode
from portfolios.models import Seat
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict
from seatsync.core.locks import transaction_open

T = TypeVar("T")
FOR_REAL = f"{PRACTICE_OVER}, and its seats are sold or offered for real"
# Each round ends all that is found; another one may come between.
_ROUNDS = 3


class PracticeHas(Conflict):
    """Sales on paper have seats that are wanted for real. They are ended outside the transaction that met them."""

    def __init__(self, sale_ids: Sequence[uuid.UUID]) -> None:
        self.sale_ids = sale_ids
        super().__init__(
            "One of these seats is sold on paper.", field="seats",
            remedy="Say on that sale's page that it was practice, or try again in a moment.",
        )  # fmt: skip


def on_paper(account: MarketplaceAccount, listing: Listing | None) -> bool:
    """Whether what is sold over it is sold on paper; an account that was left keeps the market of its listings."""
    return (account.mode if listing is None else listing.mode) == Mode.PAPER


def offered_for_real(seats: Sequence[Seat]) -> ListingSeat | None:
    """The first of these seats that may be on show in the real market; None where none is."""
    real = ListingSeat.objects.filter(may_be_shown(), seat__in=seats, offered=True).exclude(listing__mode=Mode.PAPER)
    return real.select_related("seat", "listing").order_by("seat__seat_number").first()


def practice_make_way(seats: Sequence[Seat], *, key: str = "") -> None:
    """Raises PracticeHas where sales on paper have any of these locked seats, which are wanted for real.

    `key`: what the seats of the sale that wants them say in `held_by`.
    """
    had = {seat.held_by for seat in seats if seat.held_by.startswith("sale:") and seat.held_by != key}
    if not had:
        return
    named = Q()
    for holder in had:
        _, account_hex, number = holder.split(":", 2)
        named |= Q(account_id=uuid.UUID(account_hex), platform_sale_id=number)
    paper = Sale.objects.alias(market=Coalesce("listing__mode", "mode")).filter(named, market=Mode.PAPER)
    if found := list(paper.values_list("pk", flat=True)):
        raise PracticeHas(found)


def practice_down(seats: Sequence[Seat]) -> None:
    """Take down what offers these locked seats on paper: they were met on sale for real.

    The caller holds a transaction, and locks of nothing above listings.
    """
    offered = ListingSeat.objects.filter(seat__in=seats, offered=True, listing__mode=Mode.PAPER)
    open_there = offered.filter(listing__status__in=MAY_BE_UP)
    for listing in listings_lock(open_there.values_list("listing_id", flat=True).distinct()):
        listing_take_down(listing, reason="its seats are on sale for real")


def past_practice(work: Callable[[], T]) -> T:
    """What `work` returns, which was done anew where it met sales on paper that have what is wanted for real.

    Inside somebody else's transaction they cannot be ended: whoever began that is told (PracticeHas).
    """
    for _ in range(_ROUNDS):
        try:
            return work()
        except PracticeHas as met:
            if transaction_open():
                raise
            for sale_id in met.sale_ids:
                practice_end(actor=Actor.system(), sale=Sale.objects.get(pk=sale_id), reason=FOR_REAL)
    return work()


def practice_end(*, actor: Actor, sale: Sale, reason: str) -> Sale:
    """A sale on paper is over: its seats are the holder's again, and its marketplace is not asked.

    Raises Conflict where it is over already.
    """
    ending = SaleEnding.PROMISE_CANCELLED if sale.state == SaleState.PROVISIONAL else SaleEnding.CANCELLED
    return sale_end(actor=actor, sale_id=sale.pk, ending=ending, reason=reason)


def practice_may_end(sale: Sale) -> bool:
    """Whether it was sold on paper, and has or may have seats."""
    open_still = sale.state in SALE_LIVE or ending_may_be(sale.state, SaleEnding.CANCELLED)
    return open_still and sale.on_paper
