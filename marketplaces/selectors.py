"""Reading accounts, fees, limits and deadlines."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any

import orjson
from django.db.models import (
    Aggregate,
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Field,
    FloatField,
    Max,
    Q,
    QuerySet,
    Sum,
    When,
)  # fmt: skip
from django.db.models.functions import Coalesce, TruncDay

from marketplaces.bounds import Bounds
from marketplaces.contracts import Capability
from marketplaces.deadlines import CAUTIONS, CutOffBasis, HandOverRule, KnownListUntil, ListUntil, ListUntils
from marketplaces.models import (
    FeeVersion,
    HandOverVersion,
    InboundDelivery,
    InboundEvent,
    InboxState,
    LimitVersion,
    ListUntilVersion,
    MarketplaceAccount,
    MarketSnapshot,
    Mode,
    PayoutCalendarVersion,
    RetryVersion,
    TransferCutOffVersion,
)  # fmt: skip
from marketplaces.registry import adapter_list, platform_can, platform_name, traits_of
from portfolios.models import Game, VenueSection
from seatsync.accounts.models import LeavingWhy
from seatsync.accounts.selectors import leaving_barring
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.kept import kept
from seatsync.core.money import round_money
from seatsync.core.subjects import subject_unseal
from seatsync.tenants.models import Tenant

LATELY = timedelta(hours=24)


class Percentile(Aggregate):
    """The value of a group below which a share (0 to 1) of it lies."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: Any, *, share: float, output_field: "Field[Any, Any]") -> None:
        super().__init__(expression, share=share, output_field=output_field)


class Median(Percentile):
    """The middle value of a group."""

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, share=0.5, output_field=FloatField())


def account_list(actor: Actor) -> QuerySet[MarketplaceAccount]:
    """The visible accounts, active ones first."""
    return MarketplaceAccount.objects.visible_to(actor).order_by("-is_active", "platform", "mode", "pk")


def account_get(actor: Actor, pk: Any) -> MarketplaceAccount:
    """One visible account; raises NotFound."""
    return MarketplaceAccount.objects.get_for(actor, pk)


def fee_version(platform: str, *, side: str = "seller", on: date | None = None) -> FeeVersion | None:
    """The fee row in force on a day (default today); None where none is known (I-26)."""
    return FeeVersion.objects.filter(platform=platform, side=side).in_force(on)


def payout_calendar(platform: str, *, mode: str, on: date | None = None) -> PayoutCalendarVersion | None:
    """The row in force on a day (default today) that says when accounts of this mode are paid; None: no row (I-26)."""
    market = Mode.PAPER if mode == Mode.PAPER else Mode.LIVE
    return PayoutCalendarVersion.objects.filter(platform=platform, mode=market).in_force(on)


def list_untils() -> ListUntils:
    """Until when before an event tickets may be on sale, as of today (UTC); one query.

    What is not dated yet is as the adapters declare it, else our own caution.
    """
    rows = {
        (key, kind.value, known.uploaded): ListUntil(known.cut_off, known.basis)
        for key, declared in list_untils_declared().items()
        for known in declared
        for kind in known.deliveries
    }
    for row in ListUntilVersion.objects.filter(valid_from__lte=now().date()).order_by("valid_from"):
        rows[row.platform, row.delivery, row.uploaded] = ListUntil(row.cut_off, CutOffBasis(row.basis))
    return ListUntils(rows)


def list_untils_declared() -> dict[str, tuple[KnownListUntil, ...]]:
    """What is known without a row, by platform; "" is everybody's."""
    return {"": CAUTIONS, **{adapter.traits.key: adapter.traits.list_until for adapter in adapter_list()}}


def transfer_cut_offs() -> list[TransferCutOffVersion]:
    """The rows in force today (UTC), of which a club or a league may have none; one query."""
    rows = TransferCutOffVersion.objects.filter(valid_from__lte=now().date()).select_related("team", "league")
    newest = {(row.team_id, row.league_id): row for row in rows.order_by("valid_from")}
    return list(newest.values())


def hand_over_rule(platform: str, *, on: date | None = None) -> tuple[HandOverRule, HandOverVersion | None] | None:
    """By when sales are to be handed over where the platform does not tell, and its row; None: nothing is published.

    The row in force on a day (default today, UTC); until one is dated, as the adapter declares it.
    """
    row = HandOverVersion.objects.filter(platform=platform).in_force(on)
    if row is not None:
        return row.rule, row
    traits = traits_of(platform)
    return None if traits is None or traits.hand_over_by is None else (traits.hand_over_by.rule, None)


