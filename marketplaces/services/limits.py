"""Tokens of an account for requests that are no command's: what can wait takes none that something urgent may want."""

from marketplaces.models import MarketplaceAccount
from marketplaces.selectors import limit_bucket, limit_for
from seatsync.core.limiters import take_counted


def token_take(account: MarketplaceAccount) -> bool:
    """Take a token for one request, if the account's limit grants it now. Raises redis.RedisError."""
    per_second, burst, reserved = limit_for(account.platform)
    bucket, reserve = limit_bucket(account.pk), min(reserved, burst - 1)
    return take_counted(bucket, capacity=burst, per_second=per_second, reserve=reserve).granted
