"""Tests: fast hasher, mail in memory, tasks run in the caller; the servers are the real embedded ones."""

from seatsync.settings.base import *  # noqa: F403 - a settings module is the base's names and its own
from seatsync.settings.base import DATABASES

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
ADMIN_REQUIRES_OTP = True
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# What a test commits need not outlive a power cut.
_hurry = {"application_name": "seatsync-tests", "connect_timeout": 5, "options": "-c synchronous_commit=off"}
_asked: dict[str, object] = DATABASES["default"].get("OPTIONS", {})
DATABASES = {"default": DATABASES["default"] | {"OPTIONS": _asked | _hurry}}
# Nobody listens there: no test may find, and change, a simulator that somebody runs on this machine.
SIMULATOR_URL = "http://127.0.0.1:1"
# Tests load seasons and expect them on the next page; the query counts are those of the label being read each time.
REPLAY_LABELS_KEPT_S = LIMITS_KEPT_S = 0.0
