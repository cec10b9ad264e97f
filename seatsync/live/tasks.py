"""Jobs of live: delivering alerts, forgetting old events."""

from seatsync.core.jobs import job, once_per_slot
from seatsync.live import deliver, selectors


@job(time_limit_s=120)
def deliver_alerts() -> None:
    """Send due deliveries."""
    deliver.deliveries_send()


@job(time_limit_s=120)
def purge_live_events() -> None:
    """Delete events older than 24 hours."""
    once_per_slot("live.purge_live_events", 3600, selectors.events_purge)
