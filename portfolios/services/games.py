"""Games as time goes on: over when they are over, and the ledgers' counts with them."""

from datetime import timedelta

from portfolios.models import Game, GameStatus, SeasonTicket
from portfolios.services.ledger import games_remaining_refresh
from seatsync.core.clock import now

# No game of the leagues that we know lasts longer.
LONGEST_GAME = timedelta(hours=6)


def games_close() -> int:
    """Mark games that must be over as final and recount their tickets' coming games; returns how many games."""
    over = Game.objects.filter(status=GameStatus.SCHEDULED, starts_at__lt=now() - LONGEST_GAME)
    ids = list(over.values_list("pk", flat=True))
    tickets = SeasonTicket.objects.filter(seats__game_id__in=ids).distinct().values_list("pk", flat=True)
    changed = over.filter(pk__in=ids).update(status=GameStatus.FINAL)
    games_remaining_refresh(list(tickets))
    return changed
