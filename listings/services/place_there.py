"""Where a listing is on sale there: under which event, in which section and row; and whether that is its seats' place.

Names are compared through the confirmed mappings, in whatever spelling; of what a marketplace does not tell nothing is
concluded (docs/adr/0009-sweeps.md).
"""

import uuid
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Value

from listings.likeness import numbers_of
from listings.models import FoundListing, Listing
from listings.services.events import event_name, event_problem
from marketplaces.contracts import EventWords, RemoteEvent, RemoteListing
from marketplaces.models import MarketplaceAccount
from portfolios.labels import PlaceKey
from portfolios.models import EventMapping, Game, Venue
from portfolios.selectors import game_mapped_to, section_elsewhere, section_mapped_to, section_mapping_get, venue_names


@dataclass(frozen=True, slots=True)
class _Known:
    game: Game
    # What the game is mapped to in the account's market; None: to nothing.
    mapping: EventMapping | None


class PlacesThere:
    """Where the listings of one account are to be there; what the ledger and the mappings say is read once a sweep."""

    def __init__(self, account: MarketplaceAccount) -> None:
        self._platform, self._paper = account.platform, account.paper
        self._games: dict[uuid.UUID, _Known] = {}
        self._sections: dict[tuple[uuid.UUID, str], str] = {}

    def elsewhere(self, listing: Listing, found: RemoteListing) -> str:
        """Where it is on sale that is not its seats' place ("under event 7"), in words; empty where it is, or may be.

        One that a hand made there, and that is where it was when it became ours, is where its holder knows it to be.
        """
        known = self._known(listing)
        said = (
            self._event(known, found)
            or self._section(listing, known.game.venue, found.section)
            or _row(listing, found.row)
        )
        return "" if said and listing.made_there and _as_it_was(listing, found) else said

    def _known(self, listing: Listing) -> _Known:
        if listing.game_id not in self._games:
            game = Game.objects.select_related("home_team", "opponent", "venue").get(pk=listing.game_id)
            mapping = EventMapping.objects.filter(game=game, platform=self._platform, paper=self._paper).first()
            if mapping is not None:
                mapping.game = game
            self._games[listing.game_id] = _Known(game, mapping)
        return self._games[listing.game_id]

    def _event(self, known: _Known, found: RemoteListing) -> str:
        mapping, told = known.mapping, found.event_id
        if mapping is not None and mapping.requested:
            # What is told of an event that was asked for is judged where it is taken for its answer.
            return ""
        confirmed = mapping is not None and mapping.confirmed_at is not None
        if confirmed and mapping is not None and told == mapping.remote_event_id:
            return ""
        other = game_mapped_to(self._platform, told, paper=self._paper)
        if other is not None:
            return "" if other == known.game else f"under event {told}, which is another game"
        if problem := self._words_problem(found.event, known.game):
            return f"under an event that is not its game: {problem}"
        # Another id alone may be that of an event which was merged with ours: then its words say that it is the game.
        unsaid = not found.event.dated
        return f"under event {told}" if told and confirmed and unsaid else ""

    def _words_problem(self, words: EventWords, game: Game) -> str:
        """Why an event in these words cannot be the game; empty where it can, or where they say nothing."""
        if words == EventWords():
            return ""
        starts_at = words.starts_at or game.starts_at
        if words.starts_at is None and words.local_date:
            try:
                day = date.fromisoformat(words.local_date)
            except ValueError:
                return ""
            if day != game.game_date:
                return f"it is on {day:%-d %b %Y}"
        known = {"", *venue_names(game.venue, self._platform)}
        place = game.venue.name if words.venue in known else words.venue
        return event_problem(RemoteEvent("", words.name or event_name(game), place, starts_at), game)

    def _section(self, listing: Listing, venue: Venue, there: str) -> str:
        if not there.strip():
            return ""
        own = self._section_there(venue, listing.section)
        if _same(listing, own, there):
            return ""
        if section_mapped_to(venue, self._platform, there, paper=self._paper) == listing.section:
            return ""
        other = section_elsewhere(venue, listing.section, platform=self._platform, paper=self._paper, name=there)
        ours, theirs = numbers_of(own), numbers_of(there)
        # The same number in other words, or words alone, may be what it calls our section.
        may_be = bool(ours & theirs) or not (ours or theirs)
        return "" if may_be and not other else f"in section {there}"

    def _section_there(self, venue: Venue, section: str) -> str:
        """What it is to call our section: by its confirmed mapping, else as we do."""
        key = (venue.pk, section)
        if key not in self._sections:
            mapping = section_mapping_get(venue, section, self._platform, paper=self._paper)
            self._sections[key] = section if mapping is None else mapping.remote_section
        return self._sections[key]


def _row(listing: Listing, there: str) -> str:
    if not there.strip() or not listing.row.strip() or _same(listing, listing.row, there):
        return ""
    ours = numbers_of(listing.row)
    return "" if ours and ours == numbers_of(there) else f"in row {there}"


def _same(listing: Listing, own: str, there: str) -> bool:
    """Whether two spellings are of one section or row; the database says so where they are not the same letters."""
    if own.casefold() == there.casefold():
        return True
    keys = Listing.objects.filter(pk=listing.pk).annotate(own=PlaceKey(Value(own)), there=PlaceKey(Value(there)))
    return keys.filter(own=F("there")).exists()


def _as_it_was(listing: Listing, found: RemoteListing) -> bool:
    """Whether it is told to be where it was when it was found; its seats may have been said by its holder."""
    met = FoundListing.objects.filter(listing=listing).first()
    if met is None:
        return False
    words = found.event
    return (met.event_id, met.event_name, met.local_date, met.starts_at, met.section, met.row) == (
        found.event_id[:80], words.name[:200], words.local_date[:10], words.starts_at, found.section[:80],
        found.row[:40],
    )  # fmt: skip
