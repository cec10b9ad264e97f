"""The Celery application; its configuration is the settings' CELERY_* names."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init

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
