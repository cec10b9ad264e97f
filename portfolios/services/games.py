"""Games as time goes on: moved, called off, and over when they are over, and the ledgers' counts with them."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from portfolios.locks import seats_lock
from portfolios.models import OFF, EventMapping, Game, GameStatus, SeasonTicket
from portfolios.ports import game_moved
from portfolios.services.ledger import games_remaining_refresh
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotFound
from seatsync.core.models import nil_uuid
from seatsync.core.venue_time import local

# No game of the leagues that we know lasts longer.
LONGEST_GAME = timedelta(hours=6)


@transaction.atomic
def game_move(
    *, actor: Actor, game_id: uuid.UUID, starts_at: datetime | None = None, status: str | None = None, reason: str = ""
) -> Game:
    """Postpone, call off, bring back or re-date a game; everyone who offers its seats is told and asked (I-08).

    `starts_at` is an aware moment; the venue's date follows from it. Raises NotFound, or InvalidInput for a naive
    moment or an unknown status. A call that changes nothing tells nobody.
    """
    game = Game.objects.select_related("venue").filter(pk=game_id).first()
    if game is None:
        raise NotFound("No game with this id.")
    if starts_at is not None and starts_at.tzinfo is None:
        raise InvalidInput("The start has no time zone.", field="starts_at", remedy="Give it with its UTC offset.")
    if status is not None and status not in GameStatus.values:
        raise InvalidInput(
            f"{status!r} is not a status.", field="status", remedy=f"Use {', '.join(GameStatus.values)}."
        )
    # Under the locks that every publication takes: what is being offered is seen below, and what comes later sees this.
    seats_lock(game.seats.values_list("pk", flat=True))
    game.refresh_from_db()
    before = {"starts_at": game.starts_at, "status": game.status}
    game.starts_at = starts_at or game.starts_at
    game.status = status or game.status
    if before == {"starts_at": game.starts_at, "status": game.status}:
        return game
    game.game_date = local(game.starts_at, game.venue.timezone).date()
    # What was let pass was so for the date that it had.
    EventMapping.objects.filter(game=game).update(accepted_date=None)
    game.save(update_fields=["starts_at", "game_date", "status", "updated_at"])
    audit_record(
        actor=actor, verb="game.move", object_type="game", object_id=game.pk, subject=nil_uuid(), before=before,
        after={"starts_at": game.starts_at, "status": game.status}, reason=reason,
    )  # fmt: skip
    games_remaining_refresh(list(_tickets_of([game.pk])))
    if game.status != GameStatus.FINAL:
        game_moved.tell(game.pk, _what(before["starts_at"], game))
    return game


def _what(old_start: object, game: Game) -> str:
    if game.status in OFF:
        return f"the game was {game.get_status_display()}"
    if old_start != game.starts_at:
        return f"the game was moved to {local(game.starts_at, game.venue.timezone):%a %d %b %Y, %H:%M} at the venue"
    return f"the game is {game.get_status_display()} again"


def games_close() -> int:
    """Mark games that must be over as final and recount their tickets' coming games; returns how many games."""
    over = Game.objects.filter(status=GameStatus.SCHEDULED, starts_at__lt=now() - LONGEST_GAME)
    ids = list(over.values_list("pk", flat=True))
    tickets = list(_tickets_of(ids))
    changed = over.filter(pk__in=ids).update(status=GameStatus.FINAL)
    games_remaining_refresh(tickets)
    return changed


def _tickets_of(game_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    return set(SeasonTicket.objects.filter(seats__game_id__in=game_ids).values_list("pk", flat=True))
