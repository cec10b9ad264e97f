"""Whose money is owed, what has come of it, and what of it is late, short or too much.

Moments are aware UTC, amounts in the sale's currency.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from listings.expected import Expectation, expectation_of
from listings.models import Payout, PayoutLine, Sale, SaleEnding, SaleQuerySet, SaleState
from listings.selectors import payout_lines_of_sale, sale_list
from listings.states import HANDED_OVER, SALE_ENDINGS, MoneyEffect
from marketplaces.contracts import Capability
from marketplaces.models import MarketplaceAccount, Mode, PayoutCalendarVersion, PayoutKind
from marketplaces.registry import platform_can, platform_name, traits_of
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.money import CENT

# How the payout is called that is announced and has no reference yet.
NEXT = "next"
# Banks take their days, and so does a weekend: until then nothing is called late.
GRACE = timedelta(days=3)
# States of sales whose money is owed.
OWED: frozenset[str] = frozenset({SaleState.CONFIRMED, SaleState.FULFILLED, SaleState.COMPLETE})
# Sales that bring nothing any more: what comes for one all the same is not the holder's to keep.
_BRINGS_NOTHING = frozenset({MoneyEffect.NEVER_CAME, MoneyEffect.TAKEN_BACK, MoneyEffect.TAKEN_BACK_AND_CHARGED})
_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Received:
    """What was paid for a sale: the sum of its lines in payouts that were made, and what was charged among it.

    `since_over` is what of it came after the sale was over; zero for one that is not. `taken_back` is what was taken
    back of it and not paid anew. `any`: something was paid or charged, also where it comes to nothing together.
    """

    net: Decimal
    charged: Decimal
    paid: bool
    since_over: Decimal = _ZERO
    any: bool = False
    taken_back: Decimal = _ZERO


def name_by_hand(begins: str, sale: Sale, longest: int = 80) -> str:
    """What a payout that a holder tells of is called: by its sale; a long number is cut, and its own id added."""
    whole = f"{begins}{sale.platform_sale_id}"
    return whole if len(whole) <= longest else f"{whole[: longest - 37]} {sale.pk}"


def owed(sale: Sale) -> bool:
    """Whether the sale's money may be called late or short: it stands, and nothing that went wrong holds it up."""
    row = SALE_ENDINGS.get(sale.ending)
    return sale.state in OWED and (row is None or row.expects_money)


def brings_nothing(sale: Sale) -> bool:
    """Whether the sale is over, or what it brought is taken back."""
    row = SALE_ENDINGS.get(sale.ending)
    return sale.state == SaleState.CANCELLED or (row is not None and row.money in _BRINGS_NOTHING)


def received_for(sale: Sale) -> Received:
    """What was paid for a sale so far; charges that were kept back are already off the sum."""
    made = PayoutLine.objects.filter(lines_counted(), sale=sale)
    over = made.filter(payout__paid_at__gte=sale.ended_at) if sale.ended_at is not None else made
    some = Count("pk", filter=~Q(gross=0, net=0))
    sums = made.aggregate(some=some, net=Sum("net"), charged=Sum("penalty"))
    since = over.aggregate(net=Sum("net"))["net"] if brings_nothing(sale) else None
    paid = made.filter(gross__gt=0).exists()
    taken_back = taken_back_of([sale]).get(sale.pk, _ZERO)
    return Received(
        sums["net"] or _ZERO, sums["charged"] or _ZERO, paid, since or _ZERO, bool(sums["some"]), taken_back
    )  # fmt: skip


def paid_there(sale: Sale) -> bool:
    """Whether its marketplace says that it paid for the sale; that money came its holder may have said before."""
    return PayoutLine.objects.filter(lines_counted(), sale=sale, gross__gt=0, payout__said_by_hand=False).exists()


def state_by_money(sale: Sale, state: SaleState) -> SaleState:
    """What a locked sale is by its money where its marketplace says `state` of it.

    Handed over and paid it is complete; and it is not while what was paid for it has come back.
    """
    if state == SaleState.FULFILLED and sale.state not in HANDED_OVER and _has_money(sale):
        return SaleState.COMPLETE
    if state == SaleState.COMPLETE and sale.state != state and _came_back(sale):
        return SaleState.FULFILLED
    return state


def _has_money(sale: Sale) -> bool:
    """Whether it was paid, and not all of that was taken back."""
    return came_of([sale]).get(sale.pk, _ZERO) > 0


def _came_back(sale: Sale) -> bool:
    """Whether money was paid for it and came back; a charge alone that came back is none."""
    back = PayoutLine.objects.filter(sale=sale, payout__returned_at__isnull=False)
    return back.exclude(gross__lte=0, net__lt=0).exists() and not _has_money(sale)


