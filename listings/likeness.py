"""How alike names are: our sections beside a marketplace's, our game beside its events. Scores are 0 to 100.

A score orders what a person chooses from and says why; it confirms nothing (docs/adr/0025-suggested-mappings.md has
what the thresholds rest on).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rapidfuzz import fuzz

# The first suggestion is chosen beforehand from here on, and only where the second lies so far behind.
SECTION_CHOSEN, EVENT_CHOSEN, LEAD = 85, 85, 5
# Apart by so much, starts say nothing for each other.
FAR_APART = timedelta(hours=4)
# Words are the same but for a letter or a word's end; all else stays below what is chosen beforehand.
SURELY, MOST_UNSURE = 92, 80
# A team is not named by less; where one is not, or the event says that it is something beside the game, it is not
# chosen beforehand whatever else agrees.
TEAM_NAMED, TEAM_MISSING = 85, 70
# What an event says of its place where it says nothing.
PLACE_UNTOLD = 60

# Words that every section has, or may leave out.
_FILLERS = frozenset(
    {"section", "sections", "sec", "sect", "level", "levels", "lvl", "block", "the", "seating", "area", "deck"}
)
_OPPOSITES = (
    frozenset({"left", "right", "center", "centre"}), frozenset({"upper", "lower", "middle"}),
    frozenset({"north", "south", "east", "west"}), frozenset({"home", "visitor", "visitors", "away"}),
    frozenset({"infield", "outfield"}), frozenset({"inside", "outside"}),
)  # fmt: skip
# A number with its letter ("114A") is one token; "PL1" is a word and a number.
_TOKEN = re.compile(r"(\d+)([a-z](?![a-z0-9]))?|([a-z]+)")
# Words that many places and games have.
_COMMON = frozenset({"park", "field", "stadium", "center", "centre", "arena", "the", "at", "vs", "section"})
# What an event sells beside a game's seats.
_NO_SEATS = frozenset({"parking", "tailgate", "tailgating", "shuttle"})
# What says that an event is something beside a game, or no game any more.
_BESIDE = frozenset(
    {
        "lounge", "pass", "passes", "suite", "suites", "hospitality", "vip", "party", "parties", "watch", "viewing",
        "cancelled", "canceled", "postponed", "tour", "tours", "package", "packages", "upgrade", "upgrades", "voucher",
        "experience", "festival", "fanfest", "concert", "brunch", "lunch", "dinner", "buffet", "clinic", "club",
    }
)  # fmt: skip
# What the name of any game may have beside its teams and its place: words, and phrases whose words say more elsewhere.
_FREE = frozenset(
    {
        "at", "v", "vs", "versus", "and", "the", "home", "game", "ticket", "tickets", "baseball", "mlb", "basketball",
        "nba", "wnba", "football", "nfl", "hockey", "nhl", "soccer", "mls",
    }
)  # fmt: skip
_ANY_GAME = (
    "regular season", "date subject to change", "time subject to change", "date and time subject to change",
    "date time subject to change", "opening day", "home opener",
)  # fmt: skip
# Last words of many teams' names: by such a one alone none is named.
_ENDS = frozenset({"fc", "sc", "cf", "afc", "united", "city", "club", "team"})


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike, 0 (cannot be the same) to 100 (the same name), and why in words."""

    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Name:
    numbers: frozenset[str]
    letters: frozenset[str]
    words: tuple[str, ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """Its words without those that say nothing."""
        return tuple(word for word in self.words if word not in _FILLERS)


def words_of(text: str) -> frozenset[str]:
    """The words of a team's, a place's or a section's name that tell it from others, without case and accents."""
    return frozenset(re.findall(r"[a-z0-9]+", _folded(text))) - _COMMON


def numbers_of(text: str) -> frozenset[str]:
    """The numbers in a name, without leading zeros."""
    return frozenset(number.lstrip("0") or "0" for number in re.findall(r"\d+", _folded(text)))


def may_be_named(teams: Sequence[str], venue: str, *, event: str, place: str) -> bool:
    """Whether an event's words can be of this game: it names both teams, or shares a word of the venue's name."""
    named = all(words_of(team) & words_of(event) for team in teams)
    return named or bool(words_of(place) & words_of(venue))


def surely_named(teams: Sequence[str], venues: Iterable[str], *, event: str, place: str) -> bool:
    """Whether an event's words are certainly of these teams, or of this venue by any of its names.

    It names both teams by what they are called last ("Mets"), or its place has all words of the venue's name, or the
    other way round. What sells parking, or says that it is something beside a game, is none.
    """
    if sells_aside(event) or says_beside(teams, event):
        return False
    said = words_of(event)
    if all(_folded(team).split()[-1] in said for team in teams if team.strip()):
        return True
    there = words_of(place)
    return any(_same_place(here, there) for here in map(words_of, venues))


def names_the_game(teams: Sequence[str], places: Iterable[str], *, event: str) -> bool:
    """Whether an event's name is surely the game's and of nothing beside it: both teams, and no word that says more.

    A team is named by the last words of its name that no other team of the game ends with. A word that is neither a
    team's nor the place's, nor one that any game may have, may say anything: a person looks.
    """
    said = " ".join(_words(event))
    for phrase in _ANY_GAME:
        said = re.sub(rf"\b{phrase}\b", " ", said)
    words = said.split()
    own = [_words(team) for team in teams]
    if not own or not all(_named_in(team, [other for other in own if other is not team], words) for team in own):
        return False
    free = _FREE.union(*own, *map(_words, places))
    return all(word in free for word in words)


def _named_in(team: Sequence[str], others: Sequence[Sequence[str]], words: Sequence[str]) -> bool:
    """Whether the words have the shortest end of a team's name that tells it from the others ("white sox")."""
    for length in range(1, len(team) + 1):
        end = team[-length:]
        if set(end) <= _ENDS or any(other[-length:] == end for other in others):
            continue
        return any(words[at : at + length] == end for at in range(len(words) - length + 1))
    return False


def says_beside(teams: Sequence[str], name: str) -> str:
    """What an event's name says that no game's does ("hospitality and suite"); empty where it says nothing of it."""
    own = {word for team in teams for word in _words(team)}
    return " and ".join(sorted(_BESIDE & set(_words(name)) - own))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _folded(text))


