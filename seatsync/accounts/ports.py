"""What accounts tell higher layers, which register when they start."""

import uuid

from seatsync.core.actors import Actor
from seatsync.core.ports import Tidings

# A person leaves (who says so, whose id, a LeavingWhy, and the one tenant that he leaves, or None for all of them): all
# that he sells there comes down before anything else follows.
holder_leaving: Tidings[[Actor, uuid.UUID, str, uuid.UUID | None]] = Tidings()
