"""Withdrawing a mapping, or what is asked for: it stands no more, and what is offered under it comes down."""

from collections.abc import Collection

from django.db.models import QuerySet

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from marketplaces.models import modes_of
from portfolios.models import EventMapping, SectionMapping
from portfolios.services.mapping import mapping_forget
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record


def mapping_offers(mapping: EventMapping | SectionMapping, statuses: Collection[str]) -> QuerySet[Listing]:
    """What anybody offers under a mapping, in its market at its platform, in these statuses."""
    there = Listing.objects.filter(
        platform=mapping.platform, mode__in=modes_of(paper=mapping.paper), status__in=statuses
    )
    if isinstance(mapping, EventMapping):
        return there.filter(game=mapping.game_id)
    return there.filter(game__venue=mapping.venue_id, section=mapping.section)


def mapping_withdraw(
    *, actor: Actor, mapping: EventMapping | SectionMapping, statuses: Collection[str], reason: str,
    after: dict[str, str] | None = None,
) -> list[Listing] | None:  # fmt: skip
    """Withdraw it, and take what is offered under it in these statuses down; returns what is on its way down.

    `after` goes to the audit beside how many those are. None: it stood no more. The caller holds a transaction, and no
    locks above listings.
    """
    before = _said(mapping)
    if not mapping_forget(mapping, by=f"{actor.kind.value}:{actor.id}"):
        return None
    wanted = mapping_offers(mapping, statuses).values_list("pk", flat=True)
    down = [one for one in listings_lock(wanted) if listing_take_down(one, reason=reason)]
    kind = "event_mapping" if isinstance(mapping, EventMapping) else "section_mapping"
    audit_record(
        actor=actor, verb=f"{kind}.undo", object_type=kind, object_id=mapping.pk, before=before,
        after={**(after or {}), "listings_down": len(down)},
    )  # fmt: skip
    return down


def _said(mapping: EventMapping | SectionMapping) -> dict[str, object]:
    """What it said while it stood."""
    market = {"platform": mapping.platform, "paper": mapping.paper}
    if isinstance(mapping, SectionMapping):
        return {"venue": mapping.venue_id, "section": mapping.section, **market, "there": mapping.remote_section}
    asked_for = mapping.requested_as if mapping.confirmed_at is None else ""
    return {"game": mapping.game_id, **market, "event": mapping.remote_event_id, "asked_for": asked_for}
