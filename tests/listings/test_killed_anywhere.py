"""Killed at any line, the next worker finishes it: the same end as if nobody had died (I-23), nothing done twice."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from listings.contracts import PriceChange
from listings.models import (
    CommandKind,
    Listing,
    ListingSeat,
    MarketplaceCommand,
    PayoutLine,
    PriceHistory,
    Sale,
    SaleSeat,
)  # fmt: skip
from listings.services.fulfil import sale_fulfil
from listings.services.outbox import commands_drain
from listings.services.payouts import account_sync_payouts
from listings.services.pricing import price_apply
from listings.services.sync import account_sync_sales
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSaleState
from marketplaces.delivery import HandOver
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.services.connect import accounts_close, disconnect
from marketplaces.services.understand import inbound_process
from portfolios.models import Seat
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.live.models import Alert
from tests.listings.killing import KilledError, Process
from tests.listings.simulated import settled
from tests.market import Market
from tests.seeds import sample_of

Step = tuple[str, Callable[[Market], None]]


def publish(market: Market) -> None:
    if not Listing.objects.exists():
        market.publish(market.holding.seats[:2])


def raise_prices(market: Market) -> None:
    changes = [
        PriceChange(listing.pk, Decimal("91.00"), reason="dearer", confirmed=True)
        for listing in Listing.objects.exclude(price=Decimal("91.00"))
    ]
    if changes:
        price_apply(actor=market.holding.actor, changes=changes)


def drain(_market: Market) -> None:
    while commands_drain():
        pass


def understand(market: Market) -> None:
    for event in InboundEvent.objects.filter(state="received").order_by("received_at"):
        inbound_process(event_id=event.pk)


def goes_by(_market: Market) -> None:
    """What was published has been up for a while."""
    settled()


def sold(market: Market, key: str, seats: tuple[int, ...]) -> None:
    """A buyer takes seats there; not the process's doing."""
    platform = market.alpha if key == "alpha" else market.beta
    if f"{key}-1" not in platform.sales:
        listing = Listing.objects.get(platform=key)
        platform.sell(listing.external_id, seats, state=RemoteSaleState.AWAITING_CONFIRM)


def announced(market: Market, key: str) -> None:
    """Whoever announces it does so until he is answered."""
    platform = market.alpha if key == "alpha" else market.beta
    market.announce(f"{key}-1", platform.sales[f"{key}-1"].external_id, key=key)


def taken_back(market: Market) -> None:
    sale = market.alpha.sales["alpha-1"]
    market.alpha.sales["alpha-1"] = replace(sale, state=RemoteSaleState.CANCELLED, remote_status="cancelled")


def told_taken_back(market: Market) -> None:
    sale = market.alpha.sales["alpha-1"]
    market.announce("alpha-1", sale.external_id, kind="sale_update")


def hand_over(market: Market) -> None:
    sale = Sale.objects.get()
    if not sale.commands.filter(kind=CommandKind.FULFIL).exists():
        sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method=HandOver.MOBILE_TRANSFER, confirmation="TX-77")


def paid(market: Market) -> None:
    market.alpha.move("alpha-1", RemoteSaleState.COMPLETE)
    line = PaymentLine("alpha-1", Decimal("168.00"), Decimal("16.80"), Decimal("0.00"), Decimal("151.20"))
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("151.20"), "USD", (line,))]


def read_payouts(market: Market) -> None:
    account_sync_payouts(account=market.accounts["alpha"])


def leave(market: Market) -> None:
    for account in MarketplaceAccount.objects.filter(is_active=True, closing_at=None).order_by("platform"):
        disconnect(actor=market.holding.actor, account_id=account.pk)


def close(_market: Market) -> None:
    accounts_close()


def poll(market: Market) -> None:
    """What no notice told, the sweep finds."""
    for account in MarketplaceAccount.objects.filter(is_active=True).order_by("platform"):
        account_sync_sales(account=account)
    drain(market)


SOLD_AND_TAKEN_BACK: list[Step] = [
    ("publish", publish), ("drain", drain), ("time", goes_by), ("prices", raise_prices), ("drain", drain),
    ("buyer", lambda market: sold(market, "alpha", (1,))), ("notice", lambda market: announced(market, "alpha")),
    ("understand", understand), ("drain", drain),
    ("marketplace", taken_back), ("notice", told_taken_back), ("understand", understand), ("drain", drain),
]  # fmt: skip
SOLD_TWICE: list[Step] = [
    ("publish", publish), ("drain", drain), ("time", goes_by),
    ("buyer", lambda market: sold(market, "alpha", (1, 2))), ("buyer", lambda market: sold(market, "beta", (1, 2))),
    ("notice", lambda market: announced(market, "alpha")), ("notice", lambda market: announced(market, "beta")),
    ("understand", understand), ("drain", drain),
]  # fmt: skip
HANDED_OVER: list[Step] = [
    ("publish", publish), ("drain", drain), ("time", goes_by), ("buyer", lambda market: sold(market, "alpha", (1, 2))),
    ("notice", lambda market: announced(market, "alpha")), ("understand", understand), ("drain", drain),
    ("hand over", hand_over), ("drain", drain), ("marketplace", paid), ("payouts", read_payouts),
]  # fmt: skip
LEFT: list[Step] = [
    ("publish", publish), ("drain", drain), ("time", goes_by), ("buyer", lambda market: sold(market, "alpha", (1,))),
    ("notice", lambda market: announced(market, "alpha")), ("leave", leave), ("drain", drain), ("close", close),
    ("understand", understand), ("drain", drain), ("poll", poll), ("close", close), ("drain", drain), ("poll", poll),
    ("close", close),
]  # fmt: skip
STORIES = {
    "sold and taken back": SOLD_AND_TAKEN_BACK, "sold twice": SOLD_TWICE, "handed over": HANDED_OVER, "left": LEFT,
}  # fmt: skip
# Buyers, marketplaces and time are not the process's doing.
OUTSIDE = {"buyer", "marketplace", "time"}


