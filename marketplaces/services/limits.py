"""An account's limits: each request takes a token, whoever sends it, from the account's bucket and from its kind's.

What can wait takes none that something urgent may want. What was begun is finished: it overdraws the bucket, and who
comes next waits for longer (docs/adr/0034).
"""

import uuid
from dataclasses import dataclass
from typing import Protocol

import redis
import structlog

from marketplaces.models import MarketplaceAccount
from marketplaces.registry import traits_of
from marketplaces.selectors import (
    Pace,
    day_bucket,
    limit_bucket,
    limit_kept,
    paces_kept,
    request_bucket,
    retries_kept,
)
from seatsync.core.limiters import Ask, hold, look, take_all

log = structlog.get_logger(__name__)
# Whoever may not send yet comes back no sooner.
SHORTEST_WAIT_S = 0.01
# A reading that was broken off goes on this late at most where there is a token.
LONGEST_PAUSE_S = 5.0
# How long nothing is sent under a limit that lets nothing through.
NONSENSE_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Errand:
    """What a line is wanted for.

    `urgent`: it may take the tokens that are kept back; `opens`: its first request may; `awaited`: it leaves half of
    them. `paid`: so many tokens were taken for it before, and one of a request of this `kind`, which has a limit of its
    own. `reads`: it only reads, a page after the other, and goes on another time wherever a limit breaks it off;
    anything else is done in a few requests, and finished once it is begun.
    """

    urgent: bool = False
    opens: bool = False
    awaited: bool = False
    paid: int = 0
    kind: str = ""
    reads: bool = False

    def leaves(self, kept: int) -> int:
        """How many of the tokens that are kept back it leaves."""
        if self.urgent:
            return 0
        return (kept + 1) // 2 if self.awaited else kept


class Limited(Protocol):
    """Whose requests are counted together: an account, or somebody who is connecting one."""

    @property
    def pk(self) -> uuid.UUID:
        """By which the bucket is named."""
        ...

    @property
    def platform(self) -> str:
        """Where they go."""
        ...

    @property
    def paper(self) -> bool:
        """Whether to the paper market."""
        ...


@dataclass(frozen=True, slots=True)
class Connecting:
    """A holder's tries to connect an account that is not known yet: they have one bucket, whatever keys are tried."""

    user_id: uuid.UUID
    platform: str
    paper: bool

    @property
    def pk(self) -> uuid.UUID:
        """One of his at this platform and in this market."""
        return uuid.uuid5(self.user_id, f"connecting:{self.platform}:{self.paper}")


class AccountGate:
    """Lets the requests of one line to an account's platform through; see Gate in marketplaces/contracts.py."""

    def __init__(self, account: Limited, errand: Errand) -> None:
        self._account_id, self._platform, self._paper = account.pk, account.platform, account.paper
        self._errand, self._paid, self._kind = errand, errand.paid, errand.kind
        self._sent = self._wrote = False

    def wait_s(self, request: str, *, write: bool) -> float:
        """Seconds until it may go; 0 where it goes now, which takes its tokens by one call of Valkey at most.

        After a write nothing is kept from what belongs to it: who broke off there would not know what was done.
        """
        pace = paces_kept(self._platform).get(request)
        try:
            wait_s = self._ask(request, pace)
        except redis.RedisError:
            log.warning("limits.no_valkey", account_id=str(self._account_id), platform=self._platform)
            # Nobody knows when it was sent last.
            wait_s = 0.0 if pace is None or self._errand.urgent or self._ends_it else 1 / pace.per_second
        except ValueError:
            log.exception("limits.no_limit", account_id=str(self._account_id), platform=self._platform)
            wait_s = 0.0 if self._ends_it else NONSENSE_WAIT_S
        if wait_s <= 0:
            self._paid = max(0, self._paid - 1)
            self._kind = "" if request == self._kind else self._kind
            self._sent, self._wrote = True, self._wrote or write
        return wait_s

    def hold(self, request: str, wait_s: float) -> None:
        """Of one kind alone where it has a limit of its own, else of all that the account sends."""
        own = request in paces_kept(self._platform)
        bucket = self._bucket_of(request) if own else limit_bucket(self._account_id)
        log.warning("limits.held", account_id=str(self._account_id), request=request, seconds=wait_s)
        try:
            hold(bucket, wait_s)
        except redis.RedisError:
            log.warning("limits.no_valkey", account_id=str(self._account_id), platform=self._platform)

    def settle(self) -> None:
        """Give back what was paid and not sent."""
        left, self._paid = self._paid, 0
        if not left:
            return
        per_second, burst, _ = limit_kept(self._platform)
        try:
            take_all(Ask(limit_bucket(self._account_id), burst, per_second, -left, overdraw=True, unheld=True))
        except redis.RedisError:
            log.warning("limits.no_valkey", account_id=str(self._account_id), platform=self._platform)

    @property
    def _ends_it(self) -> bool:
        """Whether it belongs to something that was written there already."""
        return self._wrote and not self._errand.reads

    def _ask(self, request: str, pace: Pace | None) -> float:
        asks = [] if self._paid else [self._ask_of_account()]
        if pace is not None and request != self._kind:
            asks += _asks_of(self._bucket_of(request), pace, overdraw=self._ends_it, unheld=True)
        if not asks:
            return 0.0
        longest = retries_kept(self._platform, urgent=self._errand.urgent).longest_asked_s
        grant = take_all(*asks, longest_hold_s=longest)
        if grant.granted:
            return 0.0
        return max(grant.wait_s, self._some_tokens_s() if self._errand.reads else SHORTEST_WAIT_S)

    def _some_tokens_s(self) -> float:
        """How long half of what a reading may have at once takes to come: going on for one request each is dear."""
        per_second, burst, reserved = limit_kept(self._platform)
        return min(LONGEST_PAUSE_S, (burst - reserved) / 2 / per_second)

    def _ask_of_account(self) -> Ask:
        per_second, burst, reserved = limit_kept(self._platform)
        begun = self._sent and not self._errand.reads
        opens = self._errand.opens and not self._sent
        return Ask(
            limit_bucket(self._account_id), burst, per_second, overdraw=begun, unheld=self._ends_it,
            reserve=0 if opens else self._errand.leaves(reserved),
        )  # fmt: skip

    def _bucket_of(self, request: str) -> str:
        return request_bucket(self._account_id, self._platform, request, paper=self._paper)


