"""Undoing a mapping that was confirmed wrongly: what is offered under it comes down, and it is asked for anew."""

import uuid

from django.db import transaction
from django.db.models import QuerySet

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from listings.states import WANTED
from marketplaces.models import modes_of
from portfolios.models import EventMapping, SectionMapping
from portfolios.services.mapping import mapping_forget, mapping_keep
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, NotAllowed, NotFound


@transaction.atomic
def event_mapping_undo(*, actor: Actor, mapping_id: uuid.UUID) -> int:
    """This game is not that event after all, or is asked for no more; returns how many listings come down with it.

    Raises NotAllowed (the platform's staff only), NotFound, or Conflict where it was undone before.
    """
    _check_staff(actor)
    mapping = EventMapping.objects.filter(pk=mapping_id).first()
    if mapping is None:
        raise NotFound("No mapping with this id.")
    _forget(actor, mapping)
    down = _take_down(_offers(mapping).filter(game=mapping.game_id))
    before = {
        "game": mapping.game_id,
        "platform": mapping.platform,
        "paper": mapping.paper,
        "event": mapping.remote_event_id,
        "asked_for": mapping.requested_as if mapping.confirmed_at is None else "",
    }
    audit_record(
        actor=actor, verb="event_mapping.undo", object_type="event_mapping", object_id=mapping.pk, before=before,
        after={"listings_down": down},
    )  # fmt: skip
    return down


@transaction.atomic
def section_mapping_undo(*, actor: Actor, mapping_id: uuid.UUID) -> int:
    """This section is not called that after all; returns how many listings come down: they were of other seats.

    Raises NotAllowed (the platform's staff only), NotFound, or Conflict where it was undone before.
    """
    _check_staff(actor)
    mapping = SectionMapping.objects.filter(pk=mapping_id).first()
    if mapping is None:
        raise NotFound("No mapping with this id.")
    _forget(actor, mapping)
    down = _take_down(_offers(mapping).filter(game__venue=mapping.venue_id, section=mapping.section))
    before = {
        "venue": mapping.venue_id, "section": mapping.section, "platform": mapping.platform, "paper": mapping.paper,
        "there": mapping.remote_section,
    }  # fmt: skip
    audit_record(
        actor=actor, verb="section_mapping.undo", object_type="section_mapping", object_id=mapping.pk, before=before,
        after={"listings_down": down},
    )  # fmt: skip
    return down


@transaction.atomic
def mapping_given(*, actor: Actor, mapping: EventMapping | SectionMapping) -> None:
    """Staff's own word, kept and on the record. Raises NotAllowed for anybody else."""
    _check_staff(actor)
    mapping_keep(mapping, by=f"{actor.kind.value}:{actor.id}")
    kind = "event_mapping" if isinstance(mapping, EventMapping) else "section_mapping"
    there = mapping.remote_event_id if isinstance(mapping, EventMapping) else mapping.remote_section
    audit_record(
        actor=actor, verb=f"{kind}.confirm", object_type=kind, object_id=mapping.pk,
        after={"platform": mapping.platform, "paper": mapping.paper, "there": there},
    )  # fmt: skip


def _check_staff(actor: Actor) -> None:
    if not is_platform_staff(actor):
        raise NotAllowed("A mapping serves everybody who sells there: only the platform's staff gives or undoes one.")


def _forget(actor: Actor, mapping: EventMapping | SectionMapping) -> None:
    if not mapping_forget(mapping, by=f"{actor.kind.value}:{actor.id}"):
        raise Conflict("It was undone before.", remedy="Nothing needs to be done.")


def _offers(mapping: EventMapping | SectionMapping) -> QuerySet[Listing]:
    """What is offered in its market at its platform."""
    return Listing.objects.filter(platform=mapping.platform, mode__in=modes_of(paper=mapping.paper))


def _take_down(listings: QuerySet[Listing]) -> int:
    """Those that may be up: with what is on its way there, and what was given up without knowing what came of it."""
    wanted = listings.filter(status__in=WANTED).values_list("pk", flat=True)
    return sum(listing_take_down(one, reason="what it was mapped to was undone") for one in listings_lock(wanted))
