"""What the ledger asks of higher layers: which seats are on offer right now. Listings fills it when it starts."""

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