def proceeds_at(price: Decimal, fee: FeeVersion | None) -> Decimal | None:
    """What reaches the seller per ticket at a list price, the fee rounded to the cent; None where no fee is known."""
    return net_by_percent(price, fee.percent) if fee else None


def net_by_percent(price: Decimal, percent: Decimal) -> Decimal:
    """What is left of a price less a fee in percent of it, the fee rounded to the cent."""
    return price - round_money(price * percent / 100)


class NetBasis(StrEnum):
    """How it is known what a price brings."""

    # Its marketplace was asked what this price would bring.
    PREVIEW = "preview"
    # By the dated row of its fee table.
    FEES = "fee_schedule"
    # Its marketplace told it of the listing that is there.
    TOLD = "told"
    UNTOLD = "not_told"
    # Its marketplace was asked, and takes no such price.
    REFUSED = "price_refused"


def net_said(basis: NetBasis, platform: str, fee_from: date | None = None, *, asked: bool = False) -> str:
    """How it is known, in words; `fee_from`: since when the row of the fee table is in force.

    `asked`: it is asked before seats are listed, and tells it of what is: that its fee were not told would be untrue.
    """
    name = platform_name(platform)
    if basis is NetBasis.PREVIEW:
        return f"previewed by {name}"
    if basis is NetBasis.TOLD:
        return f"as {name} told last"
    if basis is NetBasis.FEES and fee_from is not None:
        return f"from {name}'s fee schedule of {fee_from:%-d %b %Y}"
    return f"{name} has no fee table: it is asked before seats are listed" if asked else f"{name} has not told its fee"


@dataclass(frozen=True, slots=True)
class Net:
    """What a ticket at a list price brings over one account.

    `net` is None where nobody told, no price was given, or the marketplace refuses it.

    `fee_percent` and `fee_from`: the row of the fee table, where it is known by that.
    """

    account: MarketplaceAccount
    price: Decimal | None
    net: Decimal | None
    basis: NetBasis
    fee_percent: Decimal | None = None
    fee_from: date | None = None
    # What a buyer pays, where the marketplace says so.
    all_in: Decimal | None = None
    # When it was told of this price, where that was not just now.
    told_at: datetime | None = None
    # Why the marketplace takes no such price, in its words.
    refusal: str = ""
    # What a price must keep to there, of seats whose game is known.
    bounds: Bounds | None = None
    # Why nothing is listed at this price by those bounds; empty where it may be.
    outside: str = ""

    @property
    def said(self) -> str:
        """How it is known, in words; of a price that is refused, why."""
        if self.basis is NetBasis.REFUSED:
            return f"{platform_name(self.account.platform)} refuses this price: {self.refusal}"
        if self.told_at is not None:
            return f"{net_said(self.basis, self.account.platform)} on {self.told_at:%-d %b, %H:%M} UTC"
        asked = self.account.mode != Mode.ASSISTED and platform_can(self.account.platform, Capability.PREVIEW)
        return net_said(self.basis, self.account.platform, self.fee_from, asked=asked)


def connecting_barred(tenant_id: uuid.UUID | None, user_id: uuid.UUID | None) -> str:
    """Why this person may connect no account, in words; empty where he may."""
    if user_id is None or tenant_id is None:
        return ""
    if (leaving := leaving_barring(user_id, tenant_id)) is not None:
        return str(leaving.get_why_display())
    suspended = Tenant.objects.filter(pk=tenant_id, suspended_at__isnull=False).exists()
    return str(LeavingWhy.SUSPENSION.label) if suspended else ""


def accounts_able(actor: Actor) -> QuerySet[MarketplaceAccount]:
    """The visible accounts over which something new may be offered."""
    return account_list(actor).filter(is_active=True, needs_reconnect=False, closing_at=None)


def nets_by_fee(accounts: Sequence[MarketplaceAccount], price: Decimal | None) -> list[Net]:
    """What a price would bring over each of these accounts, by the fee table."""
    fees = {platform: fee_version(platform) for platform in sorted({account.platform for account in accounts})}
    return [_net_by_fee(account, price, fees[account.platform]) for account in accounts]


def _net_by_fee(account: MarketplaceAccount, price: Decimal | None, fee: FeeVersion | None) -> Net:
    if fee is None:
        return Net(account, price, None, NetBasis.UNTOLD)
    net = None if price is None else proceeds_at(price, fee)
    return Net(account, price, net, NetBasis.FEES, fee.percent, fee.valid_from)


