"""Taking listings down in time: before the game starts, and when a game is no longer as it was (I-08)."""

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from listings.locks import listings_lock
from listings.models import Listing, ListingStatus
from listings.services.delist import listing_take_down
from listings.services.sale_alerts import alert_game_moved
from listings.states import OFFERED
from portfolios.models import Game, GameStatus, SeasonTicket
from seatsync.core.clock import now

# Delivery by mobile transfer needs this long before the first pitch.
BEFORE_START = timedelta(hours=1)
BATCH = 500


def listings_expire() -> int:
    """Take down offers whose game starts within the hour, or is postponed or cancelled; returns how many."""
    too_late = Q(game__starts_at__lte=now() + BEFORE_START)
    moved = Q(game__status__in=[GameStatus.POSTPONED, GameStatus.CANCELLED])
    ids = list(Listing.objects.filter(too_late | moved, status__in=OFFERED).values_list("pk", flat=True)[:BATCH])
    done = 0
    for listing_id in ids:
        # One transaction each: a holder's own work on one listing must not wait for all the others.
        with transaction.atomic():
            done += _take_down([listing_id], "the game is about to start, or was moved")
    return done


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
    offered = Listing.objects.filter(game=game, status__in=[*OFFERED, ListingStatus.ERROR], **which)
    listings = list(offered.values_list("pk", "season_ticket_id"))
    down = _take_down([pk for pk, _ in listings], what)
    for ticket in SeasonTicket.objects.filter(pk__in={ticket_id for _, ticket_id in listings}):
        held = sum(ticket_id == ticket.pk for _, ticket_id in listings)
        alert_game_moved(ticket, game, what, held, key=key)
    return down


def _take_down(listing_ids: list[uuid.UUID], reason: str) -> int:
    still = [listing for listing in listings_lock(listing_ids) if listing.status in {*OFFERED, ListingStatus.ERROR}]
    return sum(listing_take_down(listing, reason=reason) for listing in still)
