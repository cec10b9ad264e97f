"""What a person says of something found on an account is remembered: which event his game is there, which section.

He says it by naming its seats. It counts where it stands up to the check of any confirmation
(docs/adr/0011-mapping.md), and where nothing else was confirmed, or undone, before.
"""

import structlog
from django.db import transaction
from django.db.models import Value

from listings.models import FoundListing, Listing
from listings.services.mapping import event_check, section_check
from listings.services.recognise import recognise, told_of_found
from listings.services.sweep_order import sweep_order
from marketplaces.models import Mode
from portfolios.labels import PlaceKey
from portfolios.models import Seat
from portfolios.selectors import event_mapping_get, section_mapped_to, section_mapping_get
from portfolios.services.mapping import event_mapping_confirm, section_mapping_confirm, venue_alias_learn
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, InvalidInput

log = structlog.get_logger(__name__)


def mapping_learn(*, actor: Actor, found: FoundListing, listing: Listing) -> bool:
    """Remember what naming the seats of a found thing says; what waits on its account for the same is looked at anew.

    Returns whether anything was learnt. Asks the marketplace: no transaction may be open.
    """
    if found.account.mode == Mode.ASSISTED:
        return False
    learnt = False
    for learn in (_event, _section):
        try:
            learnt |= learn(actor, found, listing)
        except (InvalidInput, Conflict) as why:
            # Its seats are its holder's word all the same; nobody else sells by it.
            log.info("mapping.not_learnt", found_id=str(found.pk), why=str(why))
    if learnt:
        sweep_order(found.account, f"learnt:{found.pk}")
    return learnt


def _event(actor: Actor, found: FoundListing, listing: Listing) -> bool:
    account, game = found.account, listing.game
    if not found.event_id or recognise(account, told_of_found(found)).game is not None:
        return False
    if event_mapping_get(game, account.platform, paper=account.paper) is not None:
        return False
    event = event_check(account, game, found.event_id)
    with transaction.atomic():
        mapping = event_mapping_confirm(
            game=game, platform=account.platform, paper=account.paper, remote_event_id=event.event_id, by=_by(actor),
            page=event.page, over_undone=False,
        )  # fmt: skip
        venue_alias_learn(venue=game.venue, platform=account.platform, name=event.venue)
        audit_record(
            actor=actor, verb="event_mapping.confirm", object_type="event_mapping", object_id=mapping.pk,
            subject=account.user_id, after={"game": game.pk, "platform": account.platform, "event": event.event_id},
            reason="it was said of something found there",
        )  # fmt: skip
    return True


def _section(actor: Actor, found: FoundListing, listing: Listing) -> bool:
    account, venue, there = found.account, listing.game.venue, found.section
    seats = Seat.objects.filter(listing_seats__listing=listing).alias(place=PlaceKey("section"))
    known = section_mapped_to(venue, account.platform, there, paper=account.paper) or section_mapping_get(
        venue, listing.section, account.platform, paper=account.paper
    )
    if known or seats.filter(place=PlaceKey(Value(there))).exists():
        return False
    section_check(account, listing, there)
    with transaction.atomic():
        mapping = section_mapping_confirm(
            venue=venue, section=listing.section, platform=account.platform, paper=account.paper, remote_section=there,
            by=_by(actor), over_undone=False,
        )  # fmt: skip
        audit_record(
            actor=actor, verb="section_mapping.confirm", object_type="section_mapping", object_id=mapping.pk,
            subject=account.user_id,
            after={"venue": venue.name, "section": listing.section, "platform": account.platform, "there": there},
            reason="it was said of something found there",
        )  # fmt: skip
    return True


def _by(actor: Actor) -> str:
    return f"{actor.kind.value}:{actor.id}"