def limit_for(platform: str) -> tuple[float, int, int]:
    """Requests per second, burst and reserved tokens in force today (a dated row, else the adapter's traits).

    Of the burst one token at least is never reserved: a bucket that keeps all of them back lets nothing through.
    """
    row = LimitVersion.objects.filter(platform=platform, request="").in_force()
    if row is not None:
        return float(row.per_second), row.burst, min(row.reserved, row.burst - 1)
    traits = traits_of(platform)
    if traits is None:
        # Nothing can be sent there: whatever is carried out is refused then, and ends with a person.
        return 1.0, 2, 1
    return traits.default_per_second, traits.default_burst, traits.reserved_tokens


DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Pace:
    """The limit of one kind of request: so many a second, so many at once, and so many in any 24 hours (None: any).

    Of a day's quota half may go at once and the rest comes through the day, evenly: whichever 24 hours are looked at,
    a bucket that was full when they began lets no more through than its capacity and what came meanwhile.
    """

    per_second: float
    burst: int
    per_day: int | None = None

    @property
    def day_bucket(self) -> tuple[int, float] | None:
        """Capacity and refill per second of the quota's bucket; None where there is no quota."""
        if self.per_day is None:
            return None
        at_once = self.per_day // 2
        return at_once, (self.per_day - at_once) / DAY_S


@kept("LIMITS_KEPT_S")
def paces_kept(platform: str) -> Mapping[str, Pace]:
    """The limits of the kinds of requests that have one of their own, by name, as of now or a moment ago.

    Those that are dated, whichever request they name, else what the adapter declares.
    """
    traits = traits_of(platform)
    declared = {} if traits is None else traits.paces
    bursts = {} if traits is None else traits.pace_bursts
    quotas = {} if traits is None else traits.day_quotas
    paces = {
        request: Pace(1 / every_s, bursts.get(request, 1), quotas.get(request)) for request, every_s in declared.items()
    }
    dated = LimitVersion.objects.filter(platform=platform, valid_from__lte=now().date()).exclude(request="")
    # The newest of each comes last.
    rows = dated.order_by("valid_from").values_list("request", "per_second", "burst", "per_day")
    return paces | {request: Pace(float(per_second), burst, per_day) for request, per_second, burst, per_day in rows}


@kept("LIMITS_KEPT_S")
def limit_kept(platform: str) -> tuple[float, int, int]:
    """As `limit_for`, as of now or a moment ago: for what asks before every request."""
    return limit_for(platform)


@dataclass(frozen=True, slots=True)
class Retries:
    """How failed commands are tried again; see RetryVersion. Waits in seconds."""

    most_tries: int
    first_wait_s: float
    longest_wait_s: float
    longest_asked_s: float
    longest_refused_s: float

    def wait_s(self, tries: int, longest_s: float) -> float:
        """Before the next try after so many, the first wait doubled each time; `longest_s` at most."""
        return min(self.first_wait_s * 2.0 ** min(max(tries - 1, 0), 32), longest_s)


# Until rows are dated (`manage.py load_figures`): for what is ordinary, and for what takes something down.
RETRIES: dict[bool, Retries] = {
    False: Retries(most_tries=8, first_wait_s=1, longest_wait_s=300, longest_asked_s=3600, longest_refused_s=300),
    True: Retries(most_tries=10, first_wait_s=0.25, longest_wait_s=10, longest_asked_s=10, longest_refused_s=60),
}


@kept("LIMITS_KEPT_S")
def retries_kept(platform: str, *, urgent: bool) -> Retries:
    """As of now or a moment ago: what is dated for the platform, else for all of them."""
    own, everybodys = (RetryVersion.objects.filter(platform=name, urgent=urgent) for name in (platform, ""))
    row = own.in_force() or everybodys.in_force()
    if row is None:
        return RETRIES[urgent]
    return Retries(
        row.most_tries, float(row.first_wait_s), float(row.longest_wait_s), float(row.longest_asked_s),
        float(row.longest_refused_s),
    )  # fmt: skip


def limit_bucket(account_id: uuid.UUID) -> str:
    """The name of the bucket that an account's requests take their tokens from."""
    return f"account:{account_id}"


def request_bucket(account_id: uuid.UUID, platform: str, request: str, *, paper: bool) -> str:
    """The bucket of one kind of request: the account's own, or everybody's where they go with SeatSync's own key."""
    traits = traits_of(platform)
    if traits is None or request not in traits.own_key:
        return f"{limit_bucket(account_id)}:{request}"
    return f"platform:{platform}:{'paper' if paper else 'live'}:{request}"


def day_bucket(bucket: str) -> str:
    """The bucket of the day's quota of the requests that take their tokens from this one."""
    return f"{bucket}:day"