def _same_place(here: frozenset[str], there: frozenset[str]) -> bool:
    """Whether two places' words name one place: the same ones, or all of the shorter name's, and those are several."""
    if not here or here == there:
        return bool(here)
    return min(len(here), len(there)) > 1 and (here <= there or there <= here)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def _parsed(text: str) -> _Name:
    found = [match.groups() for match in _TOKEN.finditer(_folded(text))]
    numbers = frozenset(number.lstrip("0") or "0" for number, _, _ in found if number)
    letters = frozenset(f"{number.lstrip('0')}{letter}" for number, letter, _ in found if letter)
    return _Name(numbers, letters, tuple(word for _, _, word in found if word))


def section_likeness(ours: str, theirs: str) -> Likeness:
    """How far a section's name at a marketplace can be ours: numbers must agree, words may be short or left out."""
    here, there = _parsed(ours), _parsed(theirs)
    if here == there:
        return Likeness(100, "the same name")
    if not here.numbers <= there.numbers or bool(here.numbers) != bool(there.numbers):
        return Likeness(0, "another number" if there.numbers else "it has no number")
    if here.letters and there.letters and here.letters != there.letters:
        return Likeness(0, "another letter at its number")
    score, reason = _words_alike(here, there) if here.numbers else _names_alike(here, there)
    if here.numbers != there.numbers:
        return Likeness(min(score, 50), "it has another number as well")
    if here.letters != there.letters:
        return Likeness(min(score, 70), "a letter at the number on one side only")
    return Likeness(score, reason)


def _words_alike(here: _Name, there: _Name) -> tuple[int, str]:
    """Of names with the same numbers."""
    ours, theirs = here.plain, there.plain
    if not ours and not theirs:
        return 98, "the same number"
    if not ours or not theirs:
        return 90, "the same number, without words on one side"
    if against := _opposite(ours, theirs):
        return 20, f"the same number, but {against}"
    if _short_for(here.words, there.words) or _short_for(there.words, here.words):
        return 95, "the same number, and one name is short for the other"
    alike = _alike(ours, theirs)
    return min(alike, 96), f"the same number, and words {alike} alike"


