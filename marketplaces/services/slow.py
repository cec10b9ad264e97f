"""Accounts whose marketplace took long to answer a moment ago: their work comes after everybody else's.

A marketplace that hangs would otherwise hold every worker for as long as its backlog lasts, and a seat that sold
elsewhere would stay on offer meanwhile (I-03). Nothing is left undone for it: whoever finds nothing else does it.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import redis
import structlog

from marketplaces.models import MarketplaceAccount
from seatsync.core.limiters import valkey

# An answer that takes longer (s) is slow; one within a second lets a worker do all that a minute's limits allow.
SLOW_S = 1.0
# So long (s) after a slow answer an account's work comes last: it is tried often enough to be known as well again.
COUNTS_FOR_S = 60.0
_KEY = "slow-accounts"
log = structlog.get_logger(__name__)


@contextmanager
def answer_timed(account: MarketplaceAccount) -> Iterator[None]:
    """Note the account where what is asked of its marketplace takes long, whatever comes of it."""
    began = time.monotonic()
    try:
        yield
    finally:
        if time.monotonic() - began > SLOW_S:
            slow_note(account)


def slow_note(account: MarketplaceAccount) -> None:
    """Its work comes after others' for a while. Where Valkey is away nothing is noted."""
    moment = time.time()
    try:
        pipe = valkey().pipeline(transaction=False)
        pipe.zremrangebyscore(_KEY, "-inf", moment)
        pipe.zadd(_KEY, {str(account.pk): moment + COUNTS_FOR_S})
        pipe.execute()
    except redis.RedisError as error:
        log.warning("slow.not_noted", account_id=str(account.pk), error=str(error))


def slow_accounts() -> frozenset[uuid.UUID]:
    """Those that were slow lately; none where Valkey is away."""
    try:
        found = cast("list[bytes]", valkey().zrangebyscore(_KEY, time.time(), "+inf"))
    except redis.RedisError:
        return frozenset()
    return frozenset(uuid.UUID(one.decode()) for one in found)
