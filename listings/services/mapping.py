"""Confirming which event and which section there is ours: choices from the marketplace, checked before they count.

A mapping serves everybody who sells this game there, so a holder's word is checked against what the marketplace says
(docs/adr/0011-mapping.md). The platform's staff may confirm what the check cannot; a tenant's own support may not.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from django.core.cache import cache
from django.db import transaction

from listings.likeness import (
    EVENT_CHOSEN,
    SECTION_CHOSEN,
    event_likeness,
    numbers_of,
    section_likeness,
    sure_enough,
    words_of,
)  # fmt: skip
from listings.models import Listing, MarketplaceCommand
from listings.selectors import mapping_waiting_get, mappings_waiting, publication_get
from listings.services.events import event_gap, event_name, event_problem, event_query, request_problem, request_words
from listings.services.execute import draft_unmapped
from listings.services.mend import commands_again
from marketplaces.contracts import Capability, MarketplaceAdapter, RemoteEvent
from marketplaces.errors import MarketplaceError, MustWait
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, platform_can, platform_name
from marketplaces.services.links import link_for
from portfolios.models import Game
from portfolios.selectors import (
    event_mapping_get,
    event_request_get,
    section_elsewhere,
    section_mapping_get,
    venue_names,
)  # fmt: skip
from portfolios.services.mapping import (
    event_mapping_accept,
    event_mapping_confirm,
    section_mapping_confirm,
    venue_alias_learn,
)
from seatsync.accounts.selectors import is_platform_staff
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.venue_time import local

# Sections shown one by one; the rest can be typed.
MOST_LIKELY = 8
# Why there is nothing left to choose.
CONFIRMED = "confirmed already"
# How long what a marketplace showed stands in where it may not be asked again yet (s).
FOUND_KEPT_S = 600


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that the marketplace has on the game's day; `problem` says why it cannot be the game, or is empty.

    `score` (0 to 100) and `reason` say how far its names and its start are the game's.
    """

    event: RemoteEvent
    problem: str
    score: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SectionChoice:
    """A section's name there, how far it can be ours (0 to 100) and why; `fits` is what a holder may confirm."""

    name: str
    score: int
    reason: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What may be confirmed: the marketplace's events, or its sections, the likely ones first; empty: it lists none.

    `chosen` is the event's id or the section's name that is chosen beforehand; "" where none is sure enough.
    `request` are the words in which the marketplace can be asked to add the event; "" where it cannot.
    """

    events: list[Candidate]
    sections: list[SectionChoice]
    chosen: str = ""
    request: str = ""

    @property
    def likely(self) -> list[SectionChoice]:
        """The sections worth showing one by one."""
        return [choice for choice in self.sections if choice.fits and choice.score][:MOST_LIKELY]


def mapping_open(actor: Actor, command_id: object) -> MarketplaceCommand:
    """One publication that waits for a mapping. Raises NotFound, or Conflict where it is answered already."""
    try:
        return mapping_waiting_get(actor, command_id)
    except NotFound:
        command = publication_get(actor, command_id)
    listing, account = _listing(command), command.account
    name = platform_name(account.platform)
    asked = event_request_get(listing.game, account.platform, paper=account.paper)
    known = event_mapping_get(listing.game, account.platform, paper=account.paper)
    said = "This publication waits for no mapping any more."
    if asked is not None and asked.requested_at is not None:
        since = local(asked.requested_at, listing.game.venue.timezone)
        said = f"{name} is asked to add this game already, since {since:%-d %b %H:%M %Z}."
    elif known is not None:
        said = f"This game is mapped to event {known.remote_event_id} at {name} already."
    raise Conflict(said, field="command", remedy="Nothing is to be done.")


def mapping_options(*, actor: Actor, command_id: uuid.UUID) -> Options:
    """Ask the marketplace what there is to choose from, or what was confirmed since.

    Raises NotFound, or Conflict where it cannot be asked.
    """
    command = mapping_waiting_get(actor, command_id)
    listing = _listing(command)
    if (answered := _answered(command, listing)) is not None:
        return answered
    if command.payload["wants"] == "event":
        events = _candidates(command.account, listing.game)
        able = [candidate.score for candidate in events if not candidate.problem]
        chosen = events[0].event.event_id if sure_enough(able, EVENT_CHOSEN) else ""
        adds = platform_can(command.account.platform, Capability.REQUEST_EVENT)
        may_ask = adds and not chosen and not request_problem(listing.game)
        return Options(events, [], chosen, request_words(listing.game) if may_ask else "")
    sections = sorted(
        (_choice(listing.section, name) for name in _sections(command.account, listing)),
        key=lambda choice: (not choice.fits, -choice.score, choice.name),
    )
    fitting = [choice.score for choice in sections if choice.fits]
    return Options([], sections, sections[0].name if sure_enough(fitting, SECTION_CHOSEN) else "")


def _answered(command: MarketplaceCommand, listing: Listing) -> Options | None:
    """What somebody has confirmed since, to be taken with one tap: its marketplace may not show what staff confirmed.

    Nobody is asked for it. None where it is open still.
    """
    game, platform, paper = listing.game, command.account.platform, command.account.paper
    if command.payload["wants"] == "event":
        event = event_mapping_get(game, platform, paper=paper)
        if event is None or not event.fits:
            return None
        there = RemoteEvent(event.remote_event_id, event_name(game), game.venue.name, game.starts_at)
        return Options([Candidate(there, "", 100, CONFIRMED)], [], event.remote_event_id)
    section = section_mapping_get(game.venue, listing.section, platform, paper=paper)
    if section is None:
        return None
    return Options([], [SectionChoice(section.remote_section, 100, CONFIRMED, fits=True)], section.remote_section)


def _choice(ours: str, theirs: str) -> SectionChoice:
    found = section_likeness(ours, theirs)
    return SectionChoice(theirs, found.score, found.reason, section_fits(ours, theirs))


@transaction.atomic
def mapping_confirm(
    *, actor: Actor, command_id: uuid.UUID, event_id: str = "", section: str = ""
) -> list[MarketplaceCommand]:
    """Confirm the event or section that a publication waits for, and send all of one's own that waited for it again.

    Returns them all: one that may not be sent any more waits on, with the reason, while the others go.
    Raises NotFound, InvalidInput for a choice that cannot be right, Conflict where the marketplace cannot be asked or
    somebody has confirmed it, or another one, meanwhile.
    """
    return commands_again(actor=actor, command_ids=_confirm(actor, command_id, event_id, section))


def _confirm(actor: Actor, command_id: uuid.UUID, event_id: str, section: str) -> list[uuid.UUID]:
    """Confirm it, and find the publications that waited for it."""
    command = mapping_open(actor, command_id)
    listing = _listing(command)
    if command.payload["wants"] == "event":
        _confirm_event(actor, command, listing, event_id.strip())
    else:
        _confirm_section(actor, command, listing, section.strip())
    return waiting_with(actor, command, listing)


def waiting_with(actor: Actor, command: MarketplaceCommand, listing: Listing) -> list[uuid.UUID]:
    """The publications of one holder that wait for the same answer as this one, this one among them."""
    if command.payload["wants"] == "event":
        same = mappings_waiting(actor).filter(listing__game=listing.game, payload__wants="event")
    else:
        same = mappings_waiting(actor).filter(
            listing__game__venue=listing.game.venue, listing__section=listing.section, payload__wants="section"
        )
    own = same.filter(account__platform=command.account.platform, account__user_id=command.account.user_id)
    return list(own.order_by("pk").values_list("pk", flat=True))


def _listing(command: MarketplaceCommand) -> Listing:
    if command.listing is None:
        raise LookupError(f"command {command.pk} has no listing")
    return command.listing


def _confirm_event(actor: Actor, command: MarketplaceCommand, listing: Listing, event_id: str) -> None:
    game, platform, paper = listing.game, command.account.platform, command.account.paper
    if not event_id:
        raise InvalidInput("No event was chosen.", field="event_id", remedy="Choose one, or type its id.")
    known = event_mapping_get(game, platform, paper=paper)
    if known is not None and known.fits:
        _same_or_conflict(known.remote_event_id, event_id, "event_id")
        return
    page, free = "", is_platform_staff(actor)
    if not free:
        event = event_check(command.account, game, event_id)
        page = event.page
        venue_alias_learn(venue=game.venue, platform=platform, name=event.venue)
    if free and known is not None and known.remote_event_id == event_id:
        mapping = event_mapping_accept(mapping=known, by=_by(actor))
    else:
        mapping = event_mapping_confirm(
            game=game, platform=platform, paper=paper, remote_event_id=event_id[:80], by=_by(actor), page=page,
            known=known,
        )  # fmt: skip
    audit_record(
        actor=actor, verb="event_mapping.confirm", object_type="event_mapping", object_id=mapping.pk,
        subject=command.account.user_id, before={"event": known.remote_event_id} if known else None,
        after={"game": game.pk, "platform": platform, "event": event_id},
    )  # fmt: skip


def event_check(account: MarketplaceAccount, game: Game, event_id: str) -> RemoteEvent:
    """The id is read back from the marketplace, and must be an event that can be this game.

    Raises InvalidInput where it cannot, Conflict where that cannot be asked.
    """
    name = platform_name(account.platform)
    found = next((candidate for candidate in _candidates(account, game) if candidate.event.event_id == event_id), None)
    if found is None:
        raise InvalidInput(
            f"{name} shows no event {event_id[:40]!r} on {game.game_date:%-d %b %Y}.", field="event_id",
            remedy="Choose one of those it shows, or ask support.",
        )  # fmt: skip
    if found.problem:
        raise InvalidInput(
            f"{found.event.name} cannot be this game: {found.problem}.", field="event_id",
            remedy="Choose another event, or ask support.",
        )  # fmt: skip
    return found.event


def _confirm_section(actor: Actor, command: MarketplaceCommand, listing: Listing, section: str) -> None:
    venue, platform, paper = listing.game.venue, command.account.platform, command.account.paper
    if not section:
        raise InvalidInput("No section was chosen.", field="section", remedy="Choose one, or type its name there.")
    known = section_mapping_get(venue, listing.section, platform, paper=paper)
    if known is not None:
        _same_or_conflict(known.remote_section, section, "section")
        return
    if not is_platform_staff(actor):
        section_check(command.account, listing, section)
    mapping = section_mapping_confirm(
        venue=venue, section=listing.section, platform=platform, paper=paper, remote_section=section[:80], by=_by(actor)
    )
    audit_record(
        actor=actor, verb="section_mapping.confirm", object_type="section_mapping", object_id=mapping.pk,
        subject=command.account.user_id,
        after={"venue": venue.name, "section": listing.section, "platform": platform, "there": section},
    )  # fmt: skip


def section_check(account: MarketplaceAccount, listing: Listing, section: str) -> None:
    """Raises InvalidInput for a name that cannot be the listing's section there, Conflict where nobody can be asked."""
    offered, name = _sections(account, listing), platform_name(account.platform)
    if offered and section not in offered:
        raise InvalidInput(
            f"{name} has no section {section[:40]!r} at this event.", field="section",
            remedy="Choose one of those it shows.",
        )  # fmt: skip
    venue = listing.game.venue
    if other := section_elsewhere(venue, listing.section, platform=account.platform, paper=account.paper, name=section):
        raise InvalidInput(
            f"{section[:40]} there is section {other} here, not {listing.section}.", field="section",
            remedy="Choose another one, or ask support.",
        )  # fmt: skip
    if not section_fits(listing.section, section):
        raise InvalidInput(
            f"{section[:40]} does not name your section {listing.section}.", field="section",
            remedy="Choose one that does, or ask support.",
        )  # fmt: skip


