"""Token buckets in Valkey, shared by all processes. Time is the server's own, so no clock skew counts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import redis
from django.conf import settings

# KEYS[1] bucket; ARGV: capacity, refill per second, tokens wanted, tokens kept back from this caller.
# Answers {granted 0/1, tokens left * 1000, wait in milliseconds}.
_TAKE = """
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, kept = tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or capacity
local at = tonumber(state[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
local granted, wait = 0, 0
if tokens - kept >= wanted then
  tokens = tokens - wanted
  granted = 1
else
  wait = math.ceil((wanted + kept - tokens) / rate * 1000)
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(capacity / rate * 1000) + 60000)
return {granted, math.floor(tokens * 1000), wait}
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """A bucket's answer: whether the tokens were taken, how many are left, and else how long to wait (seconds)."""

    granted: bool
    tokens_left: float
    wait_s: float


@lru_cache(maxsize=2)
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def valkey() -> "redis.Redis":
    """The process's connection pool to REDIS_URL."""
    return _client(settings.REDIS_URL)


def take(
    bucket: str,
    *,
    capacity: float,
    per_second: float,
    tokens: float = 1,
    reserve: float = 0,
) -> Grant:
    """Take `tokens` from `bucket` (capacity and refill per second as given).

    `reserve` tokens stay for callers that pass 0: so a delist finds room while reprices wait. Raises
    redis.RedisError where Valkey is away.
    """
    if capacity < tokens + reserve or per_second <= 0:
        raise ValueError(f"bucket {bucket}: capacity {capacity} can never grant {tokens} with {reserve} reserved")
    raw = cast(Any, valkey()).eval(_TAKE, 1, f"bucket:{bucket}", capacity, per_second, tokens, reserve)
    granted, left, wait = (int(part) for part in raw)
    return Grant(bool(granted), left / 1000, wait / 1000)
