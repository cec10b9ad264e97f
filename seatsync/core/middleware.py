"""Request ids: one per request, from a trusted header or new, in every log line and audit entry."""

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from seatsync.core.requests import ours

_SAFE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Sets `request.request_id`, binds it to the log context and echoes it as X-Request-ID."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Name the request, and its answer."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        ours(request).request_id = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
