"""Whether what was decided earlier may still be sent: brakes and holds that came in between (I-13, I-19)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

from listings.models import CommandKind, CommandState, Listing, ListingSeat, MarketplaceCommand
from listings.services.trading import brakes_for, brakes_touched
from listings.services.unsettled import listings_unsettled
from marketplaces.contracts import Brake, Link
from marketplaces.models import MarketplaceAccount
from portfolios.models import OwnerState
from seatsync.core.clock import now

_NOT_DONE = (CommandState.PENDING, CommandState.IN_FLIGHT, CommandState.NEEDS_PERSON)


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


def braked(link: Link, held_back: Callable[[], str | None]) -> Link:
    """The line for a write that nothing held back when it was asked just now; `held_back` asks it once more.

    That is asked right before the write, where something was read in between, and any brake was set meanwhile.
    """
    asked_at = now()
    return replace(link, brake=Brake(lambda: held_back() if brakes_touched(asked_at) else None, link.brake.among))


def braked_among(account: MarketplaceAccount) -> Brake:
    """For the account's whole file: which of its listings may not go up in it, or be priced anew, whoever sends it.

    A price that another one has replaced since it was kept is among them (I-14).
    """
    return Brake(among=partial(_held_among, account))


def _held_among(account: MarketplaceAccount, prices: Mapping[str, Decimal | None]) -> frozenset[str]:
    found = list(Listing.objects.filter(account=account, external_id__in=prices.keys()).select_related("season_ticket"))
    creates = MarketplaceCommand.objects.filter(listing__in=found, kind=CommandKind.CREATE, state__in=_NOT_DONE)
    unborn, held = set(creates.values_list("listing", flat=True)), set()
    for listing in found:
        listing.account = account
        over = prices[listing.external_id] not in {None, listing.price}
        if over or (create_held_back if listing.pk in unborn else reprice_held_back)(listing) is not None:
            held.add(listing.external_id)
    return frozenset(held)
