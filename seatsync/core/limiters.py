"""Token buckets in Valkey, shared by all processes. Time is the server's own, so no clock skew counts."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, cast

import redis
from django.conf import settings

# What is asked is counted by spans of five seconds, as many as make a minute.
SLOT_S, SLOTS = 5, 12
# Nobody holds a bucket for longer: a day.
_EVER_S = 86_400.0

# How a bucket stands: its tokens by now (fewer than none where it was overdrawn), and until when it is held, from when.
_STAND = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local function stand(key, capacity, rate)
  local state = redis.call('HMGET', key, 'tokens', 'at', 'held', 'until')
  local at = tonumber(state[2]) or now
  local tokens = math.min(capacity, (tonumber(state[1]) or capacity) + math.max(0, now - at) * rate)
  return tokens, tonumber(state[3]) or now, tonumber(state[4]) or 0
end
"""

# KEYS: of each ask its bucket, and what was asked of that lately. ARGV[1]: how many seconds a hold counts at most.
# ARGV of each ask: capacity, refill per second, tokens wanted, tokens kept back from this caller, 1 where they are
# taken whether or not they are there (2: and whether or not the bucket is held), and 1 where what is asked is counted.
# Answers {granted 0/1, tokens left of the first * 1000, wait in milliseconds, and how long for the first alone}: from
# all is taken, or from none.
_TAKE = (
    _STAND
    + """
local longest, asks, wait, first_wait = tonumber(ARGV[1]), {}, 0, 0
for i = 1, #KEYS / 2 do
  local first = (i - 1) * 6 + 1
  local ask = {key = KEYS[2 * i - 1], counts = KEYS[2 * i], capacity = tonumber(ARGV[first + 1]),
    rate = tonumber(ARGV[first + 2]), wanted = tonumber(ARGV[first + 3]), counted = ARGV[first + 6] == '1'}
  local kept, held, ends = tonumber(ARGV[first + 4])
  ask.tokens, held, ends = stand(ask.key, ask.capacity, ask.rate)
  ask.ends = ends
  local forced = tonumber(ARGV[first + 5])
  if forced < 1 then wait = math.max(wait, (ask.wanted + kept - ask.tokens) / ask.rate) end
  if forced < 2 then wait = math.max(wait, math.min(ends, held + longest) - now) end
  asks[i] = ask
  if i == 1 then first_wait = wait end
end
local granted = wait <= 0 and 1 or 0
for _, ask in ipairs(asks) do
  if granted == 1 then ask.tokens = math.min(ask.capacity, ask.tokens - ask.wanted) end
  redis.call('HSET', ask.key, 'tokens', tostring(ask.tokens), 'at', tostring(now))
  local full = (ask.capacity - ask.tokens) / ask.rate
  redis.call('PEXPIRE', ask.key, math.ceil(math.max(full, ask.ends - now) * 1000) + 60000)
  if ask.counted then
    local slot = math.floor(now / SLOT_S)
    local field, number = (granted == 1 and 'g' or 'w') .. slot, granted == 1 and ask.wanted or 1
    if redis.call('HINCRBY', ask.counts, field, number) == number then
      for _, name in ipairs(redis.call('HKEYS', ask.counts)) do
        if tonumber(string.sub(name, 2)) <= slot - SLOTS then redis.call('HDEL', ask.counts, name) end
      end
    end
    redis.call('PEXPIRE', ask.counts, (SLOTS + 1) * SLOT_S * 1000)
  end
end
local waits = {math.ceil(math.max(0, wait) * 1000), math.ceil(math.max(0, first_wait) * 1000)}
return {granted, math.floor(asks[1].tokens * 1000), waits[1], waits[2]}
""".replace("SLOT_S", str(SLOT_S)).replace("SLOTS", str(SLOTS))
)

# KEYS[1] bucket; ARGV[1]: for how many seconds nothing is granted. A hold that ends later stands.
_HOLD = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local ends = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'until')) or 0)
redis.call('HSET', KEYS[1], 'held', tostring(now), 'until', tostring(ends))
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), math.ceil((ends - now) * 1000) + 60000))
"""

# Nothing is taken. Answers {tokens left * 1000, granted lately, told to wait lately, milliseconds that it is held}.
_LOOK = (
    _STAND
    + """
