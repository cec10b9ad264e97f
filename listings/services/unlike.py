"""What of a listing its marketplace shows otherwise than we want it, and nobody mends at once: since when, and to whom.

Platforms hide listings for reasons of their own, and show fewer seats before they tell of the sale: nobody is asked
before a second sweep sees the same.
"""

from collections.abc import Collection

from listings.models import Listing, Sale, SaleState, Unlike
from listings.services.notify import listing_changed
from marketplaces.registry import platform_name
from portfolios.models import OwnerState
from portfolios.services.ledger import watchers
from seatsync.core.clock import now
from seatsync.core.links import page_link
from seatsync.live.alerts import alerts_raise, alerts_recover

# A sale that stands so may be what took the seats which are missing there.
_MAY_HAVE_TAKEN = (SaleState.PROVISIONAL, SaleState.NEEDS_PERSON, SaleState.CONFLICT)
_TITLES = {
    Unlike.HIDDEN: "{name} shows {place} to nobody",
    Unlike.FEWER: "{name} offers fewer of your seats in {place}",
    Unlike.CURRENCY: "{name} shows {place} in another currency",
}
_BODIES = {
    Unlike.HIDDEN: (
        "It is there, and buyers do not see it: it was unpublished by hand, or {name} has a reason of its own. Look "
        "there, and put it on show again or take it down here."
    ),
    Unlike.FEWER: "No sale was reported. Look there: it is left as it is, since a buyer may have them.",
    Unlike.CURRENCY: (
        "Your price is sent again, and it stays so. Look there, and take it down here if it cannot be put right."
    ),
}


def unlike_note(listing: Listing, kinds: Collection[Unlike]) -> frozenset[Unlike]:
    """Keep that a locked listing is shown otherwise in just these ways; returns those that an earlier sweep saw too.

    The same as before is no news, and what is as we want it again is nobody's question any more.
    """
    known, seen = dict(listing.unlike_there), frozenset(kinds)
    if known.keys() != seen:
        _recover(listing, [kind for kind in known if kind not in seen])
        listing.unlike_there = {kind.value: known.get(kind) or now().isoformat() for kind in sorted(seen)}
        listing.version += 1
        listing.save(update_fields=["unlike_there", "version", "updated_at"])
        listing_changed(listing)
    return frozenset(kind for kind in seen if kind in known)


def unlike_settle(listing: Listing) -> None:
    """It is not offered any more: how it is shown is nobody's question; the caller saves the locked listing."""
    _recover(listing, list(listing.unlike_there))
    listing.unlike_there = {}


def unlike_alert(listing: Listing, kind: Unlike) -> None:
    """Tell its people, once, that it has been shown so for more than one sweep."""
    words = {"name": platform_name(listing.platform), "place": f"{listing.section}/{listing.row}"}
    alerts_raise(
        tenant_id=listing.tenant_id, user_ids=watchers(listing.season_ticket_id), mode=listing.mode,
        kind=f"listing.{kind.value}",
        title=_TITLES[kind].format(**words), body=_BODIES[kind].format(**words), severity="action",
        object_type="listing", object_id=str(listing.pk), url=page_link("listings:listing_detail", listing.pk),
        dedupe_key=_key(listing, kind),
    )  # fmt: skip


def may_be_sold(listing: Listing) -> bool:
    """Whether seats that a listing lacks there may be a buyer's: one is held or taken, or a sale is not clear yet."""
    offered = [row.seat for row in listing.listing_seats.filter(offered=True).select_related("seat")]
    if any(seat.state != OwnerState.AVAILABLE for seat in offered):
        return True
    if Sale.objects.filter(listing=listing, state__in=_MAY_HAVE_TAKEN).exists():
        return True
    return Sale.objects.may_have(offered).exists()


def _recover(listing: Listing, kinds: Collection[str]) -> None:
    if kinds:
        keys = [_key(listing, kind) for kind in kinds]
        alerts_recover(user_ids=watchers(listing.season_ticket_id), dedupe_keys=keys)


def _key(listing: Listing, kind: str) -> str:
    return f"listing.{kind}:{listing.pk}"
