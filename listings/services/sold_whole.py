"""That all of a listing sold, said in one tap: at its present price, its net reckoned, both to be put right."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from listings.models import Listing, Sale
from listings.services.by_hand import hand_listing, hand_sold
from listings.services.sale_numbers import name_without
from listings.services.seat_ids import all_seat_ids, offered_ids
from listings.states import SALE_LIVE, SHOWN
from marketplaces.models import FeeVersion, Mode
from marketplaces.selectors import fee_version, proceeds_at
from portfolios.locks import seats_lock
from seatsync.core.actors import Actor
from seatsync.core.errors import Conflict
from seatsync.core.money import money_text


@dataclass(frozen=True, slots=True)
class Whole:
    """What the tap would say: so many tickets at this price each, and what they bring, all told in their currency."""

    quantity: int
    price: Decimal
    # Reckoned by the fee table; None where the fee is not known.
    proceeds: Decimal | None
    currency: str


def wholes_of(listings: Iterable[Listing]) -> list[tuple[Listing, Whole | None]]:
    """What one tap would say of each of these listings (their accounts read along); None where it can say nothing."""
    wanted = list(listings)
    fees = {platform: fee_version(platform) for platform in {listing.platform for listing in wanted}}
    return [(listing, _whole(listing, fees[listing.platform])) for listing in wanted]


def _whole(listing: Listing, fee: FeeVersion | None) -> Whole | None:
    if listing.account.mode != Mode.ASSISTED or listing.status not in SHOWN or not listing.quantity:
        return None
    price = listing.price_there
    each = proceeds_at(price, fee)
    return Whole(listing.quantity, price, None if each is None else each * listing.quantity, listing.currency)


@transaction.atomic
def hand_sold_whole(
    *, actor: Actor, listing_id: uuid.UUID, quantity: int | None = None, price: Decimal | None = None
) -> Sale:
    """Say that all seats that an assisted account's listing offers were sold there, at its present price.

    The sale has no number until a form or a mail names one, and its proceeds are reckoned (`proceeds_told` false). A
    second tap is the same sale; after the first was taken back it is sold once more. `quantity` and `price` per
    ticket: what whoever says it saw on offer, where that is known. Raises NotFound, NotAllowed, or Conflict for an
    account that tells its sales by itself, a listing that offers nothing there, or other seats or another price than
    were seen: a part of it may have been told meanwhile, and this may be that same sale.
    """
    listing = hand_listing(actor, listing_id)
    seats_lock(all_seat_ids(listing))
    listing.refresh_from_db()
    number = name_without(listing)
    known = Sale.objects.filter(account=listing.account, platform_sale_id=number).first()
    if known is not None and known.state in SALE_LIVE:
        return known
    offered = offered_ids(listing)
    if not offered or listing.status not in SHOWN:
        raise Conflict(
            f"The listing is {listing.standing}: it offers nothing there.", field="listing",
            remedy="Say which seats sold, and for how much.",
        )  # fmt: skip
    _check_seen(listing, len(offered), quantity, price)
    return hand_sold(
        actor=actor, listing_id=listing.pk, seat_ids=offered, price=listing.price_there, order=number
    )  # fmt: skip


def _check_seen(listing: Listing, left: int, quantity: int | None, price: Decimal | None) -> None:
    """Raises Conflict where the listing offers something else there than whoever says that all of it sold has seen."""
    there = listing.price_there
    if quantity in {None, left} and price in {None, there}:
        return
    raise Conflict(
        f"The listing has changed since you looked: it offers {left} at {money_text(there, listing.currency)} now.",
        field="listing", remedy="Nothing was noted. Say which seats sold, and for how much.",
    )  # fmt: skip
