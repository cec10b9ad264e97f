"""Jobs of the bottom layer: forgetting what is no longer needed, and room for the series to come."""

from datetime import timedelta

from seatsync.core.clock import now
from seatsync.core.idempotency import idempotency_purge
from seatsync.core.jobs import job, once_per_slot
from seatsync.core.models import PeriodicRun
from seatsync.core.series import ensure_partitions, ensure_partitions_of_default

SERIES = ("market_snapshots", "price_history")


@job(time_limit_s=120)
def purge() -> None:
    """Forget idempotent answers and periodic slots older than a day."""
    once_per_slot("core.purge", 3600, _purge)


def _purge() -> None:
    idempotency_purge()
    PeriodicRun.objects.filter(created_at__lt=now() - timedelta(days=1)).delete()


@job(time_limit_s=300)
def make_partitions() -> None:
    """Make the series' partitions of this month and the two that follow, and those of rows that came without one."""
    once_per_slot("core.make_partitions", 86_400, series_prepare)


def series_prepare() -> int:
    """Make missing monthly partitions; returns how many. Does nothing on hypertables."""
    middle = now().replace(day=15)
    months = [middle + timedelta(days=30 * ahead) for ahead in range(3)]
    return sum(ensure_partitions(table, months) + ensure_partitions_of_default(table) for table in SERIES)
