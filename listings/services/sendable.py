"""Whether what was decided earlier may still be sent: brakes and holds that came in between (I-13, I-19)."""

from listings.models import Listing, ListingSeat, TradingStateKind
from listings.services.trading import brakes_for
from listings.services.unsettled import listings_unsettled
from portfolios.models import OwnerState

_NO_NEW = frozenset({TradingStateKind.NO_NEW_LISTINGS, TradingStateKind.HALTED})


def create_held_back(listing: Listing) -> str | None:
    """Why the listing may not go up now; None where it may. A seat that is held may be sold already."""
    state = brakes_for([listing])[listing.pk].state
    if state in _NO_NEW:
        return f"waiting: trading {state.does}"
    if ListingSeat.objects.filter(listing=listing, offered=True).exclude(seat__state=OwnerState.AVAILABLE).exists():
        return "waiting: a seat of it is held"
    return None


def reprice_held_back(listing: Listing) -> str | None:
    """Why its price may not be sent now; None where it may."""
    state = brakes_for([listing])[listing.pk].state
    lower = listing.live_price is not None and listing.price < listing.live_price
    if state == TradingStateKind.HALTED or (state == TradingStateKind.RAISE_ONLY and lower):
        return f"waiting: trading {state.does}"
    if listings_unsettled([listing.pk]):
        return "waiting: a sale of it is not settled"
    return None
