"""WSGI entry (granian): pages, API and webhooks."""

from django.core.wsgi import get_wsgi_application

from seatsync.environment import use_settings
from seatsync.warm import warm_up

use_settings()
application = get_wsgi_application()
warm_up()
