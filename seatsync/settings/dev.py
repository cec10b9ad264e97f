"""Development: real embedded servers, mail in files, no TLS."""

from seatsync.settings.base import *  # noqa: F403 - a settings module is the base's names and its own
from seatsync.settings.base import DATABASES
from seatsync.settings.env import env_bool

DEBUG = env_bool("DEBUG", False)
ADMIN_REQUIRES_OTP = env_bool("ADMIN_REQUIRES_OTP", False)
# Static files straight from their folders: nothing to collect, nothing stale.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# As in production: a new connection for every request and job costs more than most of them.
DATABASES = {"default": DATABASES["default"] | {"CONN_MAX_AGE": 60}}