def inbound_list(actor: Actor) -> QuerySet[InboundEvent]:
    """What the visible accounts' marketplaces told us, newest first."""
    return InboundEvent.objects.visible_to(actor).select_related("account").order_by("-received_at")


def inbound_get(actor: Actor, pk: Any) -> InboundEvent:
    """One item that a visible account's marketplace told us; raises NotFound."""
    return InboundEvent.objects.select_related("account").get_for(actor, pk)


def inbound_failed(actor: Actor) -> QuerySet[InboundEvent]:
    """What was received and given up, and waits for a person: not of an account that was left. Newest first."""
    return inbound_list(actor).filter(state=InboxState.FAILED, account__is_active=True)


@dataclass(frozen=True, slots=True)
class InboxFigures:
    """What came in over accounts in the last 24 hours, and what of all that ever came waits or was given up.

    Latency is from storing an item to its having been worked off, in ms, over the `n` that no person replayed.
    """

    received: int
    duplicates: int
    n: int
    p50_ms: int | None
    p95_ms: int | None
    waiting: int
    failed: int


def inbox_figures(events: QuerySet[InboundEvent]) -> InboxFigures:
    """The figures of these items; one query."""
    lately = Q(received_at__gt=now() - LATELY)
    done = lately & Q(state=InboxState.DONE, replays=0, processed_at__isnull=False)
    took = Case(When(done, then=ExpressionWrapper(F("processed_at") - F("received_at"), output_field=DurationField())))
    row = events.order_by().aggregate(
        received=Count("pk", filter=lately),
        duplicates=Coalesce(Sum("duplicates", filter=lately), 0),
        n=Count("pk", filter=done),
        p50=Percentile(took, share=0.5, output_field=DurationField()),
        p95=Percentile(took, share=0.95, output_field=DurationField()),
        waiting=Count("pk", filter=Q(state=InboxState.RECEIVED)),
        failed=Count("pk", filter=Q(state=InboxState.FAILED)),
    )
    return InboxFigures(
        row["received"], row["duplicates"], row["n"], _ms(row["p50"]), _ms(row["p95"]), row["waiting"], row["failed"]
    )


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds() * 1000)


def inbound_body(event: InboundEvent) -> bytes | None:
    """The item's bytes as they came; None where the holder's key was destroyed."""
    return subject_unseal(event.account.user_id, event.body_encrypted)


def inbound_headers(event: InboundEvent) -> dict[str, str] | None:
    """The headers that the item came with, without secrets; None where the holder's key was destroyed."""
    raw = subject_unseal(event.account.user_id, event.headers_encrypted)
    return None if raw is None else dict(orjson.loads(raw))


def delivery_body(delivery: InboundDelivery) -> bytes | None:
    """The whole delivery's bytes as they came; None where the holder's key was destroyed."""
    return subject_unseal(delivery.account.user_id, delivery.body_encrypted)


def game_asks(game: Game, sections: Collection[str]) -> QuerySet[MarketSnapshot]:
    """The newest asks for a game in these sections or their price zones, cheapest first."""
    asks = MarketSnapshot.objects.filter(kind="ask", game_id=game.pk, price_basis="list")
    # Asked first and not as a subquery, which is worked out for every row.
    ends = asks.values_list("platform").annotate(newest=Max("time")).order_by("platform")
    newest = [Q(platform=platform, time=time) for platform, time in ends]
    if not newest:
        return asks.none()
    near = asks.filter(_near(game, sections), reduce(or_, newest), remote_listing_id__gt="")
    return near.order_by("price", "platform")


def game_prints(game: Game, sections: Collection[str]) -> QuerySet[MarketSnapshot]:
    """Others' completed sales of a game in these sections or their price zones, newest first."""
    prints = MarketSnapshot.objects.filter(kind="print", game_id=game.pk, price_basis="list")
    return prints.filter(_near(game, sections)).order_by("-time")


def _near(game: Game, sections: Collection[str]) -> Q:
    zones = VenueSection.objects.filter(venue=game.venue, name__in=sections).values("zone")
    return Q(section__in=sections) | Q(zone__in=zones)


def game_daily_median(game: Game) -> list[tuple[datetime, Decimal]]:
    """The median ask of a game day by day (UTC days), oldest first; each at the day's newest observation."""
    asks = MarketSnapshot.objects.filter(kind="ask", game_id=game.pk, price_basis="list", currency="USD")
    by_day = asks.annotate(day=TruncDay("time", tzinfo=UTC)).values("day")
    days = by_day.annotate(median=Median("price"), seen=Max("time")).order_by("day")
    return [(row["seen"], round_money(Decimal(str(row["median"])))) for row in days]
