"""Tokens of an account for requests that are no command's: what can wait takes none that something urgent may want."""

import time

from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import limit_bucket, limit_kept
from seatsync.core.limiters import Grant, take_counted

# Longer than this nobody waits for a token: whoever asks in a row goes on another time.
LONGEST_WAIT_S = 2.0


def token_take(account: MarketplaceAccount) -> bool:
    """Take a token for one request, if the account's limit grants it now. Raises redis.RedisError."""
    return _take(account).granted


def token_await(account: MarketplaceAccount) -> bool:
    """As `token_take`, but where the next token is there within two seconds it is waited for."""
    grant = _take(account)
    if not grant.granted and grant.wait_s <= LONGEST_WAIT_S:
        time.sleep(grant.wait_s)
        grant = _take(account)
    return grant.granted


def _take(account: MarketplaceAccount) -> Grant:
    per_second, burst, reserved = limit_kept(account.platform)
    bucket, reserve = limit_bucket(account.pk), min(reserved, burst - 1)
    return take_counted(bucket, capacity=burst, per_second=per_second, reserve=reserve)
