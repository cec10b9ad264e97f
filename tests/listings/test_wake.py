"""Waking the outbox's workers: no message too many, none too few, and what is urgent apart from the rest."""

import argparse
import re
from collections import Counter

import pytest
from django.conf import settings
from django.db import transaction
from django_celery_beat.models import PeriodicTask

from listings import tasks
from listings.services.outbox import commands_drain
from listings.services.wake import DRAIN, DRAIN_URGENT, POLL_SALES, outbox_wake
from seatsync.core import jobs
from seatsync.core.limiters import valkey
from seatsync.launch.product import specs
from seatsync.schedule import SCHEDULE, schedule_load
from tests.market import Market


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """Paths and countdowns of the messages that went out."""
    messages: list[tuple[str, float | None]] = []

    class Task:
        def __init__(self, path: str) -> None:
            self.path = path

        def apply_async(self, *, countdown: float | None, **_: object) -> None:
            messages.append((self.path, countdown))

    monkeypatch.setattr(jobs, "task_by_path", Task)
    valkey().flushdb()
    return messages


@pytest.mark.django_db(transaction=True)
def test_a_thousand_changes_make_one_message_until_a_worker_takes_it(sent: list[tuple[str, float | None]]) -> None:
    for _ in range(1_000):
        outbox_wake()
    assert sent == [(DRAIN, None)]
    tasks.drain_commands()
    outbox_wake()
    assert sent == [(DRAIN, None)] * 2


@pytest.mark.django_db(transaction=True)
def test_what_is_urgent_wakes_both_kinds_of_worker_and_a_later_time_is_always_sent(
    sent: list[tuple[str, float | None]],
) -> None:
    outbox_wake()
    outbox_wake(urgent=True)
    outbox_wake(urgent=True, after_s=2.0)
    assert sent == [(DRAIN, None), (DRAIN_URGENT, None), (DRAIN_URGENT, 2.0), (DRAIN, 2.0)]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_orders_itself_anew_stays_one_however_often_it_is_sent_beside_that(
    sent: list[tuple[str, float | None]],
) -> None:
    for _ in range(100):
        jobs.enqueue_on_commit(POLL_SALES, one_waits=True, account_id="a")
        jobs.job_begun(POLL_SALES, account_id="a")
        jobs.enqueue_on_commit(POLL_SALES, countdown_s=5.0, one_waits=True, account_id="a")
    assert Counter(sent) == {(POLL_SALES, None): 100, (POLL_SALES, 5.0): 1}


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_committed_while_a_worker_looks_wakes_another(sent: list[tuple[str, float | None]]) -> None:
    """The message was taken when the job began, so nothing that comes after that is lost."""
    with transaction.atomic():
        outbox_wake()
        jobs.job_begun(DRAIN)
    assert sent == [(DRAIN, None)]


@pytest.mark.django_db
def test_the_urgent_drain_leaves_everything_else_to_the_others(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    market.publish(market.holding.seats[2:])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    before = len(market.alpha.calls), len(market.beta.calls)
    assert commands_drain(urgent=True) == 1
    assert market.alpha.calls[before[0] :] == []
    assert market.beta.calls[before[1] :] == [("delist", beta.external_id)]
    market.work()
    assert "create" in {call for call, _ in market.alpha.calls[before[0] :]}


def test_notices_and_what_they_take_down_have_a_queue_of_their_own() -> None:
    routes = settings.CELERY_TASK_ROUTES
    urgent = {path for path, route in routes.items() if route["queue"] == "urgent"}
    # Where a marketplace calls nobody, a poll is its notice.
    assert urgent == {"marketplaces.tasks.process_inbound", DRAIN_URGENT, "listings.tasks.poll_sales"}
    assert {row.queue for row in SCHEDULE if row.task in urgent} == {"urgent"}


@pytest.mark.django_db
def test_a_periodic_job_that_got_another_queue_is_moved_where_nobody_else_has_moved_it() -> None:
    schedule_load()
    PeriodicTask.objects.filter(name="listings.tasks.poll_sales").update(queue="sync", enabled=False)
    PeriodicTask.objects.filter(name="listings.tasks.sweep_outbox").update(queue="own")
    assert schedule_load() == 0
    moved = PeriodicTask.objects.get(name="listings.tasks.poll_sales")
    assert (moved.queue, moved.enabled) == ("urgent", False)
    assert PeriodicTask.objects.get(name="listings.tasks.sweep_outbox").queue == "own"
    PeriodicTask.objects.filter(name="listings.tasks.poll_sales").update(queue="polls")
    schedule_load()
    assert PeriodicTask.objects.get(name="listings.tasks.poll_sales").queue == "polls"


def test_every_queue_has_a_worker_here_and_in_production() -> None:
    queues = {row.queue for row in SCHEDULE} | {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    here = specs(argparse.Namespace(port=1, simulator_port=2), 3)
    production = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    for commands in ([" ".join(spec.command) for spec in here], production):
        served = {
            queue for command in commands for found in re.findall(r"-Q (\S+)", command) for queue in found.split(",")
        }
        assert queues <= served


@pytest.mark.django_db(transaction=True)
def test_a_drain_that_takes_long_lets_others_have_their_turn(
    market: Market, sent: list[tuple[str, float | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    market.publish()
    monkeypatch.setattr(tasks, "DRAIN_S", 0.0)
    sent.clear()
    tasks.drain_commands()
    assert market.alpha.calls == market.beta.calls == []
    assert sent[-1] == (DRAIN, None)
    assert commands_drain(for_s=60.0) == 2
