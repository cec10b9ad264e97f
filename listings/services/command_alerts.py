"""What people are told about commands that cannot go on by themselves."""

from listings.models import CommandKind, Listing, MarketplaceCommand
from marketplaces.registry import adapter_get
from marketplaces.services.alerts import alert_reconnect
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise

__all__ = ["alert_needs_person", "alert_reconnect"]


def alert_needs_person(command: MarketplaceCommand, listing: Listing | None) -> None:
    """A command was refused for good or failed too often."""
    urgent = command.kind in {CommandKind.DELIST, CommandKind.RESIZE, CommandKind.REJECT_SALE}
    alert_raise(
        tenant_id=command.tenant_id,
        user_id=command.account.user_id,
        kind="command.needs_person",
        title=f"{adapter_get(command.account.platform).traits.name}: {command.get_kind_display()} needs you",
        body=f"The marketplace said: {command.last_error or 'nothing'}. Try again, or do it on its own site.",
        severity="critical" if urgent else "action",
        object_type="command",
        object_id=str(command.pk),
        url=page_link("listings:listing_detail", listing.pk) if listing else "",
        dedupe_key=f"command:{command.pk}",
    )
