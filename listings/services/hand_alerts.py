"""What people are told about what they have to do with their own hands."""

from collections.abc import Collection

from django.db.models import Q

from listings.models import CommandKind, Listing, MarketplaceCommand, SaleSeat, SaleState
from listings.selectors import made_smaller
from listings.services.obstacles import hold_key
from listings.services.sale_alerts import alert_conflict, conflict_asks_by_hand
from listings.states import URGENT
from marketplaces.registry import platform_name
from portfolios.models import OwnerState
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise, alert_recover

_VERBS = {
    CommandKind.CREATE: "List", CommandKind.REPRICE: "Change the price of",
    CommandKind.DELIST: "Take down", CommandKind.REJECT_SALE: "Reject the sale of",
    CommandKind.CONFIRM_SALE: "Confirm the sale of", CommandKind.FULFIL: "Hand over",
}  # fmt: skip


def alert_task(command: MarketplaceCommand, *, again: int = 0) -> None:
    """There is something to do there. What must come down is critical: in the product and by mail, and said again."""
    name, urgent = platform_name(command.account.platform), command.kind in URGENT
    if again:
        alert_recover(user_id=command.account.user_id, dedupe_key=_key(command, again - 1))
    listing = listing_of_task(command)
    game = f", {listing.game.words}" if listing is not None else ""
    alert_raise(
        tenant_id=command.tenant_id,
        user_id=command.account.user_id,
        mode=command.mode,
        kind="hand.task",
        title=f"{'Still: ' if again else ''}{title_of(command)} with your own hands{game}"[:160],
        body=_urgent_body(command, name)
        if urgent
        else f"{name} has no interface for us: the words to copy are on the page, one tap says that it is done.",
        severity="critical" if urgent else "action",
        object_type="command",
        object_id=str(command.pk),
        url=page_link("listings:hand_list"),
        dedupe_key=_key(command, again),
    )


def task_tell(command: MarketplaceCommand) -> None:
    """What was a worker's to do is its holder's: he is told, and no more that we reject a sale there."""
    alert_task(command)
    sale = command.sale if command.kind == CommandKind.REJECT_SALE else None
    if sale is not None and sale.state == SaleState.CONFLICT:
        alert_conflict(sale)


def _urgent_body(command: MarketplaceCommand, name: str) -> str:
    if command.kind == CommandKind.REJECT_SALE and command.sale is not None:
        return conflict_asks_by_hand(command.sale)
    sale, sold = command.sale, ""
    if sale is not None:
        where = "there" if sale.account_id == command.account_id else "elsewhere"
        sold = f" {sale.quantity} {'was' if sale.quantity == 1 else 'were'} sold {where}."
    may = "the same seats may be sold twice" if _may_sell_twice(command) else "what is not for sale may be bought"
    return f"{name} has no interface for us.{sold} Until it is done there, {may}."


def _may_sell_twice(command: MarketplaceCommand) -> bool:
    """Whether a buyer has, or may have, seats that are still on show there.

    What was sold there its marketplace has taken off show itself, unless it was given another size since.
    """
    if command.listing is None:
        return False
    resized = command.kind == CommandKind.RESIZE
    taken = command.listing.listing_seats.filter(seat__state__in=[OwnerState.HELD, OwnerState.SOLD])
    if resized:
        taken = taken.filter(offered=False)
    elif (smaller := made_smaller(command.listing)) is not None:
        # Seats of a sale of its own that is over may be shown again.
        own = SaleSeat.objects.filter(sale__listing=command.listing, live=False).values("seat")
        taken = taken.filter(Q(seat__seat_number__in=smaller) | Q(seat__in=own))
    if not resized or command.sale is not None:
        taken = taken.exclude(seat__held_by__startswith=hold_key(command.account_id, ""))
    return taken.exists()


def alert_task_done(command: MarketplaceCommand) -> None:
    """It is done, or needs not be done any more."""
    for step in range(int(command.payload.get("nagged", 0)) + 1):
        alert_recover(user_id=command.account.user_id, dedupe_key=_key(command, step))


def _key(command: MarketplaceCommand, step: int) -> str:
    return f"hand:{command.pk}:{step}"


def listing_of_task(command: MarketplaceCommand) -> Listing | None:
    """The listing that a task is of, or whose sale it is of; None where none is known."""
    return command.listing or (command.sale.listing if command.sale is not None else None)


def seats_that_stay(listing: Listing) -> list[int]:
    """The numbers of the seats that a listing still offers, in order."""
    return sorted(row.seat.seat_number for row in listing.listing_seats.all() if row.offered)


def seats_there(listing: Listing, smaller: Collection[int] | None) -> list[int]:
    """The numbers of the seats that its marketplace may show, in order; what is to come down is known there by them.

    All that it was of, less what it sold itself and what it was made smaller by (`smaller`: see `made_smaller`). Seats
    of a sale of its own that is over may be shown again.
    """
    every = {row.seat_id: row.seat.seat_number for row in listing.listing_seats.all()}
    rows = [row for sale in listing.sales.all() for row in sale.sale_seats.all()]
    sold, over = ({row.seat_id for row in rows if row.live is live} for live in (True, False))
    shown = {
        number for seat_id, number in every.items()
        if seat_id not in sold and (smaller is None or number in smaller or seat_id in over)
    }  # fmt: skip
    return sorted(shown or every.values())


def title_of(command: MarketplaceCommand) -> str:
    """What to do where, in a line."""
    listing, name = listing_of_task(command), platform_name(command.account.platform)
    if listing is None:
        return f"{command.act.capitalize()} at {name}"
    place = f"{listing.section}/{listing.row} at {name}"
    if command.kind == CommandKind.RESIZE:
        stay = seats_that_stay(listing)
        return f"Leave only seat{'' if len(stay) == 1 else 's'} {', '.join(map(str, stay))} of {place}"
    return f"{_VERBS.get(CommandKind(command.kind), command.act.capitalize())} {place}"
