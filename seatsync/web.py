"""What the web server (granian) serves: pages and API on one pool of threads, the door on another (adr 17)."""

from django.conf import settings

from seatsync.core.pools import pooled
from seatsync.wsgi import application as wsgi

# Of one process. More for pages would only share its interpreter.
application = pooled(
    wsgi,
    threads=2,
    door=("/webhooks/", "/healthz"),
    door_threads=2,
    largest_body=settings.MAIL_LARGEST_BODY,
)