def _same_or_conflict(known: str, chosen: str, field: str) -> None:
    if known != chosen:
        raise Conflict(f"It was mapped to {known} meanwhile.", field=field, remedy="Send the listing again.")


def _candidates(account: MarketplaceAccount, game: Game) -> list[Candidate]:
    """The marketplace's events of the game's day, those that can be it first."""
    adapter = adapter_get(account.platform)
    if Capability.SEARCH_EVENTS not in adapter.traits.capabilities:
        return []
    try:
        found = _events_found(adapter, account, game)
    except MarketplaceError as error:
        raise _cannot_ask(adapter.traits.name, error, "event_id") from error
    places = venue_names(game.venue, account.platform)
    judged = [_candidate(event, game, places) for event in found]
    nearest = min((event_gap(c.event, game) for c in judged if not c.problem), default=timedelta(0))
    # Of two games of one day only the one that starts nearest to ours is ours.
    judged = [
        replace(c, problem="another event there starts nearer to it")
        if not c.problem and event_gap(c.event, game) > nearest
        else c
        for c in judged
    ]
    return sorted(judged, key=lambda c: (bool(c.problem), -c.score, event_gap(c.event, game), c.event.event_id))


def _events_found(adapter: MarketplaceAdapter, account: MarketplaceAccount, game: Game) -> Iterable[RemoteEvent]:
    """What a search by each of several names finds, or by venue and day alone. Raises MarketplaceError."""
    texts = ("", game.home_team.name, game.venue.name) if adapter.traits.searches_by_text else ("",)
    keys = {f"events-found:{account.pk}:{game.pk}:{place}": text for place, text in enumerate(texts)}
    kept: dict[str, list[RemoteEvent]] = cache.get_many(keys)
    link = link_for(account)
    try:
        # Where a marketplace takes one search at a time each of them has its turn, a name that was not tried first.
        for key in sorted(keys, key=kept.__contains__):
            found = list(adapter.search_events(link, event_query(game, keys[key])))
            kept.pop(key, None)
            kept[key] = found
            cache.set(key, found, FOUND_KEPT_S)
    except MustWait:
        # What was found a moment ago is still there, and what none of them found is not.
        if not any(kept.values()) and len(kept) < len(keys):
            raise
    return {event.event_id: event for events in kept.values() for event in events}.values()


