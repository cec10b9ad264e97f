"""Listings that their marketplace does not show until their tickets are there."""

from django.db import transaction

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.notify import listing_changed
from listings.states import OFFERED
from marketplaces.contracts import RemoteListing
from marketplaces.delivery import HandOver
from marketplaces.registry import platform_name, supplied_as
from portfolios.services.ledger import watchers
from seatsync.core.clock import now
from seatsync.core.links import page_link
from seatsync.live.alerts import alerts_raise, alerts_recover

_KIND, _FAILED = "listing.undeliverable", "listing.barcode_failed"
_WANTED = {HandOver.BARCODE: "barcode", HandOver.PDF: "PDF", HandOver.QR_CODE: "picture of its code"}


@transaction.atomic
def deliverable_told(listing: Listing, found: RemoteListing) -> None:
    """A marketplace says by itself how a listing stands: it is noted as below, if it is offered still."""
    (locked,) = listings_lock([listing.pk])
    if locked.status in OFFERED:
        deliverable_note(locked, found)


def deliverable_note(listing: Listing, found: RemoteListing) -> None:
    """Note whether its marketplace hides a locked listing for want of its tickets, and tell its people where it does.

    The same as before is no news.
    """
    if found.undeliverable == (listing.undeliverable_at is not None):
        return
    if found.undeliverable:
        listing.undeliverable_at = now()
        _alert(listing)
    else:
        deliverable_again(listing)
    listing.version += 1
    listing.save(update_fields=["undeliverable_at", "version", "updated_at"])
    listing_changed(listing)


def barcode_failed(listing: Listing) -> None:
    """A marketplace says that a barcode that went with a listing is none: whoever buys could not get in."""
    name = platform_name(listing.platform)
    _tell(
        listing, _FAILED, "critical",
        f"{name} refuses a barcode of {listing.section}/{listing.row}, {listing.game.words}",
        f"A barcode of this listing failed {name}'s check. Enter each seat's barcode anew: it is sent there then.",
    )  # fmt: skip


def supplied(listing: Listing) -> None:
    """It was sent its tickets; the caller saves the locked listing."""
    deliverable_again(listing)
    _settle(listing, _FAILED)


def deliverable_again(listing: Listing) -> None:
    """Nobody waits for its tickets any more; the caller saves the locked listing."""
    if listing.undeliverable_at is not None:
        listing.undeliverable_at = None
        _settle(listing, _KIND)


def _alert(listing: Listing) -> None:
    wanted = supplied_as(listing.platform, listing.delivery)
    _tell(
        listing, _KIND, "action",
        f"{platform_name(listing.platform)} hides {listing.section}/{listing.row}: tickets wanted",
        f"It shows this listing to nobody until its tickets are there. Enter each seat's {_WANTED[wanted]}.",
    )  # fmt: skip


def _tell(listing: Listing, kind: str, severity: str, title: str, body: str) -> None:
    """Its people are asked for its tickets, where they are entered."""
    alerts_raise(
        tenant_id=listing.tenant_id, user_ids=watchers(listing.season_ticket_id), kind=kind, mode=listing.mode,
        title=title[:160], body=body, severity=severity, object_type="listing", object_id=str(listing.pk),
        url=page_link("listings:ticket_enter", listing.season_ticket_id, listing.game_id),
        dedupe_key=f"{kind}:{listing.pk}",
    )  # fmt: skip


def _settle(listing: Listing, kind: str) -> None:
    alerts_recover(user_ids=watchers(listing.season_ticket_id), dedupe_keys=[f"{kind}:{listing.pk}"])
