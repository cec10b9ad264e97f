"""Answers that say nothing of listings and sales, and lists that move while they are read: nothing is given up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
import time_machine

from listings.models import CommandKind, Listing, ListingStatus, MarketplaceCommand, PayoutLine, Sale
from listings.services.publish import listing_publish
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sync import account_poll
from marketplaces.adapters.stubhub import client as stubhub
from marketplaces.models import MarketplaceAccount
from marketplaces.services import links
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.selling import connected, sell_and_hand_over
from tests.listings.simulated import control, work

pytestmark = pytest.mark.django_db
ALL = ["stubhub", "seatgeek", "vividseats", "gametime", "ticketmaster"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Saying(SimulatorTransport):
    """A gateway that answers every reading with the same words, and 200."""

    def __init__(self, simulator: Simulator, words: bytes) -> None:
        super().__init__(simulator)
        self._words = words

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As it always answers; what is written goes through."""
        if "/_sim/" in request.url.path or request.method != "GET" or request.url.path.endswith("/drop"):
            return super().handle_request(request)
        return httpx.Response(200, headers={"content-type": "application/json"}, content=self._words)


def listed(holding: Holding, *accounts: MarketplaceAccount, apart: bool = False) -> None:
    """All four seats, in one listing or each in its own, at each account."""
    lots = [[seat.pk] for seat in holding.seats] if apart else [[seat.pk for seat in holding.seats]]
    for lot in lots:
        listing_publish(
            actor=holding.actor, seat_ids=lot, account_ids=[account.pk for account in accounts],
            price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )  # fmt: skip
        work()


@pytest.mark.parametrize(
    "words", [b"{}", b'{"message": "Service temporarily unavailable"}', b"", b"null", b"<ok/>", b"[]"],
    ids=["nothing in it", "maintenance", "empty", "null", "xml", "no object"],
)  # fmt: skip
@pytest.mark.parametrize("platform", ALL)
def test_an_answer_that_is_no_list_is_none_without_anything(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, travel: time_machine.Traveller,
    platform: str, words: bytes,
) -> None:  # fmt: skip
    account = connected(holding, platform)
    listed(holding, account)
    until = MarketplaceAccount.objects.get().sales_synced_until
    monkeypatch.setattr(links, "transport_override", Saying(simulator, words))
    travel.shift(timedelta(minutes=12))
    account_poll(account)
    accounts_reconcile_due()
    work()
    assert Listing.objects.get().status == ListingStatus.ACTIVE
    assert MarketplaceAccount.objects.get().sales_synced_until == until
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.SYNC_ACCOUNT, state="done").exists()


class Between(SimulatorTransport):
    """Something happens there after the first page of a list was read."""

    def __init__(self, simulator: Simulator, happens: Callable[[], object], path: str = "/v2/sellerlistings") -> None:
        super().__init__(simulator)
        self._happens: list[Callable[[], object]] = [happens]
        self._path = path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As the marketplace answers."""
        answer = super().handle_request(request)
        answer.read()
        if request.method == "GET" and request.url.path.endswith(self._path) and self._happens:
            self._happens.pop()()
        return answer


@pytest.mark.parametrize("what", ["taken down", "sold"])
def test_a_list_that_moves_while_it_is_read_gives_no_listing_up(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A listing of the first page goes, and the next one takes its place there, where it is not read any more."""
    monkeypatch.setattr(stubhub, "PAGE_SIZE", 2)
    account = connected(holding, "stubhub")
    listed(holding, account, apart=True)
    Listing.objects.update(updated_at=LONG_AGO)
    first = Listing.objects.order_by("created_at")[0]

    def happens() -> None:
        if what == "sold":
            control("sell", platform="stubhub", external_id=first.external_id, quantity=1)
        else:
            found = simulator.ledger.listings.values()
            next(one for one in found if one.external_id == first.external_id).state = "deleted"

    monkeypatch.setattr(links, "transport_override", Between(simulator, happens))
    accounts_reconcile_due()
    work()
    # The first was read before it went: the next sweep finds that out. None of the others is given up.
    assert set(Listing.objects.exclude(pk=first.pk).values_list("status", flat=True)) == {ListingStatus.ACTIVE}
    assert not Alert.objects.filter(kind__contains="vanished").exists()


