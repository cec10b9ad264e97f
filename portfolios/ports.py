"""What portfolios asks and tells higher layers, which fill these ports when they start."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from seatsync.core.actors import Actor
from seatsync.core.ports import Question, Tidings


@dataclass(frozen=True, slots=True)
class Records:
    """What was done with a season ticket, in words: what has to be kept ("3 listings"), and what can be ended first."""

    kept: list[str] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """All that stands against changing its place or deleting it."""
        return [*self.kept, *self.under_way]


# Which of some seats an open listing offers.
offered_among: Question[[Sequence[uuid.UUID]], set[uuid.UUID]] = Question(set)
# What was ever done with a season ticket (its id) and binds it.
records_of_ticket: Question[[uuid.UUID], Records] = Question(Records)
# Seats (their ids) are about to be taken out of the ledger, under their locks: who refers to them lets go of them, or
# raises Conflict.
seats_going: Tidings[[Actor, Sequence[uuid.UUID]]] = Tidings()
# A game is not as it was: its id, and what happened in words.
game_moved: Tidings[[uuid.UUID, str]] = Tidings()
# There are seat groups that were not there before: their ids.
groups_added: Tidings[[Sequence[uuid.UUID]]] = Tidings()
