"""Test set-up: the real embedded servers, one migrated database cloned per worker, the network closed but loopback."""

import os

os.environ["ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "seatsync.settings.test"

from seatsync.core.embedded import provide_servers

provide_servers()

import django

django.setup()
