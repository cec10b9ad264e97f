"""The one HTTP client for the outside world: always bounded in time, connections reused, requests correlated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx
import structlog
from django.conf import settings

USER_AGENT = "SeatSync/1.0"
# How long the body of an answer that has begun may stand still: with the total it must stay inside a command's lease.
BODY_STALL_S = 2.0
_ends_at: ContextVar[float | None] = ContextVar("calls_end_at", default=None)


@contextmanager
def calls_within(seconds: float) -> Iterator[None]:
    """All requests inside share this time, however many they are; one that finds none left is never sent."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


class _BoundedStream(httpx.SyncByteStream):
    """A body that drips is cut off at the end of its time."""

    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request, ends_at: float) -> None:
        self._stream, self._request, self._ends_at = stream, request, ends_at

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if time.monotonic() > self._ends_at:
                raise httpx.ReadTimeout("the answer took too long to arrive whole", request=self._request)
            yield part

    def close(self) -> None:
        self._stream.close()


class BoundedTransport(httpx.BaseTransport):
    """Bounds a whole request, answer read included: httpx's own timeouts bound each wait for itself."""

    def __init__(self, inner: httpx.BaseTransport, total_s: float) -> None:
        self._inner, self._total_s = inner, total_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ConnectTimeout, without sending, where no time is left."""
        shared = _ends_at.get()
        ends_at = time.monotonic() + self._total_s
        ends_at = ends_at if shared is None else min(ends_at, shared)
        left = ends_at - time.monotonic()
        if left <= 0:
            raise httpx.ConnectTimeout("no time is left for another request", request=request)
        timeouts = request.extensions.setdefault("timeout", {})
        for name in ("connect", "read", "write", "pool"):
            timeouts[name] = min(timeouts.get(name) or left, left)
        response = self._inner.handle_request(request)
        # The inner transport reads the body later, and looks here again then.
        timeouts["read"] = min(timeouts["read"], BODY_STALL_S)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _BoundedStream(response.stream, request, ends_at)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _add_correlation(request: httpx.Request) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        request.headers.setdefault("X-Correlation-ID", str(request_id))


def http_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client with our timeouts (connect, and a total that bounds the command lease); `transport` is for tests."""
    total = settings.HTTP_TOTAL_TIMEOUT_S
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30)
    return httpx.Client(
        transport=BoundedTransport(transport or httpx.HTTPTransport(limits=limits), total),
        timeout=httpx.Timeout(total, connect=settings.HTTP_CONNECT_TIMEOUT_S),
        headers={"User-Agent": USER_AGENT},
        event_hooks={"request": [_add_correlation]},
        follow_redirects=False,
    )
