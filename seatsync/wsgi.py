"""WSGI entry: pages, API and webhooks; `seatsync.web` puts it behind its pools of threads."""

from django.core.wsgi import get_wsgi_application

from seatsync.environment import use_settings

use_settings()
application = get_wsgi_application()

from seatsync.warm import warm_up_pages  # noqa: E402 - the settings first

warm_up_pages()