def _candidate(event: RemoteEvent, game: Game, places: list[str]) -> Candidate:
    found = event_likeness(
        teams=(game.home_team.name, game.opponent.name), places=places, name=event.name, place=event.venue,
        apart=event_gap(event, game),
    )  # fmt: skip
    return Candidate(event, event_problem(event, game), found.score, found.reason)


def _sections(account: MarketplaceAccount, listing: Listing) -> tuple[str, ...]:
    adapter = adapter_get(account.platform)
    if Capability.CONSTRAINTS not in adapter.traits.capabilities:
        return ()
    mapped = event_mapping_get(listing.game, account.platform, paper=account.paper)
    draft = draft_unmapped(listing, mapped.remote_event_id if mapped else "")
    try:
        return adapter.constraints(link_for(account), draft).sections
    except MarketplaceError as error:
        raise _cannot_ask(adapter.traits.name, error, "section") from error


def _cannot_ask(name: str, error: MarketplaceError, field: str) -> Conflict:
    return Conflict(
        f"{name} could not be asked: {str(error).rstrip('.')}.", field=field, remedy="Try again in a minute."
    )


def section_fits(ours: str, theirs: str) -> bool:
    """Whether a section's name there holds our number; without a number, one of our words."""
    if numbers := numbers_of(ours):
        return numbers <= numbers_of(theirs)
    return bool(words_of(ours) & words_of(theirs))


def _by(actor: Actor) -> str:
    return f"{actor.kind.value}:{actor.id}"
