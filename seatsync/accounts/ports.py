"""What accounts tell higher layers, which register when they start."""

import uuid

from seatsync.core.actors import Actor
from seatsync.core.ports import Tidings

# A person leaves (who says so, whose id, a LeavingWhy): all that he sells comes down before anything else follows.
holder_leaving: Tidings[[Actor, uuid.UUID, str]] = Tidings()
