"""Taking listings down in time, and when a game is no longer as it was (I-08)."""

import uuid
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock
from listings.models import Listing
from listings.services.delist import listing_take_down
from listings.services.list_until import CutOffs, comes_down, cut_offs, may_be_due, until_told
from listings.services.sale_alerts import alert_game_moved
from listings.states import OFFERED, WANTED
from portfolios.models import OFF, Game, SeasonTicket
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.jobs import one_by_one

BATCH = 500
_BY_START = ("game__starts_at", "pk")
_MOVED = "its game is no longer as it was"


def listings_expire() -> int:
    """Take down offers whose time is over (`comes_down`), or whose game is postponed or cancelled; returns how many.

    No more than `BATCH` at once; those of the next games go first.
    """
    rows = cut_offs()
    over = (listing.pk for listing in islice(_over(rows), BATCH))
    return one_by_one("listings.expire", over, lambda listing_id: _expire(listing_id, rows))


def _over(rows: CutOffs) -> Iterator[Listing]:
    """The offers that have to come down, of those that may have to; read in parts."""
    offered = Listing.objects.filter(status__in=OFFERED)
    off = Q(game__status__in=OFF)
    found = [row for which in (off, *may_be_due(rows)) for row in offered.filter(which).values_list(*_BY_START)]
    ids = list(dict.fromkeys(pk for _, pk in sorted(found)))
    facts = Listing.objects.select_related("game__home_team", "game__venue")
    for first in range(0, len(ids), BATCH):
        part = facts.filter(pk__in=ids[first : first + BATCH]).prefetch_related("tickets_sent", "listing_seats")
        for listing in sorted(part, key=lambda one: (one.game.starts_at, one.pk)):
            if _is_off(listing) or comes_down(listing, rows).over:
                yield listing


def _is_off(listing: Listing) -> bool:
    return listing.game.status in OFF


@transaction.atomic
def _expire(listing_id: uuid.UUID, rows: CutOffs) -> bool:
    """Take one down whose time is over, which is asked once more: its holder may have given it more.

    One transaction each: a holder's own work on one listing must not wait for all the others.
    """
    (listing,) = listings_lock([listing_id])
    down = comes_down(listing, rows)
    if listing.status not in OFFERED or not (_is_off(listing) or down.over):
        return False
    if _is_off(listing):
        reason, which = _MOVED, {}
    else:
        reason, which = until_told(down, listing.game.venue.timezone), {"at": down.at, "bound": down.bound.value}
    before = listing.status
    sent = listing_take_down(listing, reason=reason)
    audit_record(
        actor=Actor.system(listing.tenant_id), verb="listing.expire", object_type="listing",
        object_id=listing.pk, subject=listing.season_ticket.user_id, before={"status": before},
        after={"status": listing.status, **which}, reason=reason,
    )  # fmt: skip
    return sent


@transaction.atomic
def listings_hold(game_id: uuid.UUID, what: str) -> None:
    """A game was moved: take its listings down at once, and ask each holder what shall become of them.

    Taken down and not paused: StubHub alone can hide an offer and keep it, and there it may be shown again by others'
    hands. Nothing is offered again without a person: the price was for another day.
    """
    game = Game.objects.select_related("home_team", "opponent").get(pk=game_id)
    _hold(game, what, key=f"{game.status}:{game.starts_at:%Y%m%d%H%M}")


def listings_hold_told(game: Game, what: str, *, modes: Collection[str], key: str) -> int:
    """A marketplace says that a game is not as it was: hold its listings everywhere, and ask, as above.

    `modes`: of which accounts, since the paper market's word is nothing to the real ones. `key` says what was told, so
    that nobody is asked twice. Returns how many listings come down. The caller holds the locks of the game's seats.
    """
    return _hold(game, what, key=key, account__mode__in=modes)


def _hold(game: Game, what: str, *, key: str, **which: Any) -> int:
    offered = Listing.objects.filter(game=game, status__in=WANTED, **which)
    listings = list(offered.values_list("pk", "season_ticket_id"))
    down = _take_down([pk for pk, _ in listings], what)
    for ticket in SeasonTicket.objects.filter(pk__in={ticket_id for _, ticket_id in listings}):
        held = sum(ticket_id == ticket.pk for _, ticket_id in listings)
        alert_game_moved(ticket, game, what, held, key=key)
    return down


def _take_down(listing_ids: list[uuid.UUID], reason: str) -> int:
    still = [listing for listing in listings_lock(listing_ids) if listing.status in WANTED]
    return sum(listing_take_down(listing, reason=reason) for listing in still)
