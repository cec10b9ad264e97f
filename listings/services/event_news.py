"""What marketplaces say of our games: one that is moved or called off there holds its listings and asks (I-08).

Our own calendar is not changed by one marketplace's word. It is asked at each account's sweep, so many events at most,
and never beyond its limit; some tell by webhook.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from listings.models import Listing
from listings.services.events import day_told, event_asked
from listings.services.expire import listings_hold_told
from listings.states import OFFERED
from marketplaces.contracts import Capability, EventStanding, EventState, Link, MarketplaceAdapter
from marketplaces.errors import PermanentError, TemporaryError
from marketplaces.models import MarketplaceAccount, modes_of
from marketplaces.registry import platform_name
from marketplaces.services.alerts import alert_reading, alert_reading_recovered
from portfolios.locks import seats_lock
from portfolios.models import EventMapping, Game
from portfolios.selectors import tickets_sold_by
from portfolios.services.mapping import event_page_keep
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.core.models import nil_uuid

# Every sweep may ask again; two accounts that sell the same game need not both.
ASKED_EVERY = timedelta(minutes=9)
# Of one sweep. The others come with the next ones, the longest unasked first.
MOST_REQUESTS = 20
_OFF = {
    EventState.POSTPONED: "it is postponed", EventState.CANCELLED: "it is called off",
    EventState.RELOCATED: "it is held at another place", EventState.INACTIVE: "it is not on sale there any more",
}  # fmt: skip
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Word:
    """What a platform says of an event: its state (EventState) in its own word, and its day at the venue, if any."""

    state: str
    word: str
    day: date | None

    def against(self, game: Game, accepted: date | None) -> str:
        """What of it is not as we have the game, in words; empty where nothing is."""
        parts = [_OFF[EventState(self.state)]] if self.state in _OFF else []
        moved = self.day is not None and self.day not in {game.game_date, accepted}
        if moved and self.day is not None:
            parts.append(f"it is on {self.day:%a %-d %b %Y}")
        elif self.state == EventState.RESCHEDULED and self.day is None:
            parts.append("it gets another date")
        return " and ".join(parts)


def events_ask(
    *, adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, alive: Callable[[], None]
) -> int:
    """Ask how the events of the account's offers stand there; returns how many said something new that holds them.

    What cannot be asked now is asked by the next sweep. Raises GrantExpired. No transaction may be open.
    """
    if Capability.EVENT_STANDING not in adapter.traits.capabilities:
        return 0
    held = 0
    try:
        for number, mappings in enumerate(_requests(account, adapter.traits.events_at_once)):
            alive()
            held += _asked(adapter, link, account, mappings)
            if not number:
                alert_reading_recovered(account, "events")
    except (TemporaryError, Busy) as error:
        log.info("events.not_told", account_id=str(account.pk), platform=account.platform, error=str(error))
    except PermanentError as error:
        log.warning("events.refused", account_id=str(account.pk), platform=account.platform, error=str(error))
        alert_reading(account, "events", str(error))
    return held


def _asked(
    adapter: MarketplaceAdapter, link: Link, account: MarketplaceAccount, mappings: Sequence[EventMapping]
) -> int:
    """Ask about these, by one request; returns how many said something new that holds them."""
    found = {one.event_id: one for one in adapter.event_standings(link, [event_asked(one) for one in mappings])}
    known = [(mapping, found[mapping.remote_event_id]) for mapping in mappings if mapping.remote_event_id in found]
    for mapping, told in known:
        event_page_keep(mapping=mapping, page=told.page)
    held = sum(event_told(account=account, mapping=mapping, told=told) for mapping, told in known)
    # One that it does not know is not asked for again at once either.
    EventMapping.objects.filter(pk__in=[mapping.pk for mapping in mappings]).update(told_at=now())
    return held


def _requests(account: MarketplaceAccount, at_once: int) -> Iterator[Sequence[EventMapping]]:
    """The mappings to ask about, by request: those of games to come that the account's holder offers anywhere."""
    offered = Listing.objects.filter(
        game=OuterRef("game"), status__in=OFFERED,
        season_ticket__in=tickets_sold_by(account.user_id, account.tenant_id),
    )  # fmt: skip
    asked_lately = Q(told_at__gt=now() - ASKED_EVERY)
    due = EventMapping.objects.filter(
        ~asked_lately, Exists(offered), platform=account.platform, paper=account.paper,
        confirmed_at__isnull=False, game__starts_at__gt=now(),
    )  # fmt: skip
    oldest = due.select_related("game__venue", "game__home_team", "game__opponent").order_by(
        F("told_at").asc(nulls_first=True), "game__starts_at"
    )
    rows = sorted(oldest[: MOST_REQUESTS * min(at_once, 10)], key=lambda mapping: mapping.game.venue.name)
    by_venue = (list(group) for _, group in groupby(rows, key=lambda mapping: mapping.game.venue.name))
    requests = [group[first : first + at_once] for group in by_venue for first in range(0, len(group), at_once)]
    yield from requests[:MOST_REQUESTS]


