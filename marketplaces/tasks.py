"""Jobs of the marketplaces: understanding what was received."""

import uuid

from marketplaces.services import inbox
from seatsync.core.jobs import job


@job(time_limit_s=60)
def process_inbound(event_id: str) -> None:
    """Process one stored item."""
    inbox.inbound_process(event_id=uuid.UUID(event_id))


@job(time_limit_s=120)
def sweep_inbound() -> None:
    """Process what a lost message left behind."""
    for event_id in inbox.inbound_due():
        inbox.inbound_process(event_id=event_id)
