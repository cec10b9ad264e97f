"""Mapping our games and sections to the platforms' events and sections: confirmed once, remembered."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from portfolios.models import UNDONE, EventMapping, Game, SectionMapping, Venue, VenueAlias
from seatsync.core.clock import now
from seatsync.core.errors import Conflict

# Of an event that was just confirmed its platform has told nothing yet.
_UNTOLD = {
    "accepted_date": None, "told_state": "", "told_word": "", "told_at": None, "told_page": "", "primary_left": "",
    "primary_at": None,
}  # fmt: skip


def event_mapping_confirm(
    *, game: Game, platform: str, paper: bool, remote_event_id: str, by: str, event_date: date | None = None,
    page: str = "", known: EventMapping | None = None, over_undone: bool = True,
) -> EventMapping:  # fmt: skip
    """Remember that this game is that event, on its date at the venue (if none is told, the game's own), with its page.

    `paper`: of the paper market, whose events are none of the real one's. `known`: the mapping that stood when this one
    was chosen, and gives way to it; None: none stood. `over_undone`: also where one was undone.

    Raises Conflict where the event is mapped to another game, or the game was mapped to another event, or its mapping
    was undone, since that was read.
    """
    said = {
        "remote_event_id": remote_event_id, "confirmed_at": now(), "confirmed_by": by[:64], **_UNTOLD,
        "event_date": event_date or game.game_date, "told_page": _kept(page),
    }  # fmt: skip
    try:
        with transaction.atomic():
            mapping, made = EventMapping.objects.get_or_create(game=game, platform=platform, paper=paper, defaults=said)
            # One UPDATE decides between two who say it at once.
            standing = EventMapping.objects.filter(_as_read(known, over_undone=over_undone), pk=mapping.pk)
            if known is not None:
                standing = standing.filter(remote_event_id=known.remote_event_id)
            kept = made or standing.update(**said, updated_at=now())
    except IntegrityError as error:
        raise Conflict(
            f"Event {remote_event_id} is mapped to another game.", field="remote_event_id",
            remedy="Undo that mapping first.",
        ) from error  # fmt: skip
    mapping.refresh_from_db()
    if not kept and (mapping.confirmed_at is None or mapping.remote_event_id != remote_event_id):
        raise _meanwhile(mapping.remote_event_id if mapping.confirmed_at else "", "event_id")
    return mapping


def _as_read(known: EventMapping | SectionMapping | None, *, over_undone: bool) -> Q:
    """A mapping's row as it was when another word was chosen for it."""
    as_read = Q(confirmed_at=known.confirmed_at if known is not None else None)
    return as_read if over_undone else as_read & ~Q(confirmed_by__startswith=UNDONE)


def _meanwhile(there: str, field: str) -> Conflict:
    what = f"It was mapped to {there} meanwhile." if there else "What it was mapped to was undone meanwhile."
    return Conflict(what, field=field, remedy="Send the listing again.")


def _kept(page: str) -> str:
    """An address that is too long to be kept leads nowhere when it is cut."""
    return page if len(page) <= 500 else ""


def event_mapping_request(*, game: Game, platform: str, paper: bool, by: str, words: str) -> EventMapping:
    """Remember that a platform is asked to add this game's event, in these words; a request that stands stays so.

    A mapping that is confirmed stays too. Of one that was undone it stays said that it was.
    """
    mapping, _ = EventMapping.objects.get_or_create(game=game, platform=platform, paper=paper)
    # One UPDATE decides between two who ask at once, and a confirmation.
    unasked = EventMapping.objects.filter(pk=mapping.pk, confirmed_at=None).exclude(
        requested_at__isnull=False, event_date=game.game_date
    )
    unasked.update(
        requested_at=now(), requested_by=by[:64], requested_as=words[:300], event_date=game.game_date, updated_at=now()
    )
    mapping.refresh_from_db()
    return mapping


def event_request_take(mapping: EventMapping) -> bool:
    """Whether what was asked for still stands; then its row is the caller's until his transaction ends.

    One UPDATE decides between two listings that tell different ids at once: by the row's own columns, since a joined
    condition (`events_asked`) is not looked at again after the wait for whoever was faster.
    """
    standing = EventMapping.objects.filter(pk=mapping.pk, confirmed_at=None, requested_at__isnull=False)
    return bool(standing.update(updated_at=now()))


def event_page_keep(*, mapping: EventMapping, page: str) -> None:
    """Keep where its platform shows an event; "", where it tells nothing, changes nothing."""
    told = _kept(page)
    if told and told != mapping.told_page:
        mapping.told_page = told
        mapping.save(update_fields=["told_page", "updated_at"])


def event_mapping_accept(*, mapping: EventMapping, by: str) -> EventMapping:
    """The event is this game's although its platform has it on another date, as it says now.

    Raises Conflict where it is mapped to another event, or to none, since it was read.
    """
    standing = EventMapping.objects.filter(
        _as_read(mapping, over_undone=True), pk=mapping.pk, remote_event_id=mapping.remote_event_id
    )
    accepted = standing.update(
        accepted_date=mapping.event_date, confirmed_at=now(), confirmed_by=by[:64], updated_at=now()
    )
    mapping.refresh_from_db()
    if not accepted and not (mapping.confirmed_at is not None and mapping.fits):
        raise _meanwhile(mapping.remote_event_id if mapping.confirmed_at else "", "event_id")
    return mapping


def event_date_keep(*, mapping: EventMapping, event_date: date | None) -> None:
    """Keep the date at the venue that its platform tells of an event; None, where it tells none, changes nothing."""
    if event_date is not None and event_date != mapping.event_date:
        mapping.event_date = event_date
        mapping.save(update_fields=["event_date", "updated_at"])


def primary_left_keep(*, mappings: Iterable[EventMapping], left: Mapping[str, str], at: datetime) -> int:
    """Keep what a platform says is left of the club's tickets, by event id; returns of how many events it did."""
    told = [mapping for mapping in mappings if mapping.remote_event_id in left]
    for mapping in told:
        mapping.primary_left, mapping.primary_at, mapping.updated_at = left[mapping.remote_event_id], at, at
    EventMapping.objects.bulk_update(told, ["primary_left", "primary_at", "updated_at"])
    return len(told)


def section_mapping_confirm(
    *, venue: Venue, section: str, platform: str, paper: bool, remote_section: str, by: str, over_undone: bool = True
) -> SectionMapping:
    """Remember what a section of a venue is called at a platform. `over_undone`: also where that was undone.

    Raises Conflict where another name was confirmed, or the name was undone, since that was read.
    """
    said = {"remote_section": remote_section, "confirmed_at": now(), "confirmed_by": by[:64]}
    mapping, made = SectionMapping.objects.get_or_create(
        venue=venue, section=section, platform=platform, paper=paper, defaults=said
    )
    # One UPDATE decides between two who say it at once.
    standing = SectionMapping.objects.filter(_as_read(None, over_undone=over_undone), pk=mapping.pk)
    kept = made or standing.update(**said, updated_at=now())
    mapping.refresh_from_db()
    if not kept and (mapping.confirmed_at is None or mapping.remote_section != remote_section):
        raise _meanwhile(mapping.remote_section if mapping.confirmed_at else "", "section")
    return mapping


def mapping_keep(mapping: EventMapping | SectionMapping, *, by: str) -> None:
    """Keep a mapping as it was given, confirmed from now on."""
    mapping.confirmed_at, mapping.confirmed_by = now(), by[:64]
    if isinstance(mapping, EventMapping):
        # It may be of another event than the one that was known here.
        for name, value in {**_UNTOLD, "event_date": mapping.game.game_date}.items():
            setattr(mapping, name, value)
    mapping.save()


def mapping_forget(mapping: EventMapping | SectionMapping, *, by: str) -> bool:
    """A mapping, or a request, no longer stands; its row stays, so that nothing confirms the same by itself again.

    Returns whether it stood until now: one UPDATE decides between two who undo it at once.
    """
    undone = {"confirmed_at": None, "confirmed_by": f"{UNDONE}{by}"[:64], "updated_at": now()}
    if isinstance(mapping, EventMapping):
        asked = Q(confirmed_at__isnull=False) | Q(requested_at__isnull=False)
        return bool(EventMapping.objects.filter(asked, pk=mapping.pk).update(**undone, requested_at=None))
    return bool(SectionMapping.objects.filter(pk=mapping.pk, confirmed_at__isnull=False).update(**undone))


def venue_alias_learn(*, venue: Venue, platform: str, name: str) -> None:
    """Remember what a platform calls a venue; its own name, and what is no name, teach nothing."""
    known = name.strip()[:120]
    if known and known.casefold() != venue.name.casefold():
        VenueAlias.objects.get_or_create(venue=venue, platform=platform, name=known)