def _asks_of(bucket: str, pace: Pace, *, overdraw: bool = False, unheld: bool = False) -> list[Ask]:
    """One request of a kind that has a limit of its own: of its pace, and of its day's quota where it has one."""
    asks = [Ask(bucket, pace.burst, pace.per_second, overdraw=overdraw, unheld=unheld)]
    if pace.day_bucket is not None:
        at_once, per_second = pace.day_bucket
        asks.append(Ask(day_bucket(bucket), at_once, per_second, overdraw=overdraw, unheld=unheld, counted=False))
    return asks


def errand_to(
    platform: str, act: str, *, urgent: bool = False, awaited: bool = False, reads: bool = False
) -> Errand:  # fmt: skip
    """The errand of an act (the protocol's name for it): as many tokens are taken before it as it sends requests.

    What is urgent begins with one, and overdraws: it shall not wait for more.
    """
    traits = traits_of(platform)
    if traits is None:
        return Errand(urgent=urgent, awaited=awaited, paid=1, reads=reads)
    _, burst, reserved = limit_kept(platform)
    tokens = 1 if urgent else min(traits.sends.get(act, 1), burst - reserved)
    kind = traits.sole_requests.get(act, "")
    kind = kind if kind in paces_kept(platform) else ""
    return Errand(urgent=urgent, awaited=awaited, paid=tokens, kind=kind, reads=reads)


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds until an errand's tokens are there: the account's, which others may want too, and its kind's."""

    account_s: float
    kind_s: float = 0.0


def errand_take(account: MarketplaceAccount, errand: Errand) -> Wait | None:
    """Take the tokens of an errand before it is begun, by one call; how long to wait, or None where they were taken.

    Raises redis.RedisError, and ValueError where the platform's limit makes no sense.
    """
    per_second, burst, reserved = limit_kept(account.platform)
    reserve = errand.leaves(reserved)
    asks = [Ask(limit_bucket(account.pk), burst, per_second, errand.paid, reserve)]
    pace = paces_kept(account.platform).get(errand.kind)
    if pace is not None:
        bucket = request_bucket(account.pk, account.platform, errand.kind, paper=account.paper)
        asks += _asks_of(bucket, pace)
    longest = retries_kept(account.platform, urgent=errand.urgent).longest_asked_s
    grant = take_all(*asks, longest_hold_s=longest)
    if grant.granted:
        return None
    if grant.first_wait_s > 0:
        return Wait(max(grant.first_wait_s, SHORTEST_WAIT_S))
    return Wait(0.0, max(grant.wait_s, SHORTEST_WAIT_S))


def token_there(account: MarketplaceAccount) -> bool:
    """Whether a request that can wait would be let through now; nothing is taken. Raises redis.RedisError."""
    per_second, burst, reserved = limit_kept(account.platform)
    use = look(limit_bucket(account.pk), capacity=burst, per_second=per_second)
    return use.held_s <= 0 and use.tokens_left >= 1 + reserved