def _names_alike(here: _Name, there: _Name) -> tuple[int, str]:
    """Of names without numbers."""
    ours, theirs = here.plain, there.plain
    if not ours or not theirs:
        return 0, "nothing to tell it by"
    if against := _opposite(ours, theirs):
        return 0, against
    if _short_for(here.words, there.words) or _short_for(there.words, here.words):
        return 85, "one name is short for the other"
    alike = _alike(ours, theirs)
    return alike, f"words {alike} alike"


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """By all words where hardly a letter differs; else by those that both have, and not sure.

    Of "Field Box" and "Field Box Front Row" the one has every word of the other, and each is a place of its own.
    """
    left, right = " ".join(ours), " ".join(theirs)
    whole, common = fuzz.token_sort_ratio(left, right), fuzz.token_set_ratio(left, right)
    return round(whole) if whole >= SURELY else min(MOST_UNSURE, round(0.5 * whole + 0.5 * common))


def _opposite(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """What one side says and the other denies, in words; empty where nothing is."""
    for group in _OPPOSITES:
        said, denied = group & set(ours), group & set(theirs)
        if said and denied and not said & denied:
            return f"{'/'.join(sorted(denied))} instead of {'/'.join(sorted(said))}"
    return ""


def _short_for(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether a name is the other's first letters ("FL": Field Level) or made of its words' beginnings ("Fld Lvl")."""
    if len(short) == 1 and len(long) > 1 and short[0] == "".join(word[0] for word in long):
        return True
    begun = len(short) == len(long) and all(_cut(a, b) for a, b in zip(short, long, strict=True))
    return begun and list(short) != list(long)


def _cut(short: str, long: str) -> bool:
    """Whether a word is the other one with letters left out after the first: "lvl" of "level"."""
    rest = iter(long)
    return short[0] == long[0] and all(letter in rest for letter in short)


def sells_aside(name: str) -> str:
    """What an event sells instead of a game's seats ("parking"); empty for an event of the game itself."""
    return " and ".join(sorted(_NO_SEATS & set(re.findall(r"[a-z]+", _folded(name)))))


def event_likeness(*, teams: Sequence[str], places: Iterable[str], name: str, place: str, apart: timedelta) -> Likeness:
    """How far a marketplace's event can be our game: both teams in its name, one of the place's names, its start.

    `places` are the names that the venue is known by; `apart` is how far the starts are from each other.
    """
    words = _folded(name)
    if aside := sells_aside(name):
        return Likeness(0, f"it sells {aside}, no seats")
    both = min(_team_alike(team, [other for other in teams if other != team], words) for team in teams)
    where = max((fuzz.token_set_ratio(_folded(known), _folded(place)) for known in places), default=0.0)
    told_place = "the same place" if where >= 99 else f"the place's name {where:.0f} alike"
    if not place.strip():
        where, told_place = PLACE_UNTOLD, "it names no place"
    when = 100 * max(0.0, 1 - apart / FAR_APART)
    told_teams = "both teams" if both >= TEAM_NAMED else f"one team's name only {both:.0f} alike"
    beside = says_beside(teams, name)
    told_beside = f", but it says {beside}" if beside else ""
    told_start = "the same start" if not apart else f"starts {_minutes(apart)} apart"
    score = round(0.5 * both + 0.25 * where + 0.25 * when)
    return Likeness(
        score if both >= TEAM_NAMED and not beside else min(score, TEAM_MISSING),
        f"{told_teams}, {told_place}, {told_start}{told_beside}",
    )


def _team_alike(team: str, others: Sequence[str], event: str) -> float:
    """A team is named whole, or by its last word ("Mariners") where no other team of the game has it ("Sox")."""
    known = _folded(team)
    last = known.rsplit(maxsplit=1)[-1] if known.strip() else ""
    alone = bool(last) and not any(last in _folded(other).split() for other in others)
    whole = fuzz.token_set_ratio(known, event)
    return max(whole, 90.0) if alone and last in re.findall(r"[a-z0-9]+", event) else whole


def _minutes(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def sure_enough(scores: Sequence[int], threshold: int) -> bool:
    """Whether the first of these, best first, may be chosen beforehand: good by itself, and ahead of the second."""
    return bool(scores) and scores[0] >= threshold and (len(scores) == 1 or scores[0] - scores[1] >= LEAD)
