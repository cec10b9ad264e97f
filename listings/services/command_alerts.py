"""What people are told about commands that cannot go on by themselves."""

from listings.models import CommandKind, Listing, MarketplaceCommand
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise


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


def alert_reconnect(account: MarketplaceAccount) -> None:
    """A grant has ended and only the holder can renew it."""
    alert_raise(
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        kind="account.reconnect",
        title=f"Connect {adapter_get(account.platform).traits.name} again",
        body="Its permission has ended. Nothing can be listed, repriced or taken down there until you connect it.",
        severity="critical",
        object_type="marketplace_account",
        object_id=str(account.pk),
        url=page_link("marketplaces:account_list"),
        dedupe_key=f"reconnect:{account.pk}",
    )
