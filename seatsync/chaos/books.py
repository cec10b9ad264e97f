"""Both sides' books: what the simulator's ledger says, and what our tables say, read once when all is over."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from math import inf
from typing import Any

from listings.models import (
    Listing,
    ListingSeat,
    MarketplaceCommand,
    PayoutLine,
    PriceProposal,
    Sale,
    SaleEnding,
    SaleSeat,
    SaleState,
)
from listings.payables import lines_made, tells_payouts
from listings.states import OPEN, TAKES_DOWN
from marketplaces.registry import adapter_keys, traits_of
from portfolios.models import OwnerState, Seat
from seatsync.chaos.door import Door

Row = dict[str, Any]
# By a payment's number there: what it brought for each sale (by its number), in cents.
Lines = dict[str, dict[str, int]]
# Since when a price counts (seconds since the epoch, 0 for a listing's first one), and how many cents.
Decided = tuple[float, int]
# Whose interface has no word for an order that was taken back: it is told no more (docs/adr/0022).
SILENT_ON_ENDS = frozenset({"vividseats"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a marketplace ended one sale, by its number there, and what it charges; `settled`: that is over again."""

    sale_id: str
    platform: str
    kind: SaleEnding
    cents: int = 0
    settled: bool = False


@dataclass(slots=True)
class Own:
    """One of our listings with its seats by number; `offered` are those that it still is to show.

    `known_at`: since when we know of one that a hand made (seconds since the epoch), 0 for one of our own. `published`:
    we sent it there, and took it to have arrived. `down_asked`: it, or a part of it, was to come down.
    """

    pk: uuid.UUID
    platform: str
    price: Decimal
    seats: dict[int, uuid.UUID] = field(default_factory=dict)
    offered: set[int] = field(default_factory=set)
    open: bool = True
    known_at: float = 0.0
    published: bool = False
    down_asked: bool = False


@dataclass(slots=True)
class Books:
    """The ledger's sales and showings, and ours to compare with. Seats are known by our ids."""

    sales: list[Row]
    showings: dict[int, list[Row]]
    listings: dict[str, Own]
    prices: dict[str, list[Decided]]
    known: dict[str, Sale]
    live: dict[uuid.UUID, set[uuid.UUID]]
    named: dict[uuid.UUID, set[uuid.UUID]]
    # Who has each seat that somebody has: the ledger's state and what it says of him.
    owners: dict[uuid.UUID, tuple[str, str]] = field(default_factory=dict)
    # The marketplaces' payments and charges, and the lines that we have of them: by sale, of each payment.
    paid: Lines = field(default_factory=dict)
    booked: Lines = field(default_factory=dict)
    # What was kept back of payments for each sale, in cents.
    charged: dict[str, int] = field(default_factory=dict)

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


def promised_from(sale: Row) -> tuple[float, float] | None:
    """From when until when we had promised it; None if never.

    It ends where its marketplace takes it back. What we take back ourselves was promised all the same.
    """
    given = [*did(sale, "confirm"), *did(sale, "hand_over")]
    if not given:
        return None
    return min(given), float(sale["cancelled_at"]) if sale["cancelled"] else inf


def had(books: Books, seats: set[uuid.UUID], at: datetime) -> bool:
    """Whether a sale that is over by now had one of these seats at a moment, as far as we knew."""
    return any(
        known.ended_at is not None and known.ended_at >= at and known.state == SaleState.CANCELLED
        and books.named.get(known.pk, set()) & seats
        for known in books.known.values()
    )  # fmt: skip


def key_of(row: Row) -> str:
    """What names a listing in a row of the ledger: its seller's key, or its number there where it has none."""
    return str(row["external_id"] or f"#{row.get('listing_id') or row['id']}")


