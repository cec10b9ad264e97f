"""Mapping our games and sections to the platforms' events and sections: confirmed once, remembered."""

from django.db import IntegrityError, transaction

from portfolios.models import EventMapping, Game, SectionMapping, Venue
from seatsync.core.clock import now
from seatsync.core.errors import Conflict


def event_mapping_confirm(*, game: Game, platform: str, remote_event_id: str, by: str) -> EventMapping:
    """Remember that this game is that event. Raises Conflict where the event is mapped to another game."""
    try:
        with transaction.atomic():
            mapping, _ = EventMapping.objects.update_or_create(
                game=game,
                platform=platform,
                defaults={"remote_event_id": remote_event_id, "confirmed_at": now(), "confirmed_by": by[:64]},
            )
    except IntegrityError as error:
        raise Conflict(
            f"Event {remote_event_id} is mapped to another game.", field="remote_event_id",
            remedy="Undo that mapping first.",
        ) from error  # fmt: skip
    return mapping


def section_mapping_confirm(
    *, venue: Venue, section: str, platform: str, remote_section: str, by: str
) -> SectionMapping:
    """Remember what a section of a venue is called at a platform."""
    mapping, _ = SectionMapping.objects.update_or_create(
        venue=venue,
        section=section,
        platform=platform,
        defaults={"remote_section": remote_section, "confirmed_at": now(), "confirmed_by": by[:64]},
    )
    return mapping
