"""Reading accounts, fees and limits."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import orjson
from django.db.models import Aggregate, FloatField, Max, Q, QuerySet
from django.db.models.functions import TruncDay

from marketplaces.models import (
    FeeVersion,
    InboundDelivery,
    InboundEvent,
    InboxState,
    LimitVersion,
    MarketplaceAccount,
    MarketSnapshot,
    Mode,
    PayoutCalendarVersion,
)  # fmt: skip
from marketplaces.registry import traits_of
from portfolios.models import Game, VenueSection
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.money import round_money
from seatsync.core.subjects import subject_unseal


class Median(Aggregate):
    """The middle value of a group."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def account_list(actor: Actor) -> QuerySet[MarketplaceAccount]:
    """The visible accounts, active ones first."""
    return MarketplaceAccount.objects.visible_to(actor).order_by("-is_active", "platform", "mode", "pk")


def account_get(actor: Actor, pk: Any) -> MarketplaceAccount:
    """One visible account; raises NotFound."""
    return MarketplaceAccount.objects.get_for(actor, pk)


def fee_version(platform: str, *, side: str = "seller", on: date | None = None) -> FeeVersion | None:
    """The fee row in force on a day (default today); None where none is known (I-26)."""
    day = on or now().date()
    return FeeVersion.objects.filter(platform=platform, side=side, valid_from__lte=day).order_by("-valid_from").first()


def payout_calendar(platform: str, *, mode: str, on: date | None = None) -> PayoutCalendarVersion | None:
    """The row in force on a day (default today) that says when accounts of this mode are paid; None: no row (I-26)."""
    day, market = on or now().date(), Mode.PAPER if mode == Mode.PAPER else Mode.LIVE
    rows = PayoutCalendarVersion.objects.filter(platform=platform, mode=market, valid_from__lte=day)
    return rows.order_by("-valid_from").first()


def proceeds_at(price: Decimal, fee: FeeVersion | None) -> Decimal | None:
    """What reaches the seller per ticket at a list price, the fee rounded to the cent; None where no fee is known."""
    return price - round_money(price * fee.percent / 100) if fee else None


def limit_for(platform: str) -> tuple[float, int, int]:
    """Requests per second, burst and reserved tokens in force today (a dated row, else the adapter's traits)."""
    row = LimitVersion.objects.filter(platform=platform, valid_from__lte=now().date()).order_by("-valid_from").first()
    if row is not None:
        return float(row.per_second), row.burst, row.reserved
    traits = traits_of(platform)
    if traits is None:
        # Nothing can be sent there: whatever is carried out is refused then, and ends with a person.
        return 1.0, 2, 1
    return traits.default_per_second, traits.default_burst, traits.reserved_tokens


def inbound_list(actor: Actor) -> QuerySet[InboundEvent]:
    """What the visible accounts' marketplaces told us, newest first."""
    return InboundEvent.objects.visible_to(actor).select_related("account").order_by("-received_at")


def inbound_failed(actor: Actor) -> QuerySet[InboundEvent]:
    """What was received and given up, and waits for a person; newest first."""
    return inbound_list(actor).filter(state=InboxState.FAILED)


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
