"""How a connected account stands: what came, what is sent, how much of its limit is used, what the last sweep found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import redis
import structlog
from django.db.models import Count, Q, QuerySet

from listings.models import AccountSweep, CommandState, MarketplaceCommand
from listings.services.errands import AWAITED
from listings.services.sweeps import KINDS, NAMED, sweep_meanwhile
from marketplaces.contracts import Capability
from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.registry import platform_can, poll_every_s, traits_of
from marketplaces.selectors import (
    InboxFigures,
    Pace,
    day_bucket,
    inbox_figures,
    limit_bucket,
    limit_for,
    paces_kept,
    request_bucket,
)  # fmt: skip
from marketplaces.services.connect import webhook_url
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.limiters import look

log = structlog.get_logger(__name__)
LATELY = timedelta(hours=24)
# What a sweep can find, as the rest of "2 listings ...".
DRIFT_WORDS = {
    "still_up": "were up and should not be: being taken down",
    "vanished": "were gone there",
    "elsewhere": "were under another event, or in another section or row, than your seats: being taken down",
    "wrong_price": "had another price: ours is sent again",
    "wrong_size": "showed more seats than are left, or others: mended",
    "fewer": (
        "showed fewer seats than yours: a sale may not be told yet; where none is by the next sweep the number is sent "
        "again, or you are told"
    ),
    "hidden": "were shown to nobody: you are told where that lasts; look there",
    "foreign": "are not known to us: left alone",
    "adopted": "were made there by hand: kept in step from now on",
}
# How they begin of a single one.
_OF_ONE = {"were": "was", "are": "is"}
_UNSENT = (CommandState.PENDING, CommandState.IN_FLIGHT, CommandState.NEEDS_PERSON)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """An account's bucket as it stands, and the last minute. Tokens are one a request; `reserved` wait for delists.

    `per_second` and `used_per_second` are requests a second, whoever sent them; `waits` how often something was told to
    wait in that minute; `waiting` how many commands that are due wait for a token now. `tokens_left` are below none
    where what was begun was finished. For `held_s` seconds the marketplace wants no requests at all.
    """

    per_second: float
    burst: int
    reserved: int
    tokens_left: float
    used_per_second: float
    waits: int
    waiting: int
    held_s: float = 0.0

    @property
    def percent(self) -> int:
        """The last minute's use of what the limit allows, in percent."""
        return round(100 * self.used_per_second / self.per_second) if self.per_second else 0


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """The bucket of one kind of request that has a limit of its own; figures as in `LimitUse`.

    `shared`: they go with SeatSync's own key, and all accounts have one bucket for them.
    """

    request: str
    per_second: float
    burst: int
    tokens_left: float
    used_per_second: float
    waits: int
    held_s: float
    shared: bool
    # Of the day's quota, where it has one: how many may go in any 24 hours, and how many at once now.
    per_day: int | None = None
    day_left: float | None = None
    day_next_s: float = 0.0

    @property
    def every_s(self) -> float:
        """Seconds between two, in the long run."""
        return 1 / self.per_second

    @property
    def next_s(self) -> float:
        """In how many seconds one may go; 0: now."""
        return max(self.held_s, (1 - self.tokens_left) / self.per_second, self.day_next_s, 0.0)


@dataclass(frozen=True, slots=True)
class Commands:
    """An account's commands: those that are not through, all of them, and those finished within 24 hours."""

    pending: int
    in_flight: int
    needs_person: int
    done: int
    superseded: int


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One kind of difference that a sweep found: how many listings, and the first of them by the marketplace's id."""

    kind: str
    words: str
    count: int
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Health:
    """Everything about one account's health.

    `webhook`: registered; missing (we register it, and could not); by_support (its holder has them register it);
    practice (told to the practice marketplace when the account was connected); or none (the marketplace tells us
    nothing: its sales are read every `poll_s` seconds). `webhook_by_token`: deliveries carry the account's own token,
    else a secret of our making. Nobody reads an assisted account: its `poll_s` is 0. What its holder says and its mails
    tell is what is known of it.
    """

    account: MarketplaceAccount
    webhook: str
    webhook_url: str
    webhook_by_token: bool
    poll_s: int
    inbox: InboxFigures
    # Nobody counts while Valkey is away: how much is used is then not known.
    limit: LimitUse | None
    requests: list[RequestLimit]
    commands: Commands
    sweep: AccountSweep | None
    sweeps: bool
    drift: list[DriftLine]
    # What a sweep that is not through has found so far.
    meanwhile: list[DriftLine]


def account_health(account: MarketplaceAccount) -> Health:
    """The health of one account, as of now; the caller may see it."""
    limit, requests = _limits(account)
    sweep = AccountSweep.objects.filter(account=account).first()
    return Health(
        account=account,
        webhook=_webhook(account),
        webhook_url=webhook_url(account),
        webhook_by_token=_by_token(account.platform),
        poll_s=0 if account.mode == Mode.ASSISTED else poll_every_s(account.platform),
        inbox=inbox_figures(InboundEvent.objects.filter(account=account)),
        limit=limit,
        requests=requests,
        commands=_commands(account),
        sweep=sweep,
        sweeps=account.mode != Mode.ASSISTED and platform_can(account.platform, Capability.LIST_ALL),
        drift=_drift(sweep),
        meanwhile=_lines({kind: (len(ids), ids[:NAMED]) for kind, ids in sweep_meanwhile(account).items()}),
    )


