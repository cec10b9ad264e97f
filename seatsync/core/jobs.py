"""Sending work to Celery: by path, when the transaction commits, never before; and once per due slot."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, ParamSpec, TypeVar, cast

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, transaction

from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.core.limiters import valkey
from seatsync.core.models import PeriodicRun

log = structlog.get_logger(__name__)
# How long a message counts as waiting that was lost; beat's sweeps come as often.
WAITS_MS = 5_000


P = ParamSpec("P")
T = TypeVar("T")


def job(*, time_limit_s: int) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A Celery task (typed): killed after `time_limit_s` seconds, bound to our application when that is loaded."""

    def bind(function: Callable[P, None]) -> Callable[P, None]:
        return cast(
            "Callable[P, None]", shared_task(time_limit=time_limit_s, soft_time_limit=time_limit_s * 9 // 10)(function)
        )

    return bind


def task_by_path(path: str) -> Any:
    """The task at "app.tasks.name"; raises ImportError or AttributeError where there is none."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def enqueue_on_commit(path: str, *, countdown_s: float = 0, one_waits: bool = False, **kwargs: Any) -> None:
    """Send the task at `path` once the current transaction commits; nothing is sent after a rollback.

    `one_waits`: not where one waits already with these arguments, for jobs that do all there is to do and say
    `job_begun` first, so that a thousand changes make no queue of a thousand messages. Of those for later one waits
    for `countdown_s`: a job that orders itself anew stays one, however often it is sent beside that. A broker that is
    away is logged and survived: every job is also found by its beat sweep.
    """

    def send() -> None:
        try:
            key, waits_ms = _waits(path, kwargs), WAITS_MS
            if countdown_s:
                key, waits_ms = f"{key}:later", max(1, int(countdown_s * 1000))
            if one_waits and not valkey().set(key, 1, nx=True, px=waits_ms):
                return
            task_by_path(path).apply_async(kwargs=kwargs, countdown=countdown_s or None, retry=False)
        except OSError as error:
            log.warning("job.not_sent", task=path, error=str(error))
        except Exception as error:
            if not _is_broker_trouble(error):
                raise
            log.warning("job.not_sent", task=path, error=str(error))

    transaction.on_commit(send)


def job_begun(path: str, **kwargs: Any) -> None:
    """Say that the waiting message of a `one_waits` job was taken: what is committed from now on sends another."""
    valkey().delete(_waits(path, kwargs))


def _waits(path: str, kwargs: Mapping[str, Any]) -> str:
    return ":".join(["job-waits", path, *(f"{name}={value}" for name, value in sorted(kwargs.items()))])


def _is_broker_trouble(error: Exception) -> bool:
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    return isinstance(error, OperationalError | RedisError)


def one_by_one(what: str, items: Iterable[T], work: Callable[[T], int]) -> int:
    """Do `work` for each and return the sum: one that fails keeps none of the others back, and comes again next time.

    `what`: in words of a log. One whose rows somebody else is changing is no failure.
    """
    done = 0
    for item in items:
        try:
            done += work(item)
        except SoftTimeLimitExceeded:
            raise
        except Busy:
            log.info("job.busy", what=what, item=str(item))
        except Exception:
            log.exception("job.one_failed", what=what, item=str(item))
    return done


def due_slot(every_s: int, moment: datetime | None = None) -> datetime:
    """The start of the `every_s`-second slot that holds `moment` (default now)."""
    moment = moment or now()
    return moment - timedelta(seconds=moment.timestamp() % every_s)


def once_per_slot(task: str, every_s: int, work: Callable[[], Any]) -> bool:
    """Run `work` unless the slot was taken by another beat; returns whether it ran."""
    try:
        with transaction.atomic():
            PeriodicRun.objects.create(task=task, due_slot=due_slot(every_s))
    except IntegrityError:
        return False
    work()
    return True
