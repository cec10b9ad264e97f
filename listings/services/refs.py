"""How our listings are named to their platforms, and found by the names that they are told by."""

from django.db.models import Q

from listings.models import Listing
from marketplaces.contracts import ListingRef
from marketplaces.models import MarketplaceAccount


def listing_ref(listing: Listing, event_id: str = "") -> ListingRef:
    """How the listing is named to its platform."""
    return ListingRef(listing.key_there, listing.listing_id, event_id, listing.quantity, listing.split_type)


def listing_called(account: MarketplaceAccount, *, key: str, listing_id: str = "") -> Listing | None:
    """The account's listing that is told by the seller's key, ours or one from somebody's hand, or by its id there."""
    own = Listing.objects.filter(account=account).select_related("game__home_team", "game__opponent")
    if key and (found := own.filter(Q(external_id=key) | Q(made_there=True, remote_key=key)).first()):
        return found
    return own.filter(listing_id=listing_id).first() if listing_id else None
