"""Jobs of the marketplaces: understanding what was received."""

import uuid

from marketplaces.services import availability, connect, understand
from seatsync.core.jobs import job, once_per_slot


@job(time_limit_s=60)
def process_inbound(event_ids: list[str]) -> None:
    """Process the stored items of one delivery."""
    for event_id in event_ids:
        understand.inbound_process(event_id=uuid.UUID(event_id))


@job(time_limit_s=120)
def sweep_inbound() -> None:
    """Process what a lost message left behind."""
    once_per_slot("marketplaces.sweep_inbound", 5, understand.inbound_sweep)


@job(time_limit_s=120)
def close_accounts() -> None:
    """Finish disconnections on which nothing is open any more."""
    once_per_slot("marketplaces.close_accounts", 60, connect.accounts_close)


@job(time_limit_s=240)
def read_availability() -> None:
    """Read what clubs have left of their own tickets."""
    once_per_slot("marketplaces.read_availability", 1800, availability.availability_read)


@job(time_limit_s=240)
def drain_accounts() -> None:
    """Take down what is open on accounts that are being given up, now."""
    connect.accounts_close()
