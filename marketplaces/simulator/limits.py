"""Requests per second by account: a bucket that fills steadily up to its burst."""

from marketplaces.simulator.state import Account


class Limits:
    """The buckets. The caller holds the lock."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, account: Account, now: float) -> float:
        """Seconds until this request may come; 0 where it may now, which spends a token."""
        if account.rate_per_s <= 0:
            return 0.0
        tokens, seen = self._buckets.get(account.id, (account.burst, now))
        tokens = min(account.burst, tokens + (now - seen) * account.rate_per_s)
        if tokens < 1:
            self._buckets[account.id] = (tokens, now)
            return (1 - tokens) / account.rate_per_s
        self._buckets[account.id] = (tokens - 1, now)
        return 0.0

    def clear(self) -> None:
        """Every bucket is full again."""
        self._buckets.clear()
