"""What became of the listings that hands made: ours are kept in step, and nobody else's is touched."""

from collections.abc import Iterator, Sequence

from listings.models import FoundListing, FoundState
from marketplaces.registry import traits_of
from seatsync.chaos.books import Books, Row, did
from seatsync.chaos.hands import HandMade
from seatsync.demo.hand_made import Fate

Findings = Iterator[str]


def hands_missed(books: Books, made: Sequence[HandMade], games_off: set[int]) -> Findings:
    """Listings of seats that we know and that did not become ours, or became of other seats; and what was to come down.

    One that was never sold and lay in a whole-account file which was just being written anew is gone before anybody
    saw it: no such server can be asked to write only if nothing has changed.
    """
    sold = {sale["external_id"] for sale in books.sales}
    for one in made:
        name, own = f"{one.platform} listing {one.key} of a hand", books.listings.get(one.key)
        shown = books.showings.get(one.listing_id, [])
        if one.fate == Fate.UNWANTED:
            if own is not None or (shown and shown[-1]["state"] == "active"):
                yield f"{name} was to come down and is {shown[-1]['state'] if shown else 'ours'}"
        elif one.ours and own is None:
            overwritten = _by_file(one) and bool(shown) and shown[-1]["state"] == "deleted" and one.key not in sold
            if not overwritten and one.group.event_id not in games_off:
                yield f"{name} is not known here"
        elif one.ours and own is not None and not (own.seats and set(own.seats.values()) <= set(one.group.seats)):
            yield f"{name} is of other seats here: {sorted(own.seats)}"


def found_waiting() -> Findings:
    """What its holder is still asked about: nobody knows who made it."""
    for found in FoundListing.objects.filter(state=FoundState.WAITING).select_related("account"):
        yield f"{found.account.platform} {found.kind} {found.remote_id} was made by nobody ({found.why})"


def strangers_touched(books: Books, made: Sequence[HandMade]) -> Findings:
    """What its holder said is not his, and was changed, taken down, made ours, or whose sale was acted on or kept."""
    for one in made:
        if one.fate != Fate.STRANGE:
            continue
        name, rows = f"{one.platform} listing {one.key} of a stranger", books.showings.get(one.listing_id, [])
        sales = [sale for sale in books.sales if sale["listing_id"] == one.listing_id]
        if one.key in books.listings:
            yield f"{name} is one of ours"
        if {row["price_cents"] for row in rows} - {one.cents}:
            yield f"{name} was given another price"
        if any(row["state"] not in {"active", "sold"} for row in rows):
            yield f"{name} was taken down"
        if rows and rows[-1]["quantity"] != len(one.group.numbers) - sum(sale["quantity"] for sale in sales):
            yield f"{name} shows {rows[-1]['quantity']} seats, of which buyers took none"
        for sale in sales:
            if str(sale["sale_id"]) in books.known or any(did(sale, what) for what in _ACTS):
                yield f"{name}: its sale {sale['sale_id']} was not left alone"


_ACTS = ("confirm", "reject", "hand_over")


def ours_alone(books: Books, made: Sequence[HandMade]) -> tuple[list[Row], dict[int, list[Row]]]:
    """The ledger's sales and showings without those of strangers' listings, and of what was to come down."""
    others = {one.listing_id for one in made if not one.ours}
    sales = [sale for sale in books.sales if sale["listing_id"] not in others]
    return sales, {key: rows for key, rows in books.showings.items() if key not in others}


def _by_file(made: HandMade) -> bool:
    traits = traits_of(made.platform)
    return traits is not None and traits.whole_account
