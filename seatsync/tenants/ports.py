"""What tenants tells higher layers, which register when they start."""

import uuid

from seatsync.core.actors import Actor
from seatsync.core.ports import Tidings

# A tenant's selling ends (who says so, its id, why): everything of it comes down, and nothing new goes up.
tenant_suspended: Tidings[[Actor, uuid.UUID, str]] = Tidings()
# It may sell again (who says so, its id).
tenant_resumed: Tidings[[Actor, uuid.UUID]] = Tidings()
