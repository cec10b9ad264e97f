"""Whether what was decided earlier may still be sent: brakes and holds that came in between (I-13, I-19)."""

from listings.models import Listing, ListingSeat
from listings.services.trading import brakes_for
from listings.services.unsettled import listings_unsettled
from portfolios.models import OwnerState


def create_held_back(listing: Listing) -> str | None:
    """Why the listing may not go up now; None where it may. A seat that is held may be sold already."""
    if listing.account.stock_unknown:
        return "waiting: say first what the account lists already"
    if listing.account.stock_taken_at is None:
        return "waiting: what the account lists already is being read"
    if brake := brakes_for([listing])[listing.pk].stops_new:
        return f"waiting: trading {brake.state.does}"
    if ListingSeat.objects.filter(listing=listing, offered=True).exclude(seat__state=OwnerState.AVAILABLE).exists():
        return "waiting: a seat of it is held"
    return None


def reprice_held_back(listing: Listing) -> str | None:
    """Why its price may not be sent now; None where it may."""
    brakes = brakes_for([listing])[listing.pk]
    lower = listing.live_price is not None and listing.price < listing.live_price
    if brake := brakes.stops_lower if lower else brakes.halts:
        return f"waiting: trading {brake.state.does}"
    if listings_unsettled([listing.pk]):
        return "waiting: a sale of it is not settled"
    return None