def books_read(door: Door, decided: Iterable[tuple[str, int]] = ()) -> Books:
    """Everything. `decided`: prices (cents) of listings, by their keys, that were decided on elsewhere, by hands."""
    state = door.get("state")
    sales = [row | {"external_id": key_of(row)} for row in state["sales"]]
    showings: dict[int, list[Row]] = defaultdict(list)
    for row in door.get("showings")["showings"]:
        showings[row["listing_id"]].append(row | {"external_id": key_of(row)})
    listings, prices = _own()
    taken: dict[bool, dict[uuid.UUID, set[uuid.UUID]]] = {True: defaultdict(set), False: defaultdict(set)}
    for sale_id, seat_id, live in SaleSeat.objects.values_list("sale_id", "seat_id", "live"):
        taken[False][sale_id].add(seat_id)
        if live:
            taken[True][sale_id].add(seat_id)
    known = {sale.platform_sale_id: sale for sale in Sale.objects.all()}
    somebodys = Seat.objects.exclude(state=OwnerState.AVAILABLE).values_list("pk", "state", "held_by")
    for key, cents in decided:
        prices.setdefault(key, []).insert(0, (0.0, cents))
    paid, charged = _paid(state)
    return Books(
        sales, dict(showings), listings, prices, known, taken[True], taken[False],
        owners={pk: (state, held_by) for pk, state, held_by in somebodys}, paid=paid, booked=lines_booked(),
        charged=charged,
    )  # fmt: skip


def _paid(state: Row) -> tuple[Lines, dict[str, int]]:
    """What each payment that is told was made of, by the ledger, and what of it was charged for each sale."""
    sales = {int(row["sale_id"]): row for row in state["sales"]}
    made, charged = Lines(), Counter[str]()
    for platform in filter(tells_payouts, adapter_keys()):
        charges = {row["id"]: row for row in state[platform]["charges"]}
        for payment in state[platform]["payments"]:
            lines = Counter[str]()
            for sale_id in payment["sale_ids"]:
                lines[str(sale_id)] += sales[sale_id]["gross_cents"] - sales[sale_id]["fees_cents"]
            for charge in (charges[key] for key in payment["charge_ids"]):
                lines[str(charge["sale_id"])] -= charge["cents"]
                charged[str(charge["sale_id"])] += charge["cents"]
            made[str(payment["id"])] = dict(lines)
    return made, charged


def lines_booked() -> Lines:
    """Of what payouts were made, by our own lines; a payout's reference ends with the payment's number."""
    booked: Lines = defaultdict(dict)
    for line in PayoutLine.objects.filter(lines_made()).select_related("payout"):
        made = booked[line.payout.reference.rpartition("-")[2]]
        # What was announced and then left out of it is kept as a line of nothing.
        if not line.left_out:
            made[line.platform_sale_id] = _cents(line.net)
    return dict(booked)


def _own() -> tuple[dict[str, Own], dict[str, list[Decided]]]:
    """Our listings by the key that the marketplaces know them by, and the prices decided for them, in order."""
    by_pk: dict[uuid.UUID, Own] = {}
    keys: dict[uuid.UUID, str] = {}
    prices: dict[str, list[Decided]] = {}
    takes = MarketplaceCommand.objects.filter(kind__in=TAKES_DOWN, listing__isnull=False)
    asked = set(takes.values_list("listing_id", flat=True))
    for listing in Listing.objects.all():
        known_at = listing.created_at.timestamp() if listing.made_there else 0.0
        up = listing.status in OPEN
        sent = listing.published_at is not None and not listing.made_there
        by_pk[listing.pk] = Own(
            listing.pk, listing.platform, listing.price, open=up, known_at=known_at, published=sent,
            down_asked=listing.pk in asked,
        )  # fmt: skip
        keys[listing.pk] = key = listing.key_there or f"#{listing.listing_id}"
        # What a hand lists has the price that the hand gave it, and what its holder decides on later.
        prices[key] = [] if listing.made_there else [(0.0, _cents(listing.original_price))]
    accepted = PriceProposal.objects.filter(accepted=True).order_by("created_at", "pk")
    for pk, proposed, at in accepted.values_list("listing_id", "proposed_price", "created_at"):
        prices[keys[pk]].append((at.timestamp(), _cents(proposed)))
    rows = ListingSeat.objects.values_list("listing_id", "seat_id", "seat__seat_number", "offered")
    for pk, seat_id, number, offered in rows:
        by_pk[pk].seats[number] = seat_id
        if offered:
            by_pk[pk].offered.add(number)
    return {keys[pk]: own for pk, own in by_pk.items()}, prices


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