@transaction.atomic
def event_told(*, account: MarketplaceAccount, mapping: EventMapping, told: EventStanding) -> bool:
    """Keep what a platform says of a mapped event; returns whether it is news that holds the game's listings.

    The same word a second time holds nothing: whoever offers the seats again was asked. A word that we do not know
    changes nothing, and is written into the log.
    """
    game, state = mapping.game, told.state
    if state is EventState.UNKNOWN:
        log.warning("events.unknown_word", platform=account.platform, event_id=told.event_id, word=told.word)
    before = Word(mapping.told_state, mapping.told_word, mapping.event_date)
    said = Word(state, told.word[:40], day_told(told, game))
    wrong = said.against(game, mapping.accepted_date)
    news = bool(wrong) and wrong != before.against(game, mapping.accepted_date)
    if news:
        # Under the locks that every publication takes: what comes later sees what was told.
        seats_lock(game.seats.values_list("pk", flat=True))
    as_read = EventMapping.objects.filter(
        pk=mapping.pk, confirmed_at__isnull=False, remote_event_id=mapping.remote_event_id,
        told_state=before.state, event_date=before.day,
    )  # fmt: skip
    facts = {"told_state": said.state, "told_word": said.word, "event_date": said.day or before.day}
    if not as_read.update(**facts, told_at=now(), updated_at=now()):
        return False
    if not news:
        return False
    what = f"{platform_name(account.platform)} says that {wrong}"
    _hold(account, game, what, key=f"{account.platform}:{said.state}:{said.day or ''}")
    audit_record(
        actor=Actor.marketplace(account.tenant_id, account.pk), verb="event.told", object_type="event_mapping",
        object_id=mapping.pk, subject=nil_uuid(), before={"state": before.state, "date": before.day},
        after={"state": said.state, "word": said.word, "date": said.day}, reason=what,
    )  # fmt: skip
    return True


@transaction.atomic
def event_inactive(*, account: MarketplaceAccount, listing: Listing) -> bool:
    """A platform says by webhook that a listing's event is not on any more; returns whether that is news.

    It is believed at once; the next sweep asks what exactly became of it. Of a game that has begun it says nothing.
    """
    game = Game.objects.select_related("venue", "home_team", "opponent").get(pk=listing.game_id)
    if game.starts_at <= now():
        return False
    mapping = EventMapping.objects.select_related("game__venue", "game__home_team", "game__opponent").filter(
        game=game, platform=account.platform, paper=account.paper, confirmed_at__isnull=False
    )
    if (known := mapping.first()) is not None:
        told = EventStanding(known.remote_event_id, EventState.INACTIVE, "inactive")
        return event_told(account=account, mapping=known, told=told)
    seats_lock(game.seats.values_list("pk", flat=True))
    what = f"{platform_name(account.platform)} says that {_OFF[EventState.INACTIVE]}"
    return _hold(account, game, what, key=f"{account.platform}:{EventState.INACTIVE}:") > 0


def _hold(account: MarketplaceAccount, game: Game, what: str, *, key: str) -> int:
    return listings_hold_told(game, what, modes=modes_of(paper=account.paper), key=key)
