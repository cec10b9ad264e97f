"""Both sides' books: what the simulator's ledger says, and what our tables say, read once when all is over."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from listings.models import Listing, ListingSeat, PriceProposal, Sale, SaleSeat
from marketplaces.registry import traits_of
from seatsync.chaos.door import Door

Row = dict[str, Any]


@dataclass(slots=True)
class Own:
    """One of our listings with its seats by number."""

    pk: uuid.UUID
    platform: str
    price: Decimal
    seats: dict[int, uuid.UUID] = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """The ledger's sales and showings, and ours to compare with. Seats are known by our ids."""

    sales: list[Row]
    showings: dict[int, list[Row]]
    listings: dict[str, Own]
    prices: dict[str, set[int]]
    known: dict[str, Sale]
    live: dict[uuid.UUID, set[uuid.UUID]]
    named: dict[uuid.UUID, set[uuid.UUID]]

    def seats_of(self, sale: Row) -> set[uuid.UUID]:
        """The seats of a sale: those that its marketplace names, or that we name where it leaves that to the seller."""
        own = self.listings.get(str(sale["external_id"]))
        if own is None:
            return set()
        if allocates(own.platform):
            known = self.known.get(str(sale["sale_id"]))
            return set() if known is None else self.named.get(known.pk, set())
        return {own.seats[number] for number in sale["seats"] if number in own.seats}


def allocates(platform: str) -> bool:
    """Whether the seller says which seats a sale took."""
    traits = traits_of(platform)
    return traits is not None and traits.seller_allocates


def did(sale: Row, what: str) -> list[float]:
    """When the seller did this to a sale and was not refused, by the ledger."""
    return [float(at) for done, at in sale["acts"] if done == what]


def promised(sale: Row) -> bool:
    """Whether we confirmed it or handed it over, whatever came after; one that its marketplace took back counts not."""
    return bool(did(sale, "confirm") or did(sale, "hand_over")) and not sale["cancelled"]


def books_read(door: Door) -> Books:
    """Everything."""
    state = door.get("state")
    showings: dict[int, list[Row]] = defaultdict(list)
    for row in door.get("showings")["showings"]:
        showings[row["listing_id"]].append(row)
    listings, prices = _own()
    taken: dict[bool, dict[uuid.UUID, set[uuid.UUID]]] = {True: defaultdict(set), False: defaultdict(set)}
    for sale_id, seat_id, live in SaleSeat.objects.values_list("sale_id", "seat_id", "live"):
        taken[False][sale_id].add(seat_id)
        if live:
            taken[True][sale_id].add(seat_id)
    known = {sale.platform_sale_id: sale for sale in Sale.objects.all()}
    return Books(state["sales"], dict(showings), listings, prices, known, taken[True], taken[False])


def _own() -> tuple[dict[str, Own], dict[str, set[int]]]:
    """Our listings by the key that the marketplaces know them by, and every price (cents) that was decided for them."""
    by_pk: dict[uuid.UUID, Own] = {}
    keys: dict[uuid.UUID, str] = {}
    prices: dict[str, set[int]] = {}
    rows = Listing.objects.values_list("pk", "external_id", "platform", "price", "original_price")
    for pk, key, platform, price, original in rows:
        by_pk[pk], keys[pk] = Own(pk, platform, price), key
        prices[key] = {_cents(original), _cents(price)}
    for pk, proposed in PriceProposal.objects.filter(accepted=True).values_list("listing_id", "proposed_price"):
        prices[keys[pk]].add(_cents(proposed))
    for pk, seat_id, number in ListingSeat.objects.values_list("listing_id", "seat_id", "seat__seat_number"):
        by_pk[pk].seats[number] = seat_id
    return {keys[pk]: own for pk, own in by_pk.items()}, prices


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
