"""Undoing a mapping that was confirmed wrongly: what is offered under it comes down, and it is asked for anew."""

import uuid

from django.db import transaction

from listings.services.mapping_withdraw import mapping_withdraw
from listings.states import WANTED
from portfolios.models import EventMapping, SectionMapping
from portfolios.services.mapping import mapping_keep
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
    return _undo(actor, EventMapping.objects.filter(pk=mapping_id).first())


@transaction.atomic
def section_mapping_undo(*, actor: Actor, mapping_id: uuid.UUID) -> int:
    """This section is not called that after all; returns how many listings come down: they were of other seats.

    Raises NotAllowed (the platform's staff only), NotFound, or Conflict where it was undone before.
    """
    _check_staff(actor)
    return _undo(actor, SectionMapping.objects.filter(pk=mapping_id).first())


def _undo(actor: Actor, mapping: EventMapping | SectionMapping | None) -> int:
    """Those that may be up come down: with what is on its way there, and what was given up without knowing its end."""
    if mapping is None:
        raise NotFound("No mapping with this id.")
    down = mapping_withdraw(actor=actor, mapping=mapping, statuses=WANTED, reason="what it was mapped to was undone")
    if down is None:
        raise Conflict("It was undone before.", remedy="Nothing needs to be done.")
    return len(down)


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