def test_what_is_gone_is_still_found_out(simulator: Simulator, holding: Holding) -> None:
    account = connected(holding, "stubhub")
    listed(holding, account)
    Listing.objects.update(updated_at=LONG_AGO)
    (there,) = simulator.ledger.listings.values()
    there.state = "deleted"
    accounts_reconcile_due()
    work()
    assert Listing.objects.get().status == ListingStatus.CANCELLED


@pytest.mark.parametrize("platform", ["stubhub", "seatgeek", "ticketmaster"])
def test_a_clock_that_is_behind_ours_loses_no_sale(
    simulator: Simulator, holding: Holding, travel: time_machine.Traveller, platform: str
) -> None:
    """What changed since is asked for by their clock, which is twenty minutes behind ours."""

    def theirs() -> float:
        return (now() - timedelta(minutes=20)).timestamp()

    simulator.clock = theirs
    account = connected(holding, platform)
    listed(holding, account)
    for _ in range(3):
        travel.shift(timedelta(minutes=3))
        account_poll(MarketplaceAccount.objects.get())
    control("sell", platform=platform, external_id=Listing.objects.get().external_id, quantity=4)
    for _ in range(2):
        travel.shift(timedelta(minutes=3))
        account_poll(MarketplaceAccount.objects.get())
    assert Sale.objects.count() == 1


def test_a_list_of_sales_that_moves_while_it_is_read_is_read_again(
    simulator: Simulator, holding: Holding, monkeypatch: pytest.MonkeyPatch, travel: time_machine.Traveller
) -> None:
    """One that changes goes to the end of StubHub's list, and another one into its place, on a page that was read."""
    monkeypatch.setattr(stubhub, "PAGE_SIZE", 2)
    simulator.clock = lambda: now().timestamp()
    listed(holding, connected(holding, "stubhub"), apart=True)
    for listing in Listing.objects.all():
        travel.shift(timedelta(minutes=1))
        control("sell", platform="stubhub", external_id=listing.external_id, quantity=1)
    # So long ago that all sales are asked for, and not those of the last hours.
    travel.shift(timedelta(hours=14))
    first = next(iter(simulator.ledger.sales.values()))

    def happens() -> None:
        first.updated_at = now().timestamp()

    monkeypatch.setattr(links, "transport_override", Between(simulator, happens, "/v2/sales"))
    for _ in range(2):
        account_poll(MarketplaceAccount.objects.get())
        travel.shift(timedelta(minutes=3))
    assert Sale.objects.count() == 4


@pytest.mark.parametrize(
    ("platform", "alone"),
    [("seatgeek", "/remittances/"), ("vividseats", "/v1/payments/"), ("stubhub", "/v2/payments/")],
)
@pytest.mark.parametrize("status", [200, 404])
def test_an_odd_answer_for_one_payment_takes_nothing_of_it_back(
    simulator: Simulator, holding: Holding, travel: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch,
    platform: str, alone: str, status: int,
) -> None:  # fmt: skip
    seller = sell_and_hand_over(holding, simulator, travel, platform)
    seller.go(now() + timedelta(days=21))
    paid = list(PayoutLine.objects.filter(payout__paid_at__isnull=False).values_list("net", flat=True))
    assert paid

    class Odd(SimulatorTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if alone in request.url.path and not request.url.path.endswith(("current", "next")):
                return httpx.Response(status, json={"message": "Service temporarily unavailable"})
            return super().handle_request(request)

    monkeypatch.setattr(links, "transport_override", Odd(simulator))
    seller.go(now() + timedelta(hours=1))
    assert list(PayoutLine.objects.filter(payout__paid_at__isnull=False).values_list("net", flat=True)) == paid
    assert not Alert.objects.filter(kind__startswith="payout.").exclude(state="recovered").exists()