local tokens, _, ends = stand(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
local slot, seen = math.floor(now / SLOT_S), {g = 0, w = 0}
local counts = redis.call('HGETALL', KEYS[2])
for i = 1, #counts, 2 do
  if tonumber(string.sub(counts[i], 2)) > slot - SLOTS then
    local kind = string.sub(counts[i], 1, 1)
    seen[kind] = seen[kind] + tonumber(counts[i + 1])
  end
end
return {math.floor(tokens * 1000), seen.g, seen.w, math.ceil(math.max(0, ends - now) * 1000)}
""".replace("SLOT_S", str(SLOT_S)).replace("SLOTS", str(SLOTS))
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A bucket's answer: whether the tokens were taken, how many are left, and else how long to wait (seconds).

    Of several buckets `tokens_left` and `first_wait_s` are the first one's.
    """

    granted: bool
    tokens_left: float
    wait_s: float
    first_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted of one bucket: its capacity and refill per second, and how many tokens, of which some stay.

    `reserve` tokens stay for callers that pass 0: so a delist finds room while reprices wait. `overdraw`: they are
    taken whether or not they are there, and whoever comes next waits for longer; `unheld`: and whether or not the
    bucket is held. `counted`: that it was asked for, and granted or not, is told by `look` for a minute. Fewer than no
    tokens are given back.
    """

    bucket: str
    capacity: float
    per_second: float
    tokens: float = 1
    reserve: float = 0
    overdraw: bool = False
    unheld: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Use:
    """A bucket as it stands, and how often in the last minute a token was granted or had to be waited for.

    `tokens_left` are below none where it was overdrawn; for `held_s` seconds nothing is granted.
    """

    tokens_left: float
    granted: int
    waited: int
    held_s: float = 0.0

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
    return take_all(Ask(bucket, capacity, per_second, tokens, reserve, counted=False))


def take_counted(bucket: str, *, capacity: float, per_second: float, tokens: int = 1, reserve: float = 0) -> Grant:
    """Take tokens as `take` does; that they were asked for, and granted or not, is told by `look` for a minute."""
    return take_all(Ask(bucket, capacity, per_second, tokens, reserve))


def take_all(*asks: Ask, longest_hold_s: float = inf) -> Grant:
    """Take from all these buckets, or from none, by one call.

    A bucket that is held grants nothing until its hold ends, or was set `longest_hold_s` ago. Raises redis.RedisError,
    and ValueError for a bucket that can never grant what is asked.
    """
    arguments: list[float] = [min(longest_hold_s, _EVER_S)]
    for ask in asks:
        if ask.per_second <= 0 or (not ask.overdraw and ask.capacity < ask.tokens + ask.reserve):
            raise ValueError(
                f"bucket {ask.bucket}: capacity {ask.capacity} can never grant {ask.tokens} with {ask.reserve} reserved"
            )
        forced = int(ask.overdraw) + int(ask.overdraw and ask.unheld)
        own = ask.capacity, ask.per_second, ask.tokens, ask.reserve, forced, int(ask.counted)
        arguments += own
    keys = [key for ask in asks for key in _keys(ask.bucket)]
    raw = cast(Any, valkey()).eval(_TAKE, len(keys), *keys, *arguments)
    granted, left, wait, first = (int(part) for part in raw)
    return Grant(bool(granted), left / 1000, wait / 1000, first / 1000)


def hold(bucket: str, seconds: float) -> None:
    """Let the bucket grant nothing for so long, to any process: its other side asked for it. Raises redis.RedisError.

    A hold that ends later stands.
    """
    cast(Any, valkey()).eval(_HOLD, 1, _keys(bucket)[0], min(seconds, _EVER_S))


def look(bucket: str, *, capacity: float, per_second: float) -> Use:
    """How a bucket stands, and what was asked of it in the last minute, nothing taken. Raises redis.RedisError."""
    raw = cast(Any, valkey()).eval(_LOOK, 2, *_keys(bucket), capacity, per_second)
    left, granted, waited, held = (int(part) for part in raw)
    return Use(left / 1000, granted, waited, held / 1000)


def _keys(bucket: str) -> tuple[str, str]:
    return f"bucket:{bucket}", f"bucket-asked:{bucket}"
