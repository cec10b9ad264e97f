"""What portfolios asks and tells higher layers, which fill these ports when they start."""

import uuid
from collections.abc import Callable, Sequence

Lookup = Callable[[Sequence[uuid.UUID]], set[uuid.UUID]]


class OpeningsPort:
    """Answers which of some seats an open listing offers; nothing is offered until the port is filled."""

    def __init__(self) -> None:
        self._lookup: Lookup | None = None

    def fill(self, lookup: Lookup) -> None:
        """Set the look-up."""
        self._lookup = lookup

    def offered_among(self, seat_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        """The seats among these that an open listing offers."""
        return self._lookup(seat_ids) if self._lookup else set()


openings = OpeningsPort()


Moved = Callable[[uuid.UUID, str], None]


class GameMovedPort:
    """Tells whoever registered that a game is not as it was: (game id, what happened in words)."""

    def __init__(self) -> None:
        self._hearers: list[Moved] = []

    def register(self, hearer: Moved) -> None:
        """Add a hearer; the same one twice hears once."""
        if hearer not in self._hearers:
            self._hearers.append(hearer)

    def tell(self, game_id: uuid.UUID, what: str) -> None:
        """Tell everyone, in the transaction that moved the game."""
        for hearer in self._hearers:
            hearer(game_id, what)


game_moved = GameMovedPort()
