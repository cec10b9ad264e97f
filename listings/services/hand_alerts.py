"""What people are told about what they have to do with their own hands."""

from listings.models import CommandKind, MarketplaceCommand
from marketplaces.registry import platform_name
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise, alert_recover

URGENT = (CommandKind.DELIST, CommandKind.RESIZE, CommandKind.REJECT_SALE)
_VERBS = {
    CommandKind.CREATE: "List", CommandKind.REPRICE: "Change the price of", CommandKind.RESIZE: "Leave only",
    CommandKind.DELIST: "Take down", CommandKind.REJECT_SALE: "Reject the sale of",
    CommandKind.CONFIRM_SALE: "Confirm the sale of", CommandKind.FULFIL: "Hand over",
}  # fmt: skip


def alert_task(command: MarketplaceCommand, *, again: int = 0) -> None:
    """There is something to do there. What must come down is critical: in the product and by mail, and said again."""
    name, urgent = platform_name(command.account.platform), command.kind in URGENT
    if again:
        alert_recover(user_id=command.account.user_id, dedupe_key=_key(command, again - 1))
    game = f", {command.listing.game.words}" if command.listing is not None else ""
    sold = f" {command.sale.quantity} were sold elsewhere." if command.sale is not None and urgent else ""
    alert_raise(
        tenant_id=command.tenant_id,
        user_id=command.account.user_id,
        kind="hand.task",
        title=f"{'Still: ' if again else ''}{title_of(command)} with your own hands{game}"[:160],
        body=f"{name} has no interface for us.{sold} Until it is done there, the same seats may be sold twice."
        if urgent
        else f"{name} has no interface for us: the words to copy are on the page, one tap says that it is done.",
        severity="critical" if urgent else "action",
        object_type="command",
        object_id=str(command.pk),
        url=page_link("listings:hand_list"),
        dedupe_key=_key(command, again),
    )


def alert_task_done(command: MarketplaceCommand) -> None:
    """It is done, or needs not be done any more."""
    for step in range(int(command.payload.get("nagged", 0)) + 1):
        alert_recover(user_id=command.account.user_id, dedupe_key=_key(command, step))


def _key(command: MarketplaceCommand, step: int) -> str:
    return f"hand:{command.pk}:{step}"


def title_of(command: MarketplaceCommand) -> str:
    """What to do where, in a line."""
    listing, name = command.listing, platform_name(command.account.platform)
    if listing is None:
        return f"{command.act.capitalize()} at {name}"
    what = _VERBS.get(CommandKind(command.kind), command.act.capitalize())
    return f"{what} {listing.section}/{listing.row} at {name}"
