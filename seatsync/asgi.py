"""ASGI entry (daphne): websockets, and HTTP where one process must do."""

from seatsync.environment import use_settings

use_settings()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - the settings first
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402 - the settings first
from django.core.asgi import get_asgi_application  # noqa: E402 - the settings first

http = get_asgi_application()

from seatsync.live.routing import websocket_urlpatterns  # noqa: E402 - the settings first

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns)),
    }
)
