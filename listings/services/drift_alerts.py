"""What people are told when a marketplace shows something else than we believe."""

from listings.models import Listing
from marketplaces.contracts import RemoteListing
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import platform_name
from portfolios.services.ledger import watchers
from seatsync.core.links import page_link
from seatsync.live.alerts import alert_raise


def alert_vanished(listing: Listing) -> None:
    """A listing that we believed to be up is not there."""
    for user_id in watchers(listing.season_ticket_id):
        alert_raise(
            tenant_id=listing.tenant_id,
            user_id=user_id,
            kind="listing.vanished",
            title=f"{platform_name(listing.platform)} no longer shows {listing.section}/{listing.row}",
            body="No sale was reported. Publish the seats again if they are still for sale.",
            severity="action",
            object_type="listing",
            object_id=str(listing.pk),
            url=page_link("listings:listing_detail", listing.pk),
            dedupe_key=f"vanished:{listing.pk}:{listing.version}",
        )


def alert_foreign(account: MarketplaceAccount, found: RemoteListing) -> None:
    """The account holds a listing that was not made here."""
    alert_raise(
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        kind="listing.foreign",
        title=f"{platform_name(account.platform)} shows a listing that was not made here",
        body=(
            f"Section {found.section}, row {found.row}, {found.quantity} at {found.price} {found.currency}. "
            "It is not taken down when its seats sell elsewhere. Take it down there, and publish the seats here."
        ),
        severity="critical",
        object_type="marketplace_account",
        object_id=str(account.pk),
        url=page_link("marketplaces:account_list"),
        dedupe_key=f"foreign:{account.pk}:{found.listing_id}"[:120],
    )
