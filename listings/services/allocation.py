"""Which seats a sale took: what the marketplace says; never a guess (I-04)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from listings.models import CommandKind, CommandState, Listing
from listings.selectors import sold_of_listing
from listings.services.seat_ids import offered_ids
from marketplaces.contracts import RemoteSale
from portfolios.models import OwnerState, Seat

# A sale bears its marketplace's time, a command ours.
CLOCKS_DIFFER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The seats of a sale, or why they are not known."""

    seats: list[Seat] = field(default_factory=list)
    reason: str = ""

    @property
    def clear(self) -> bool:
        """Whether the seats are known."""
        return bool(self.seats)


def allocate(remote: RemoteSale, listing: Listing, seats: list[Seat], *, seller_allocates: bool) -> Allocation:
    """The seats of `remote` among the listing's locked `seats`.

    In this order: the seats that the marketplace names; all of them, where it took as many as were offered; the
    seats that we choose, where the platform leaves that to the seller; else it is not clear. Nothing is where
    whoever read it is in doubt.
    """
    if remote.doubt:
        return Allocation(reason=remote.doubt)
    if remote.seats:
        return seats_named(remote.seats, remote.quantity, seats)
    on_offer = set(offered_ids(listing))
    offered = sorted((s for s in seats if s.pk in on_offer), key=lambda s: s.seat_number)
    if seller_allocates and remote.quantity != len(offered):
        return seats_chosen(remote.quantity, offered, seats)
    if remote.quantity == len(offered) and (seller_allocates or _shown_no_more(listing, remote)):
        return Allocation(offered)
    return Allocation(reason=f"it took {remote.quantity} of {len(offered)} seats and does not say which")


def _shown_no_more(listing: Listing, remote: RemoteSale) -> bool:
    """Whether the marketplace showed no other seats than we offer when it sold.

    Seats that were sold elsewhere are still on show there until it has answered that it has made the listing smaller;
    a buyer who came before that, by whichever clock, may have had any of them.
    """
    own = sold_of_listing(listing).values("seat_id")
    if not listing.listing_seats.filter(offered=False).exclude(seat_id__in=own).exists():
        return True
    resizes = listing.commands.filter(kind=CommandKind.RESIZE).exclude(state=CommandState.SUPERSEDED)
    newest = resizes.order_by("-created_at", "-pk").first()
    if newest is None or newest.state != CommandState.DONE or newest.finished_at is None:
        return False
    return newest.finished_at + CLOCKS_DIFFER < remote.sold_at


def seats_named(named: Sequence[str], quantity: int, seats: list[Seat]) -> Allocation:
    """The seats of these numbers, where they are so many and the listing has them."""
    by_number = {str(seat.seat_number): seat for seat in seats}
    unknown = [label for label in named if label not in by_number]
    if unknown:
        return Allocation(reason=f"it names seats that the listing does not have: {', '.join(unknown)}")
    if len(set(named)) != quantity:
        return Allocation(reason=f"it names {len(named)} seats for a quantity of {quantity}")
    return Allocation([by_number[label] for label in named])


def seats_chosen(quantity: int, offered: list[Seat], every: list[Seat]) -> Allocation:
    """Take from that end of the free seats at which the buyer sits together and, if possible, what is left does too."""
    free = [seat for seat in offered if seat.state in {OwnerState.AVAILABLE, OwnerState.HELD}]
    if quantity > len(free):
        # More than is left: seats that were sold meanwhile make up the number, so that the conflict is seen.
        gone = sorted((seat for seat in every if seat not in free), key=lambda seat: seat.seat_number)
        named = [*free, *gone][:quantity]
        return Allocation(named) if len(named) == quantity else Allocation(reason="it took too many seats")
    # There may be gaps: of seats that were sold elsewhere a moment ago.
    ends = [(free[:quantity], free[quantity:]), (free[-quantity:], free[:-quantity])]
    ends.sort(key=lambda end: [not together(end[0]), not together(end[1])])
    return Allocation(ends[0][0])


def together(seats: list[Seat]) -> bool:
    """Whether they are side by side; none are."""
    numbers = sorted(seat.seat_number for seat in seats)
    return all(after - before == 1 for before, after in pairwise(numbers))
