"""Jobs of live: delivering alerts, forgetting old events."""

from seatsync.core.jobs import job
from seatsync.live import deliver, selectors


@job(time_limit_s=120)
def deliver_alerts() -> None:
    """Send due deliveries."""
    deliver.deliveries_send()


@job(time_limit_s=120)
def purge_live_events() -> None:
    """Delete events older than 24 hours."""
    selectors.events_purge()
