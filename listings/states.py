"""Which moves listings and sales may make, as tables with pure functions."""

from listings.models import ListingStatus, SaleState

_L, _S = ListingStatus, SaleState

# Statuses in which a marketplace may (still) show the listing.
OPEN: frozenset[str] = frozenset({_L.PUBLISHING, _L.ACTIVE, _L.PAUSED, _L.DELISTING})
# Open, and not already on its way down.
OFFERED: frozenset[str] = frozenset({_L.PUBLISHING, _L.ACTIVE, _L.PAUSED})

# A sale may arrive for a listing in any status, so `sold` is reachable from everywhere.
LISTING_MOVES: dict[str, frozenset[str]] = {
    _L.DRAFT: frozenset({_L.PUBLISHING, _L.CANCELLED, _L.SOLD}),
    _L.PUBLISHING: frozenset({_L.ACTIVE, _L.DELISTING, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.ACTIVE: frozenset({_L.PAUSED, _L.DELISTING, _L.EXPIRED, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.PAUSED: frozenset({_L.ACTIVE, _L.DELISTING, _L.EXPIRED, _L.ERROR, _L.CANCELLED, _L.SOLD}),
    _L.DELISTING: frozenset({_L.CANCELLED, _L.EXPIRED, _L.ERROR, _L.SOLD}),
    _L.ERROR: frozenset({_L.PUBLISHING, _L.ACTIVE, _L.DELISTING, _L.CANCELLED, _L.SOLD}),
    _L.SOLD: frozenset(),
    _L.CANCELLED: frozenset({_L.DELISTING, _L.SOLD}),
    _L.EXPIRED: frozenset({_L.DELISTING, _L.SOLD}),
}

SALE_MOVES: dict[str, frozenset[str]] = {
    _S.PROVISIONAL: frozenset({_S.CONFIRMED, _S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.CONFLICT, _S.NEEDS_PERSON}),
    _S.CONFIRMED: frozenset({_S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.NEEDS_PERSON}),
    _S.FULFILLED: frozenset({_S.COMPLETE, _S.CANCELLED, _S.NEEDS_PERSON}),
    _S.COMPLETE: frozenset({_S.CANCELLED, _S.NEEDS_PERSON}),
    _S.CONFLICT: frozenset({_S.CANCELLED, _S.NEEDS_PERSON}),
    _S.NEEDS_PERSON: frozenset({_S.PROVISIONAL, _S.CONFIRMED, _S.FULFILLED, _S.COMPLETE, _S.CANCELLED, _S.CONFLICT}),
    _S.CANCELLED: frozenset(),
}
# States in which the sale has its seats.
SALE_LIVE: frozenset[str] = frozenset({_S.PROVISIONAL, _S.CONFIRMED, _S.FULFILLED, _S.COMPLETE})


def listing_may_move(from_status: str, to_status: str) -> bool:
    """Whether a listing may go from one status to another."""
    return to_status in LISTING_MOVES.get(from_status, frozenset())


def sale_may_move(from_state: str, to_state: str) -> bool:
    """Whether a sale may go from one state to another."""
    return to_state in SALE_MOVES.get(from_state, frozenset())


def split_allows(split: str, quantity: int, taken: int) -> bool:
    """Whether a buyer may take `taken` of `quantity` seats under a split rule (DOMAIN.md 4.5)."""
    if not 1 <= taken <= quantity:
        return False
    rest = quantity - taken
    return {
        "any": True,
        "none": rest == 0,
        "pairs": taken % 2 == 0,
        "avoid_one": rest != 1,
        "avoid_one_and_three": rest not in {1, 3},
    }.get(split, False)


def split_offerable(split: str, quantity: int) -> bool:
    """Whether `quantity` seats can be offered at all under a split rule, so that some buyer could take them (I-05)."""
    return quantity >= 1 and (quantity % 2 == 0 if split == "pairs" else True)