def told(market: Market, story: list[Step], process: Process) -> dict[str, Any]:
    """How the world is after the story, with a process that may die; the next one goes on where it was."""
    savepoint, platforms = transaction.savepoint(), (market.alpha, market.beta)
    kept = [copy.deepcopy((platform.listings, platform.seats, platform.sales)) for platform in platforms]
    valkey().flushdb()
    try:
        for what, act in [*story, ("poll", poll)]:
            if what in OUTSIDE:
                act(market)
                continue
            try:
                with process.running(platforms):
                    act(market)
            except KilledError:
                _next_process(market)
                heir = Process(effects=process.effects)
                with heir.running(platforms):
                    act(market)
                    # What its jobs would have found at once the sweeps find.
                    drain(market)
                process.dies_at = None
        return world(market)
    finally:
        transaction.savepoint_rollback(savepoint)
        for platform, (listings, seats, sales) in zip(platforms, kept, strict=True):
            platform.listings, platform.seats, platform.sales = listings, seats, sales
            platform.calls.clear()
            platform.paid.clear()


def _next_process(market: Market) -> None:
    """Time goes by: what the dead one had is free, and what waits is due."""
    MarketplaceCommand.objects.filter(state="in_flight").update(lease_until=now() - timedelta(seconds=1))
    market.hurry()
    InboundEvent.objects.filter(state="received").update(not_before=None)


def world(market: Market) -> dict[str, Any]:
    """Everything that a person or a marketplace can see of it."""
    sales = Sale.objects.order_by("platform")
    seats = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats]).order_by("pk")
    return {
        "shown": [sorted(platform.seats[key] for key in platform.shown()) for platform in (market.alpha, market.beta)],
        "there": [
            sorted((sale.sale_id, sale.state) for sale in platform.sales.values())
            for platform in (market.alpha, market.beta)
        ],
        "listings": list(
            Listing.objects.order_by("platform").values_list("platform", "status", "price", "live_price", "quantity")
        ),
        "offered": list(
            ListingSeat.objects.order_by("listing__platform", "seat__seat_number").values_list(
                "listing__platform", "seat__seat_number", "offered"
            )
        ),
        "gone": [listing.gone_verified_at is not None for listing in Listing.objects.order_by("platform")],
        "seats": list(seats.values_list("state", flat=True)),
        "sales": list(sales.values_list("platform", "state", "ending", "gross", "missing")),
        "timed": [sale.last_delist_at is not None for sale in sales],
        "sale seats": sorted(SaleSeat.objects.values_list("sale__platform", "seat__seat_number", "live")),
        "payouts": sorted(PayoutLine.objects.values_list("sale__platform", "payout__reference", "net")),
        "prices": sorted(PriceHistory.objects.values_list("platform", "price").distinct()),
        "open": list(MarketplaceCommand.objects.exclude(state__in=["done", "superseded"]).values_list("kind", "state")),
        "notices": sorted(InboundEvent.objects.values_list("account__platform", "kind", "state")),
        "alerts": Counter(Alert.objects.values_list("kind", "state")),
        "accounts": [
            (account.platform, account.is_active, account.closing_at is not None, bool(account.access_token))
            for account in MarketplaceAccount.objects.order_by("platform")
        ],
    }  # fmt: skip


# What must not happen twice at a marketplace. A price, a size and a take-down that are sent again change nothing.
ONCE = {"create", "confirm", "reject", "fulfil"}


def killed_at(market: Market, story: list[Step], points: range) -> list[str]:
    """What is otherwise than it should be, for a death at each of these points."""
    alive, wrong = Process(), []
    expected = told(market, story, alive)
    # Two sales of one seat alone take some four hundred statements and requests.
    assert 250 < alive.done < points.stop
    for point in points:
        if point > alive.done:
            break
        process = Process(dies_at=point)
        found = told(market, story, process)
        assert process.dies_at is None, f"it did not die at {point}"
        differs = {name: (found[name], expected[name]) for name in expected if found[name] != expected[name]}
        twice = {name: times for name, times in process.effects.items() if name[1] in ONCE and times > 1}
        if differs or twice:
            wrong.append(f"killed at {point} ({process.last}): {differs} {twice}")
    return wrong


MOST = 1_000
APART = 12


@pytest.mark.parametrize("name", STORIES)
def test_i23_killed_at_some_lines_the_next_process_finishes_it(market: Market, name: str) -> None:
    wrong = killed_at(market, STORIES[name], range(5, MOST, 8 * APART))
    assert not wrong, "\n".join(wrong)


WHOLE = [(name, first) for name in STORIES for first in range(1, APART + 1)]


@pytest.mark.chaos
@pytest.mark.parametrize(("name", "first"), sample_of(WHOLE))
def test_i23_killed_at_any_line_the_next_process_finishes_it(market: Market, name: str, first: int) -> None:
    wrong = killed_at(market, STORIES[name], range(first, MOST, APART))
    assert not wrong, "\n".join(wrong)
