"""What portfolios asks and tells higher layers, which fill these ports when they start."""

import uuid
from collections.abc import Sequence

from seatsync.core.ports import Question, Tidings

# Which of some seats an open listing offers.
offered_among: Question[[Sequence[uuid.UUID]], set[uuid.UUID]] = Question(set)
# What was ever done with a season ticket (its id) and has to be kept, in words: "3 listings".
records_of_ticket: Question[[uuid.UUID], list[str]] = Question(list)
# A game is not as it was: its id, and what happened in words.
game_moved: Tidings[[uuid.UUID, str]] = Tidings()
# There are seat groups that were not there before: their ids.
groups_added: Tidings[[Sequence[uuid.UUID]]] = Tidings()
