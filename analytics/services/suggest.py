"""Working out prices for all of a person's seats of one game."""

import uuid
from itertools import groupby

from intelligence.models import AiPrediction
from intelligence.services.suggest import price_suggest
from portfolios.models import OwnerState, Seat
from portfolios.selectors import game_get, groups_of_game, seats_of_game
from portfolios.services.groups import seat_group_for
from seatsync.core.actors import Actor
from seatsync.core.errors import NotAllowed


def game_prices_suggest(*, actor: Actor, game_id: uuid.UUID) -> list[AiPrediction]:
    """A price for each seat group of the game; free seats without one are grouped by neighbours first.

    Raises NotFound for a stranger's game and NotAllowed for a viewer. Groups of which nothing is known are left out.
    """
    game = game_get(actor, game_id)
    seats = list(seats_of_game(actor, game))
    if not any(ticket.may(actor, "list") for ticket in {seat.season_ticket for seat in seats}):
        raise NotAllowed("You may look at these seats but not change them.")
    for block in _neighbours([s for s in seats if s.group_id is None and s.state == OwnerState.AVAILABLE]):
        seat_group_for(seats=block)
    found = [price_suggest(actor=actor, seat_group=group) for group in groups_of_game(actor, game)]
    return [prediction for prediction in found if prediction is not None]


def _neighbours(seats: list[Seat]) -> list[list[Seat]]:
    ordered = sorted(seats, key=lambda s: (str(s.season_ticket_id), s.section, s.row, s.seat_number))
    places = enumerate(ordered)
    runs = groupby(places, key=lambda p: (p[1].season_ticket_id, p[1].section, p[1].row, p[1].seat_number - p[0]))
    return [[seat for _, seat in run] for _, run in runs]
