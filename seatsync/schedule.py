"""The default schedule of periodic jobs. Staff edit it in the admin, and their edits are kept."""

from dataclasses import dataclass

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Row:
    """A task path, how often (seconds) and on which queue; it expires when the next one is due."""

    task: str
    every_s: int
    queue: str = "default"


SCHEDULE = (
    Row("listings.tasks.sweep_outbox", 5, "sync"),
    Row("marketplaces.tasks.sweep_inbound", 5, "sync"),
    Row("marketplaces.tasks.close_accounts", 60, "sync"),
    Row("listings.tasks.poll_sales", 15, "urgent"),
    Row("listings.tasks.expire_listings", 60, "sync"),
    Row("listings.tasks.reconcile_accounts", 600, "sync"),
    Row("listings.tasks.poll_payouts", 3600, "sync"),
    Row("listings.tasks.nag_by_hand", 60),
    Row("listings.tasks.remind_hand_overs", 300),
    Row("listings.tasks.check_payouts", 3600),
    Row("seatsync.live.tasks.deliver_alerts", 15),
    Row("seatsync.live.tasks.purge_live_events", 3600),
    Row("seatsync.core.tasks.purge", 3600),
    Row("seatsync.core.tasks.make_partitions", 86_400),
    Row("portfolios.tasks.close_games", 600),
    Row("seatsync.demo.tasks.refresh_paper_market", 600),
    Row("seatsync.demo.tasks.replay_recorded", 5),
    Row("intelligence.tasks.refresh_prices", 900),
    Row("marketplaces.tasks.read_availability", 1800),
)
# The queues on which rows stood that were inserted by an earlier version: one that still does is moved.
MOVED_FROM = {"listings.tasks.poll_sales": "sync"}


def schedule_load() -> int:
    """Insert the rows that are missing; what staff changed or switched off stays so. Returns how many were new."""
    for task, queue in MOVED_FROM.items():
        for known in PeriodicTask.objects.filter(name=task, queue=queue):
            known.queue = next(row.queue for row in SCHEDULE if row.task == task)
            # Saved, so that beat hears of it.
            known.save()
    made = 0
    for row in SCHEDULE:
        interval, _ = IntervalSchedule.objects.get_or_create(every=row.every_s, period=IntervalSchedule.SECONDS)
        _, created = PeriodicTask.objects.get_or_create(
            name=row.task,
            defaults={
                "task": row.task, "interval": interval, "queue": row.queue, "expire_seconds": max(row.every_s, 10),
            },
        )  # fmt: skip
        made += created
    return made
