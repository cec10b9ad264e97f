"""Token buckets in Valkey, shared by all processes. Time is the server's own, so no clock skew counts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import redis
from django.conf import settings

# What is asked is counted by spans of five seconds, as many as make a minute.
SLOT_S, SLOTS = 5, 12

# KEYS[1] bucket, KEYS[2] what was asked of it lately; ARGV: capacity, refill per second, tokens wanted, tokens kept
# back from this caller, and 1 where what is asked shall be counted.
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
if ARGV[5] == '1' then
  local slot = math.floor(now / SLOT_S)
  if redis.call('HINCRBY', KEYS[2], (granted == 1 and 'g' or 'w') .. slot, 1) == 1 then
    for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
      if tonumber(string.sub(field, 2)) <= slot - SLOTS then redis.call('HDEL', KEYS[2], field) end
    end
  end
  redis.call('PEXPIRE', KEYS[2], (SLOTS + 1) * SLOT_S * 1000)
end
return {granted, math.floor(tokens * 1000), wait}
""".replace("SLOT_S", str(SLOT_S)).replace("SLOTS", str(SLOTS))

# The same reckoning, without taking anything. Answers {tokens left * 1000, granted lately, told to wait lately}.
_LOOK = """
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(state[1]) or capacity
local at = tonumber(state[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
local slot, seen = math.floor(now / SLOT_S), {g = 0, w = 0}
local counts = redis.call('HGETALL', KEYS[2])
for i = 1, #counts, 2 do
  if tonumber(string.sub(counts[i], 2)) > slot - SLOTS then
    local kind = string.sub(counts[i], 1, 1)
    seen[kind] = seen[kind] + tonumber(counts[i + 1])
  end
end
return {math.floor(tokens * 1000), seen.g, seen.w}
""".replace("SLOT_S", str(SLOT_S)).replace("SLOTS", str(SLOTS))


@dataclass(frozen=True, slots=True)
class Grant:
    """A bucket's answer: whether the tokens were taken, how many are left, and else how long to wait (seconds)."""

    granted: bool
    tokens_left: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Use:
    """A bucket as it stands, and how often in the last minute a token was granted or had to be waited for."""

    tokens_left: float
    granted: int
    waited: int

    @property
    def per_second(self) -> float:
        """How many were granted a second, over the last minute."""
        return self.granted / (SLOT_S * SLOTS)


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
    return _take(bucket, capacity, per_second, tokens, reserve, counted=False)


def take_counted(bucket: str, *, capacity: float, per_second: float, reserve: float = 0) -> Grant:
    """Take one token as `take` does; that it was asked for, and granted or not, is told by `look` for a minute."""
    return _take(bucket, capacity, per_second, 1, reserve, counted=True)


def _take(bucket: str, capacity: float, per_second: float, tokens: float, reserve: float, *, counted: bool) -> Grant:
    if capacity < tokens + reserve or per_second <= 0:
        raise ValueError(f"bucket {bucket}: capacity {capacity} can never grant {tokens} with {reserve} reserved")
    keys = _keys(bucket)
    raw = cast(Any, valkey()).eval(_TAKE, 2, *keys, capacity, per_second, tokens, reserve, int(counted))
    granted, left, wait = (int(part) for part in raw)
    return Grant(bool(granted), left / 1000, wait / 1000)


def look(bucket: str, *, capacity: float, per_second: float) -> Use:
    """How a bucket stands, and what was asked of it in the last minute, nothing taken. Raises redis.RedisError."""
    raw = cast(Any, valkey()).eval(_LOOK, 2, *_keys(bucket), capacity, per_second)
    left, granted, waited = (int(part) for part in raw)
    return Use(left / 1000, granted, waited)


def _keys(bucket: str) -> tuple[str, str]:
    return f"bucket:{bucket}", f"bucket-asked:{bucket}"
