"""What people are told about commands that cannot go on by themselves."""

from collections.abc import Iterable

from listings.models import CommandKind, Listing, MarketplaceCommand
from listings.selectors import sale_zone
from listings.services.hand_alerts import alert_task_done
from listings.services.sale_alerts import sale_what
from listings.states import URGENT
from marketplaces.registry import platform_name
from marketplaces.services.alerts import alert_reconnect
from seatsync.core.links import page_link
from seatsync.core.venue_time import local
from seatsync.live.alerts import alert_raise, alert_recover

__all__ = ["alert_needs_person", "alert_reconnect"]


def alert_needs_person(command: MarketplaceCommand, listing: Listing | None, *, cut_off: bool = False) -> None:
    """A command was refused for good or failed too often: what, of which seats, why, and where to mend it.

    `cut_off`: it is of seats that were sold elsewhere, and its marketplace takes nothing before its holder connects it.
    """
    wants = command.payload.get("wants", "")
    said = (command.last_error or "the marketplace gave no reason").rstrip(".")
    name, confirm = platform_name(command.account.platform), command.kind == CommandKind.CONFIRM_SALE
    remedy = f"Confirm the {wants} and it is sent again." if wants else "Try again, or do it on its own site."
    if confirm and command.sale is not None and (by := command.sale.confirm_by) is not None:
        zone = sale_zone(command.sale) or "UTC"
        remedy = f"{remedy} It must be confirmed by {local(by, zone):%-d %b %H:%M %Z}: after that the sale may be lost."
    if cut_off:
        said = "They were sold elsewhere, and are on show there still"
        remedy = f"Please connect {name} again, or take them down there yourself: they may be sold twice."
    alert_raise(
        tenant_id=command.tenant_id,
        user_id=command.account.user_id,
        mode=command.mode,
        kind="command.needs_person",
        title=f"{name} could not {_what(command, listing)}"[:160],
        body=f"{said[:1].upper()}{said[1:]}. {remedy}",
        severity="critical" if command.kind in URGENT or confirm else "action",
        object_type="command",
        object_id=str(command.pk),
        url=_remedy_page(command, listing, wants),
        dedupe_key=_key(command),
    )


def alerts_of_commands_settle(commands: Iterable[MarketplaceCommand]) -> None:
    """They are done, or wanted no more: nobody is asked about them."""
    for command in commands:
        if command.by_hand:
            alert_task_done(command)
        alert_recover(user_id=command.account.user_id, dedupe_key=_key(command))


def _key(command: MarketplaceCommand) -> str:
    return f"command:{command.pk}"


def _what(command: MarketplaceCommand, listing: Listing | None) -> str:
    if listing is None:
        return f"{command.act}: {sale_what(command.sale)}" if command.sale is not None else command.act
    label = f" {listing.seat_group.label}" if listing.seat_group else ""
    return f"{command.act} {listing.section} row {listing.row}{label}, {listing.game.words}"


def _remedy_page(command: MarketplaceCommand, listing: Listing | None, wants: str) -> str:
    mapping = page_link("listings:mapping_list") if wants else ""
    if mapping:
        return f"{mapping}?command={command.pk}"
    if listing is not None:
        return page_link("listings:listing_detail", listing.pk)
    if command.sale_id:
        return page_link("listings:sale_detail", command.sale_id)
    return page_link("marketplaces:account_list")