def came_of(sales: Iterable[Sale]) -> dict[uuid.UUID, Decimal]:
    """What came, charges off, of each of these sales that was paid; by the sale's id."""
    lines = PayoutLine.objects.filter(lines_counted(), sale__in=[sale.pk for sale in sales]).values("sale").order_by()
    paid = lines.annotate(came=Sum("net"), paid=Count("pk", filter=Q(gross__gt=0))).filter(paid__gt=0)
    return dict(paid.values_list("sale", "came"))


def taken_back_of(sales: Iterable[Sale]) -> dict[uuid.UUID, Decimal]:
    """What was taken back of each of these sales and not paid anew, charges apart; by the sale's id, positive.

    What came beyond a sale's proceeds pays anew what was taken back of it.
    """
    lines = PayoutLine.objects.filter(lines_counted(), sale__in=[sale.pk for sale in sales]).order_by()
    whole = Sum(F("net") + F("penalty"), filter=Q(gross__gt=0)), Sum(F("net") + F("penalty"), filter=Q(gross__lt=0))
    sums = lines.values("sale", "sale__proceeds").annotate(paid=whole[0], back=whole[1]).filter(back__lt=0)
    left = {
        sale: -back - max((paid or _ZERO) - proceeds, _ZERO)
        for sale, proceeds, paid, back in sums.values_list("sale", "sale__proceeds", "paid", "back")
    }
    return {sale: taken for sale, taken in left.items() if taken > 0}


def short_of(sale: Sale, received: Received) -> Decimal:
    """What is lacking of a sale that was paid; zero within a cent a ticket, while nothing was paid, or untold.

    What was charged for it and is settled is not lacking.
    """
    lacking = sale.proceeds - received.net - max(min(sale.charge_settled, received.charged), _ZERO)
    known = received.paid and sale.proceeds_told
    return lacking if known and owed(sale) and lacking > _slack(sale) else _ZERO


def too_much_of(sale: Sale, received: Received) -> Decimal:
    """What came for a sale beyond what it brings; zero within a cent a ticket.

    Of one that is over it is what came afterwards: that what came before is taken back, its ending says.
    """
    more = min(received.net, received.since_over)
    if not brings_nothing(sale):
        more = received.net - sale.proceeds if sale.state in OWED else _ZERO
    return more if more > _slack(sale) else _ZERO


def _slack(sale: Sale) -> Decimal:
    return CENT * max(sale.quantity, 1)


@dataclass(frozen=True, slots=True)
class SaleMoney:
    """What a sale's page says of its payout: `expected` until it was paid. The lines are the account owner's alone."""

    lines: list[PayoutLine]
    expected: Expectation | None
    late: bool
    lacking: Decimal
    too_much: Decimal
    # What came of it so far, charges off; None for whoever may not know. `any_came`: whether anything did at all.
    came: Decimal | None
    any_came: bool
    # What its marketplace's word that it paid is worth while no payout says so; empty where it has not said it.
    paid_words: str


def money_of(actor: Actor, sale: Sale) -> SaleMoney:
    """What came of a sale and what is to come, as far as this person may know it."""
    lines = list(payout_lines_of_sale(actor, sale))
    own = sale.account.is_of(actor)
    received = received_for(sale) if own else None
    waits = sale.state in OWED and sale.ending != SaleEnding.GAME_OFF and not (received and received.paid)
    return SaleMoney(
        lines=lines,
        expected=expectation_of(sale) if waits else None,
        late=waits and received is not None and overdue(sale),
        lacking=short_of(sale, received) if received else _ZERO,
        too_much=too_much_of(sale, received) if received else _ZERO,
        came=received.net if received else None,
        any_came=bool(received and received.any),
        paid_words=paid_words(sale) if waits else "",
    )


def paid_words(sale: Sale) -> str:
    """What to think of an unpaid sale of which its marketplace says that it has paid it; empty where it does not."""
    if sale.state != SaleState.COMPLETE or sale.account.mode == Mode.ASSISTED:
        return ""
    said = f"{platform_name(sale.platform)} says that it has paid"
    if reads_payouts(sale.account):
        return f"{said}: its payouts are read at once and every hour, and none names this sale yet"
    return f"{said}, and does not tell what: look at your bank"


def is_late(sale: Sale) -> bool:
    """Whether the sale's money should have come by now, grace included, and has not."""
    if not owed(sale) or received_for(sale).paid:
        return False
    announced = _announced().filter(sale=sale).select_related("payout").first()
    at = None if announced is None else announced.payout.expected_at
    if announced is None or at is None or at == last_day_of(announced.payout):
        # No word of its marketplace's: that other sales are to come with it, and later, excuses none.
        return overdue(sale)
    return at + GRACE <= now()