def _webhook(account: MarketplaceAccount) -> str:
    if account.mode == Mode.ASSISTED or not platform_can(account.platform, Capability.WEBHOOK):
        return "none"
    if account.webhook_id:
        return "registered"
    if platform_can(account.platform, Capability.REGISTER_WEBHOOK):
        return "missing"
    # The practice marketplace is told by us what support tells the real one.
    return "practice" if account.mode == Mode.PAPER else "by_support"


def _by_token(platform: str) -> bool:
    traits = traits_of(platform)
    return traits is not None and traits.webhook_secret_is_token


def webhook_secret_for(actor: Actor, health: Health) -> str:
    """What a delivery has to carry, where the account's holder has its webhook registered there, and for him alone.

    Empty where we register it, and where it carries the token, which he has from its marketplace.
    """
    account = health.account
    own = actor.user_id is not None and actor.user_id == account.user_id
    return account.webhook_secret if own and health.webhook == "by_support" and not health.webhook_by_token else ""


def _limits(account: MarketplaceAccount) -> tuple[LimitUse | None, list[RequestLimit]]:
    """What is used of the account's limits; None where Valkey is away, which nothing else of the account waits for."""
    try:
        return _limit(account), [] if account.mode == Mode.ASSISTED else _requests(account)
    except redis.RedisError:
        log.warning("health.no_valkey", account_id=str(account.pk))
        return None, []


def _limit(account: MarketplaceAccount) -> LimitUse:
    per_second, burst, reserved = limit_for(account.platform)
    use = look(limit_bucket(account.pk), capacity=burst, per_second=per_second)
    due = MarketplaceCommand.objects.filter(account=account, state=CommandState.PENDING, not_before__lte=now())
    # What takes something down may use the last tokens, what a buyer waits for half of those; the rest leaves them.
    waiting = due.count() if use.held_s else _waiting(due, use.tokens_left, kept=reserved)
    return LimitUse(per_second, burst, reserved, use.tokens_left, use.per_second, use.waited, waiting, use.held_s)


def _requests(account: MarketplaceAccount) -> list[RequestLimit]:
    """The limits of single requests in force, each as its own bucket stands, by name."""
    traits = traits_of(account.platform)
    found = []
    for request, pace in sorted(paces_kept(account.platform).items()):
        bucket = request_bucket(account.pk, account.platform, request, paper=account.paper)
        use = look(bucket, capacity=pace.burst, per_second=pace.per_second)
        left, next_s = _day_left(bucket, pace)
        found.append(
            RequestLimit(
                request, pace.per_second, pace.burst, use.tokens_left, use.per_second, use.waited, use.held_s,
                shared=traits is not None and request in traits.own_key,
                per_day=pace.per_day, day_left=left, day_next_s=next_s,
            )
        )  # fmt: skip
    return found


def _day_left(bucket: str, pace: Pace) -> tuple[float | None, float]:
    """What is left of a day's quota, and in how many seconds the next may go by it; (None, 0) where it has none."""
    if pace.day_bucket is None:
        return None, 0.0
    at_once, per_second = pace.day_bucket
    left = look(day_bucket(bucket), capacity=at_once, per_second=per_second).tokens_left
    return left, max(0.0, (1 - left) / per_second)


def _waiting(due: QuerySet[MarketplaceCommand], left: float, *, kept: int) -> int:
    """How many of these commands must wait while so many tokens are left, of which `kept` are kept back."""
    if left >= kept + 1:
        return 0
    if left < 1:
        return due.count()
    ordinary = due.filter(priority__gt=0)
    return (ordinary.exclude(kind__in=AWAITED) if left >= (kept + 1) // 2 + 1 else ordinary).count()


def _commands(account: MarketplaceAccount) -> Commands:
    since = now() - LATELY
    wanted = Q(state__in=_UNSENT) | Q(finished_at__gt=since)
    rows = MarketplaceCommand.objects.filter(wanted, account=account).order_by().values("state")
    counts = {row["state"]: row["n"] for row in rows.annotate(n=Count("pk"))}
    return Commands(*(counts.get(state, 0) for state in (*_UNSENT, CommandState.DONE, CommandState.SUPERSEDED)))


def _drift(sweep: AccountSweep | None) -> list[DriftLine]:
    found = sweep.drift if sweep else {}
    return _lines({kind: (one["count"], one["ids"]) for kind, one in found.items()})


def _lines(found: Mapping[str, tuple[int, list[str]]]) -> list[DriftLine]:
    """By kind how many, and the first of them."""
    return [DriftLine(kind, _words(kind, found[kind][0]), *found[kind]) for kind in KINDS if kind in found]


def _words(kind: str, count: int) -> str:
    first, _, rest = DRIFT_WORDS[kind].partition(" ")
    return f"{_OF_ONE.get(first, first) if count == 1 else first} {rest}"
