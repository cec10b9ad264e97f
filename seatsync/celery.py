"""The Celery application; its configuration is the settings' CELERY_* names."""

from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_init

from seatsync.environment import use_settings

use_settings()
app = Celery("seatsync")
# At once, so that bad settings stop the import and not the first task.
app.config_from_object("django.conf:settings", namespace="CELERY", force=True)
app.autodiscover_tasks()
# A package of the composition, and no Django app of its own.
app.autodiscover_tasks(["seatsync.demo"])


def keep_logging(**_: Any) -> None:
    """Workers and beat log as the web does (settings.LOGGING); Celery sets up its own only where nobody answers."""


setup_logging.connect(keep_logging, weak=False)


def load_before_forking(**_: Any) -> None:
    """Once, in the worker's parent: its pool processes share what is loaded there."""
    # The addresses need the applications, which are ready by now only.
    from seatsync.warm import warm_up

    warm_up()


worker_init.connect(load_before_forking, weak=False)


def check_connections(**_: Any) -> None:
    """Before each job of a worker: its connection is kept unless it is broken, or older than CONN_MAX_AGE.

    What broke since is found by the health check before the job's first query (CONN_HEALTH_CHECKS).
    """
    from django.db import close_old_connections

    close_old_connections()


def name_requests(task_id: str = "", **_: Any) -> None:
    """What a job sends and logs is found by its id, as what a web request does is by its own."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=task_id)


def check_connections_here(**_: Any) -> None:
    """In workers alone: what runs a job in its own process has a transaction of its own, and its own connection."""
    task_prerun.connect(check_connections, weak=False)
    task_prerun.connect(name_requests, weak=False)


worker_init.connect(check_connections_here, weak=False)
