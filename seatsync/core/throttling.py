"""One allowance a minute for each caller, in Valkey, with RateLimit headers."""

from typing import Any

import redis
import structlog
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from seatsync.core.addresses import client_address
from seatsync.core.limiters import Grant, take
from seatsync.core.requests import ours

log = structlog.get_logger(__name__)


class CallerThrottle(BaseThrottle):
    """A token bucket by user, else by address. Where Valkey is away the request passes: refusing all is worse."""

    def __init__(self) -> None:
        self._wait_s = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Take a token; keep the answer on the request for the headers."""
        per_minute = settings.API_REQUESTS_PER_MINUTE
        user_id = getattr(request.user, "pk", None)
        caller = f"user:{user_id}" if user_id else f"address:{client_address(request._request)}"
        try:
            grant = take(f"api:{caller}", capacity=per_minute, per_second=per_minute / 60)
        except redis.RedisError as error:
            log.warning("throttle.unavailable", error=str(error))
            return True
        ours(request._request).rate_grant = grant
        self._wait_s = grant.wait_s
        return grant.granted

    def wait(self) -> float:
        """Seconds until the next token."""
        return self._wait_s


def rate_headers(grant: Grant | None) -> dict[str, str]:
    """RateLimit-* headers of a grant."""
    if grant is None:
        return {}
    per_minute = settings.API_REQUESTS_PER_MINUTE
    missing = per_minute - grant.tokens_left
    return {
        "RateLimit-Limit": str(per_minute),
        "RateLimit-Remaining": str(max(0, int(grant.tokens_left))),
        "RateLimit-Reset": str(max(0, round(missing / per_minute * 60))),
    }