def last_day_of(payout: Payout) -> datetime | None:
    """When the last of a payout's sales was to be paid, by their calendars; None while one of them has no day."""
    sales = with_people(payout.lines.filter(gross__gt=0).exclude(sale=None).values_list("sale_id", flat=True))
    days = [expectation_of(sale).at for sale in sales]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def overdue(sale: Sale) -> bool:
    """Whether an unpaid sale's day is over, grace included, by its calendar alone."""
    at = expectation_of(sale).at
    return at is not None and at + GRACE <= now()


def sales_late() -> Iterator[Sale]:
    """Every sale whose money is late: where payouts are read, and where the holder says that one came."""
    seen = set()
    unpaid = _unpaid().filter(state__in=OWED)
    for found in (unpaid.filter(_overdue()), unpaid.filter(pk__in=_announced().values("sale"))):
        for sale in found.iterator():
            told = sale.mode == Mode.ASSISTED or platform_can(sale.platform, Capability.PAYMENTS)
            if sale.pk not in seen and told and is_late(sale):
                seen.add(sale.pk)
                yield sale


def sales_awaited(actor: Actor) -> SaleQuerySet:
    """The sales over the actor's own accounts whose money has not come, the oldest first."""
    own = MarketplaceAccount.objects.visible_to(actor).values("pk")
    waiting = sale_list(actor).filter(~Q(_paid()), state__in=OWED, account__in=own)
    return waiting.exclude(ending=SaleEnding.GAME_OFF).order_by("sold_at", "pk")


def tells_payouts(platform: str) -> bool:
    """Whether a platform says that it has paid."""
    traits = traits_of(platform)
    return traits is not None and traits.tells_payouts


def reads_payouts(account: MarketplaceAccount) -> bool:
    """Whether what an account was paid is read at its platform."""
    return account.mode != Mode.ASSISTED and platform_can(account.platform, Capability.PAYMENTS)


def payouts_told(account: MarketplaceAccount) -> bool:
    """Whether it is told what an account was paid: its platform says it, and the account is read."""
    return not holder_says_paid(account) and tells_payouts(account.platform)


def holder_says_paid(account: MarketplaceAccount) -> bool:
    """Whether what an account is paid only its holder says: he works it by hand, or its keys are gone."""
    return account.mode == Mode.ASSISTED or not account.is_active


def with_people(sale_ids: Collection[Any]) -> QuerySet[Sale]:
    """These sales with what their expectation and their alerts are made of."""
    return Sale.objects.filter(pk__in=sale_ids).select_related(
        "account", "payout_calendar", "listing__game__home_team", "listing__game__opponent", "game__venue"
    )


def _overdue() -> Q:
    """Sales of which the calendar's own span is over; the weekday of a weekly one is looked at afterwards."""
    found = Q(pk__in=[])
    for calendar in PayoutCalendarVersion.objects.exclude(kind=PayoutKind.UNKNOWN):
        if calendar.known:
            since = now() - GRACE - timedelta(days=calendar.days or 0)
            at = "game__starts_at" if calendar.kind == PayoutKind.AFTER_GAME else "delivered_at"
            found |= Q(payout_calendar=calendar, **{f"{at}__lte": since})
    return found


def _unpaid() -> QuerySet[Sale]:
    return Sale.objects.filter(~Q(_paid())).select_related(
        "account", "payout_calendar", "listing__game__home_team", "listing__game__opponent", "game__venue"
    )


def _paid() -> Exists:
    return Exists(PayoutLine.objects.filter(lines_counted(), sale=OuterRef("pk"), gross__gt=0))


def payouts_made_of(sale_ids: Collection[Any]) -> QuerySet[Payout]:
    """The payouts that were made and paid for one of these sales, the oldest first; a charge alone pays for nothing."""
    paid = PayoutLine.objects.filter(lines_counted(), sale__in=sale_ids, gross__gt=0)
    return Payout.objects.filter(pk__in=paid.values("payout")).order_by("paid_at", "pk")


def lines_made() -> Q:
    """Lines of payouts that were made by now."""
    return Q(payout__paid_at__lte=now())


def lines_counted() -> Q:
    """Those of them that count for their sale: an amount in another currency is none in the sale's."""
    return lines_made() & Q(payout__currency=F("sale__currency"))


def _announced() -> QuerySet[PayoutLine]:
    """Lines of payouts that are still to come, of which the day is known; of what came back it was another one."""
    coming = PayoutLine.objects.filter(payout__paid_at=None, payout__returned_at=None, gross__gt=0)
    return coming.filter(payout__expected_at__isnull=False)
