"""Whose a game's brake is."""

import uuid


def game_scope(season_id: uuid.UUID, game_id: uuid.UUID) -> uuid.UUID:
    """A game's brake is one holder's own: the scope id joins the season ticket and the game."""
    return uuid.uuid5(season_id, str(game_id))
