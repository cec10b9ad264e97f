"""The Celery application; its configuration is the settings' CELERY_* names."""

from celery import Celery

from seatsync.environment import use_settings

use_settings()
app = Celery("seatsync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
