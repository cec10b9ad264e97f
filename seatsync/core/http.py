"""The one HTTP client for the outside world: timeouts always, connections reused, a correlation id on every request."""

import httpx
import structlog
from django.conf import settings

USER_AGENT = "SeatSync/1.0"


def _add_correlation(request: httpx.Request) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        request.headers.setdefault("X-Correlation-ID", str(request_id))


def http_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client with our timeouts (connect, and a total that bounds the command lease); `transport` is for tests."""
    total = settings.HTTP_TOTAL_TIMEOUT_S
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(total, connect=settings.HTTP_CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30),
        headers={"User-Agent": USER_AGENT},
        event_hooks={"request": [_add_correlation]},
        follow_redirects=False,
    )
