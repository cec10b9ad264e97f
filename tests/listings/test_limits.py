"""One token for each request, whoever sends it: commands, polls, payouts and sweeps together keep to a limit.

Against the simulated platforms, through the real adapters. The buckets' clock is Valkey's, which nobody moves: limits
are so slow here that no token comes back by itself, and what a second brings is put in by hand.
"""

import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import redis
import time_machine
from django.test import Client
from django.urls import reverse

from listings.health import account_health
from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale
from listings.services import payouts, reconcile
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.outbox import carry_out, command_claim, commands_drain
from listings.services.payouts import accounts_sync_payouts
from listings.services.publish import listing_publish
from listings.services.reconcile import account_reconcile
from listings.services.sync import account_poll, accounts_sync_due
from listings.services.wake import POLL_NEXT, POLL_PAYOUTS
from listings.tasks import poll_account_next, poll_account_payouts
from marketplaces import selectors
from marketplaces.adapters import _wire
from marketplaces.contracts import Link, NoAnswers
from marketplaces.errors import MustWait, TemporaryError
from marketplaces.models import InboundEvent, LimitVersion, MarketplaceAccount
from marketplaces.registry import adapter_get, adapter_keys, adapter_list
from marketplaces.selectors import limit_bucket, request_bucket
from marketplaces.services import limits, links, understand
from marketplaces.services.limits import AccountGate, Errand
from marketplaces.services.links import link_for
from marketplaces.services.reading import KEPT_FOR, reading_of
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.accounts.models import User
from seatsync.core import limiters
from seatsync.core.clock import now
from seatsync.core.limiters import Ask, hold, look, take_all, valkey
from seatsync.live.models import Alert
from tests.builders import Holding, verified_client
from tests.listings.selling import Seller, connected
from tests.listings.simulated import control
from tests.market import Market

pytestmark = pytest.mark.django_db
# No token comes back while a test runs.
STANDS = Decimal("0.00100")


@dataclass
class Counted(SimulatorTransport):
    """What arrives at the marketplaces."""

    simulator: Simulator
    arrived: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "/_sim/" not in request.url.path:
            self.arrived.append(f"{request.method} {request.url.path}")
        return super().handle_request(request)


@pytest.fixture
def line(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Everything that is sent from now on."""
    counted = Counted(simulator)
    monkeypatch.setattr(links, "transport_override", counted)
    return counted


@pytest.fixture
def paces(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of single requests, and holds, count."""
    monkeypatch.setattr(limits, "paces_kept", selectors.paces_kept)
    monkeypatch.setattr(limits, "hold", limiters.hold)


def limit(platform: str, *, burst: int, reserved: int = 2, per_second: Decimal = STANDS, request: str = "") -> None:
    LimitVersion.objects.create(
        platform=platform, request=request, per_second=per_second, burst=burst, reserved=reserved,
        valid_from=date(2024, 1, 1), source="test", checked_on=date(2024, 1, 1),
    )  # fmt: skip


def refill(account: MarketplaceAccount, tokens: int) -> None:
    """So many tokens come in, as they would with time."""
    valkey().hincrbyfloat(f"bucket:{limit_bucket(account.pk)}", "tokens", tokens)


def due_now() -> None:
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    MarketplaceAccount.objects.update(polled_at=None)


def asked_for(account: MarketplaceAccount) -> int:
    """How many tokens were taken in the last minute."""
    return look(limit_bucket(account.pk), capacity=10_000, per_second=10_000).granted


def publish(holding: Holding, account: MarketplaceAccount, number: int = 4, *, first: int = 0) -> list[Listing]:
    return [
        listing_publish(
            actor=holding.actor, seat_ids=[seat.pk], account_ids=[account.pk], price=Decimal("84.00"),
            floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )[0]
        for seat in holding.seats[first : first + number]
    ]  # fmt: skip


def everything() -> None:
    """What the workers do: commands, polls, payouts, and a sweep that was ordered."""
    due_now()
    commands_drain()
    accounts_sync_due()
    accounts_sync_payouts()
    commands_drain()


@pytest.mark.parametrize("seller", adapter_keys(), indirect=True)
def test_whoever_sends_it_each_request_took_one_token_and_has_a_name(
    seller: Seller, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, names = Counted(simulator), list[str]()
    monkeypatch.setattr(links, "transport_override", counted)
    send = _wire.send

    def noted(link: Link, method: str, url: str, *, request: str, **options: Any) -> httpx.Response:
        names.append(request)
        return send(link, method, url, request=request, **options)

    monkeypatch.setattr(_wire, "send", noted)
    valkey().flushdb()
    account = seller.account
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key="sync:1")
    listings = publish(seller.holding, account, 2, first=2)
    for listing in listings:
        command_write(listing=listing, kind=CommandKind.REPRICE, key=f"price:{listing.pk}")
    everything()
    everything()
    listings_delist(actor=seller.holding.actor, listing_ids=[listing.pk for listing in listings])
    everything()
    assert set(MarketplaceCommand.objects.filter(kind=CommandKind.DELIST).values_list("state")) == {("done",)}
    assert len(counted.arrived) == asked_for(account) > 10
    assert set(names) <= set(adapter_get(account.platform).traits.requests)


def sold(simulator: Simulator, listings: list[Listing]) -> None:
    for listing in listings:
        control("sell", platform=listing.platform, external_id=listing.external_id, quantity=1)


def test_no_more_than_the_limit_arrives_a_second_and_all_gets_done(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")
    listings = publish(holding, account)
    commands_drain()
    sold(line.simulator, list(Listing.objects.filter(pk__in=[one.pk for one in listings[:3]])))
    valkey().flushdb()
    limit("stubhub", burst=6, reserved=2)
    line.arrived.clear()
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key="sync:1")
    command_write(listing=listings[3], kind=CommandKind.REPRICE, key="price:1")
    seconds: list[int] = []
    for _ in range(12):
        before = len(line.arrived)
        everything()
        seconds.append(len(line.arrived) - before)
        refill(account, 3)
    # Six at once, and three a second: nobody took more, whoever asked.
    spans = [(first, last) for last in range(13) for first in range(last)]
    assert all(sum(seconds[first:last]) <= 6 + 3 * (last - first - 1) for first, last in spans)
    assert sum(seconds) > 12
    assert Sale.objects.count() == 3
    assert set(MarketplaceCommand.objects.filter(kind__in=["sync_account", "reprice"]).values_list("state")) == {
        ("done",)
    }


def test_a_poll_that_a_limit_breaks_off_goes_on_from_where_it_was(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")
    listings = publish(holding, account)
    commands_drain()
    sold(line.simulator, list(Listing.objects.filter(pk__in=[one.pk for one in listings])))
    valkey().flushdb()
    limit("stubhub", burst=3, reserved=1)
    line.arrived.clear()
    began = account.sales_synced_until
    account_poll(account)
    account.refresh_from_db()
    # The list, and the listing of one sale; the last token stays for what is urgent.
    assert (len(line.arrived), account.sales_synced_until, account.last_error) == (2, began, "")
    assert Sale.objects.count() == 1
    for _ in range(2):
        refill(account, 2)
        account_poll(account)
    account.refresh_from_db()
    # Nothing was asked twice.
    assert len(line.arrived) == len(set(line.arrived)) == 5
    assert Sale.objects.count() == 4
    assert account.sales_synced_until is not None
    assert began is not None
    assert began < account.sales_synced_until < now()


def test_what_is_begun_is_finished_and_the_next_one_waits_for_it(holding: Holding, line: Counted) -> None:
    account = connected(holding, "seatgeek")
    limit("seatgeek", burst=1, reserved=0)
    line.arrived.clear()
    first, second = publish(holding, account, 2)
    commands_drain()
    # Its listing, and the reading back of what was made of it: one token was there.
    assert [where.partition(" ")[0] for where in line.arrived if "/listings/single/" in where] == ["PUT", "GET"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert {first.status, second.status} == {"active", "publishing"}
    assert look(limit_bucket(account.pk), capacity=1, per_second=0.001).tokens_left < 0
    refill(account, 1)
    due_now()
    assert commands_drain() == 0


def test_all_tokens_of_a_command_are_there_before_it_is_begun(holding: Holding, line: Counted) -> None:
    account = connected(holding, "seatgeek")
    publish(holding, account, 1)
    commands_drain()
    limit("seatgeek", burst=5, reserved=2)
    valkey().flushdb()
    line.arrived.clear()
    publish(holding, account, 3, first=1)
    commands_drain()
    # Three tokens may be taken: two of them are one's that is sent and read back, and of the third nothing is begun.
    assert len(line.arrived) == 2
    assert MarketplaceCommand.objects.filter(kind=CommandKind.CREATE, state=CommandState.PENDING).count() >= 2
    assert 2 < look(limit_bucket(account.pk), capacity=5, per_second=0.001).tokens_left <= 3.1


def test_what_a_command_did_not_send_is_given_back(holding: Holding, line: Counted) -> None:
    account = connected(holding, "seatgeek")
    (listing,) = publish(holding, account, 1)
    limit("seatgeek", burst=9, reserved=2)
    Listing.objects.filter(pk=listing.pk).update(status="cancelled")
    valkey().flushdb()
    commands_drain()
    assert line.arrived == []
    assert asked_for(account) == 0


def test_background_reading_leaves_what_is_urgent_its_tokens(holding: Holding, line: Counted) -> None:
    account = connected(holding, "vividseats")
    listings = publish(holding, account, 2)
    commands_drain()
    limit("vividseats", burst=5, reserved=3)
    valkey().flushdb()
    line.arrived.clear()
    for _ in range(3):
        accounts_sync_payouts()
        command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{now().timestamp()}")
        due_now()
        commands_drain()
    # Payouts and listings, and the beginning of a poll: what sold must come down elsewhere.
    assert len(line.arrived) == 3
    listings_delist(actor=holding.actor, listing_ids=[one.pk for one in listings])
    due_now()
    commands_drain()
    assert [where for where in line.arrived if where.startswith("DELETE")] == [
        "DELETE /vividseats/listings/v2/delete"
    ] * 2


@pytest.mark.usefixtures("paces")
def test_a_429_that_names_a_time_holds_everybody_of_the_account(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")
    first, second = publish(holding, account, 2)
    commands_drain()
    control("faults", add=[{"kind": "status", "status": 429, "retry_after_s": 600, "platform": "stubhub", "count": 1}])
    command_write(listing=first, kind=CommandKind.REPRICE, key="price:1")
    commands_drain()
    line.arrived.clear()
    command_write(listing=second, kind=CommandKind.REPRICE, key="price:2")
    everything()
    assert line.arrived == []
    waiting = MarketplaceCommand.objects.get(idempotency_key="price:2")
    assert (waiting.state, waiting.attempts) == (CommandState.PENDING, 0)
    assert 500 < look(limit_bucket(account.pk), capacity=10, per_second=5).held_s <= 600
    # What takes something down is tried as often as its retries say, as ever.
    grant = limiters.take_all(limiters.Ask(limit_bucket(account.pk), 10_000, 10_000), longest_hold_s=10)
    assert 9 < grant.wait_s <= 10
    # Another account is not held.
    assert AccountGate(MarketplaceAccount(platform="stubhub"), Errand()).wait_s("", write=False) == 0


@pytest.mark.usefixtures("paces")
def test_a_429_of_a_request_with_a_limit_of_its_own_holds_that_alone(holding: Holding, line: Counted) -> None:
    account = connected(holding, "vividseats")
    busy = {"kind": "status", "status": 429, "retry_after_s": 600, "platform": "vividseats", "count": 1}
    control("faults", add=[busy | {"route": "/v2/get"}])
    adapter = adapter_get("vividseats")
    with pytest.raises(Exception, match="429"):
        next(iter(adapter.list_all(link_for(account))), None)
    line.arrived.clear()
    with pytest.raises(MustWait):
        next(iter(adapter.list_all(link_for(account))), None)
    assert line.arrived == []
    assert adapter.fetch_sale(link_for(account), "1") is None
    assert line.arrived == ["GET /vividseats/v1/getOrder"]


@pytest.mark.usefixtures("paces", "line")
def test_staff_limit_any_request_by_its_name(holding: Holding) -> None:
    account = connected(holding, "stubhub")
    listings = publish(holding, account, 2)
    commands_drain()
    limit("stubhub", burst=1, request="PATCH /v2/externalsellerlistings/{key}")
    for listing in listings:
        command_write(listing=listing, kind=CommandKind.REPRICE, key=f"price:{listing.pk}")
    commands_drain()
    prices = MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE)
    assert sorted(prices.values_list("state", "attempts")) == [("done", 1), ("pending", 0)]
    listings_delist(actor=holding.actor, listing_ids=[one.pk for one in listings])
    commands_drain()
    assert MarketplaceCommand.objects.filter(kind=CommandKind.DELIST, state=CommandState.DONE).count() == 2


def test_requests_with_our_own_key_have_one_limit_for_all_accounts() -> None:
    one, other = (MarketplaceAccount(platform="ticketmaster").pk for _ in range(2))
    names = [request_bucket(pk, "ticketmaster", "/discovery/v2", paper=True) for pk in (one, other)]
    assert names[0] == names[1] != request_bucket(one, "ticketmaster", "/discovery/v2", paper=False)
    assert request_bucket(one, "ticketmaster", "GET /orders", paper=True).startswith(limit_bucket(one))


def calls_of_valkey(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> list[str]:
    """The commands that Valkey is sent meanwhile."""
    sent: list[str] = []
    execute: Any = redis.Redis.execute_command

    def noted(self: redis.Redis, *args: Any, **options: Any) -> Any:
        sent.append(str(args[0]))
        return execute(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(redis.Redis, "execute_command", noted)
        work()
    return sent


@pytest.mark.usefixtures("paces")
@pytest.mark.parametrize("platform", ["stubhub", "vividseats"])
@pytest.mark.parametrize("kind", ["create", "delist"])
def test_a_command_of_one_request_asks_valkey_once(
    holding: Holding, line: Counted, monkeypatch: pytest.MonkeyPatch, platform: str, kind: str
) -> None:
    account = connected(holding, platform)
    publish(holding, account, 1)
    commands_drain()
    listings = publish(holding, account, 1, first=1)
    if kind == "delist":
        commands_drain()
        listings_delist(actor=holding.actor, listing_ids=[one.pk for one in listings])
    line.arrived.clear()

    def work() -> None:
        command = command_claim()
        assert command is not None
        assert command.kind == kind
        carry_out(command)

    assert calls_of_valkey(monkeypatch, work).count("EVAL") == 1
    assert len(line.arrived) == 1


@pytest.mark.usefixtures("paces")
def test_a_kind_that_must_wait_keeps_no_other_command_waiting(holding: Holding, line: Counted) -> None:
    account = connected(holding, "vividseats")
    (first,) = publish(holding, account, 1)
    commands_drain()
    limit("vividseats", burst=1, request="/listings/v2/create")
    publish(holding, account, 2, first=1)
    command_write(listing=first, kind=CommandKind.REPRICE, key="price:1")
    commands_drain()
    creates = MarketplaceCommand.objects.filter(kind=CommandKind.CREATE).exclude(listing=first)
    assert sorted(creates.values_list("state", "attempts")) == [("done", 1), ("pending", 0)]
    waiting = creates.get(state="pending")
    assert waiting.not_before > now() + timedelta(minutes=10)
    assert waiting.last_error == "its marketplace takes so many of these at a time"
    assert MarketplaceCommand.objects.get(idempotency_key="price:1").state == "done"


def test_without_valkey_what_takes_down_goes_out_all_the_same(
    holding: Holding, line: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(holding, "vividseats")
    first, second = publish(holding, account, 2)
    commands_drain()
    command_write(listing=first, kind=CommandKind.REPRICE, key="price:1")
    listings_delist(actor=holding.actor, listing_ids=[second.pk])
    line.arrived.clear()

    def away(*_: object, **__: object) -> object:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(limits, "take_all", away)
    command = command_claim(urgent=True)
    assert command is not None
    assert carry_out(command) == 1
    assert line.arrived == ["DELETE /vividseats/listings/v2/delete"]
    with pytest.raises(redis.ConnectionError):
        command_claim()


def test_what_was_read_is_kept_sealed_for_minutes_and_forgotten_when_all_is_read(
    holding: Holding, line: Counted, travel: time_machine.Traveller
) -> None:
    account = connected(holding, "stubhub")
    (listing,) = publish(holding, account, 1)
    commands_drain()
    sold(line.simulator, [Listing.objects.get(pk=listing.pk)])
    valkey().flushdb()
    limit("stubhub", burst=2, reserved=1)
    # The list alone is read, and not the listing of its sale.
    valkey().hset(f"bucket:{limit_bucket(account.pk)}", mapping={"tokens": 1, "at": valkey().time()[0]})
    account_poll(account)
    key = f"reading:{account.pk}:sales"
    sealed = valkey().get(key)
    assert isinstance(sealed, bytes)
    assert b"sale" not in zlib_or_plain(sealed)
    assert 0 < valkey().pttl(key) <= KEPT_FOR.total_seconds() * 1000
    line.arrived.clear()
    refill(account, 1)
    account_poll(account)
    assert [where.split("/")[3] for where in line.arrived] == ["externalsellerlistings"]
    assert valkey().get(key) is None
    assert Sale.objects.count() == 1


def zlib_or_plain(sealed: bytes) -> bytes:
    """As whoever looks into Valkey without a key would read it."""
    try:
        return zlib.decompress(sealed)
    except zlib.error:
        return sealed


def test_a_reading_that_failed_otherwise_is_begun_anew(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")

    def told(error: Exception) -> bytes | None:
        """What is known of a reading that ended so, when it is begun once more."""
        with suppress(type(error)), reading_of(account, "sales") as answers:
            answers.note("question", httpx.Response(200, content=b"answer"))
            raise error
        with reading_of(account, "sales") as answers:
            known = answers.known("question")
        return None if known is None else known.content

    assert told(MustWait("not yet", retry_after_s=1.0)) == b"answer"
    assert told(TemporaryError("503")) is None


def test_a_sweep_that_goes_on_judges_nothing_by_what_it_was_told_before_it_changed(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    account, adapter = market.accounts["alpha"], adapter_get("alpha")
    Listing.objects.update(updated_at=now() - timedelta(minutes=1))
    told_before = replace(link_for(account), answers=ToldAt(now() - timedelta(minutes=2)))
    market.alpha.listings.clear()
    account_reconcile(adapter=adapter, link=told_before, account=account)
    alpha.refresh_from_db()
    assert alpha.status == "active"
    account_reconcile(adapter=adapter, link=link_for(account), account=account)
    alpha.refresh_from_db()
    assert alpha.status == "cancelled"


class ToldAt(NoAnswers):
    """A reading that began then."""

    def __init__(self, began: datetime) -> None:
        self._began = began

    @property
    def began(self) -> datetime:
        return self._began


def test_a_sweep_that_must_wait_is_put_back_with_a_time_and_loses_no_try(market: Market) -> None:
    account = market.accounts["alpha"]
    market.alpha.script["list_all"] = [MustWait("not yet", retry_after_s=7.0)]
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key="sync:1")
    market.work()
    command = MarketplaceCommand.objects.get()
    assert (command.state, command.attempts) == (CommandState.PENDING, 0)
    assert timedelta(seconds=5) < command.not_before - now() <= timedelta(seconds=7)


@pytest.mark.parametrize("wait_s", [0.5, 30.0])
def test_a_told_sale_that_must_wait_is_read_a_moment_later_and_loses_no_try(
    market: Market, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    alpha, beta = market.published()
    sale = market.alpha.sell(alpha.external_id, (1, 2, 3, 4))
    market.alpha.script["fetch_sale"] = [MustWait("not yet", retry_after_s=wait_s)]
    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(
        understand, "enqueue_on_commit", lambda path, *, countdown_s, event_ids: sent.append((path, countdown_s))
    )
    market.webhook(sale)
    event = InboundEvent.objects.get()
    assert (event.state, event.attempts) == ("received", 0)
    assert event.not_before is not None
    assert timedelta(seconds=wait_s - 0.5) < event.not_before - now() <= timedelta(seconds=wait_s)
    assert sent == [("marketplaces.tasks.process_inbound", wait_s)]
    # Its seats are held at once; for longer than a moment nothing else may show them.
    beta.refresh_from_db()
    assert (beta.status == "active") is (wait_s < 1)
    market.process()
    assert Sale.objects.get().state == "confirmed"


@pytest.mark.parametrize("call", ["payments", "next_payment"])
def test_payouts_that_must_wait_are_read_again_by_a_job(
    market: Market, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(payouts, "enqueue_on_commit", lambda path, **told: sent.append((path, told["countdown_s"])))

    def waits(*_: object) -> object:
        raise MustWait("not yet", retry_after_s=2.0)

    monkeypatch.setattr(market.alpha, call, waits)
    accounts_sync_payouts()
    assert sent == [(POLL_PAYOUTS if call == "payments" else POLL_NEXT, 2.0)]
    assert not Alert.objects.filter(kind="account.reading").exists()
    assert MarketplaceAccount.objects.get(platform="alpha").last_error == ""
    monkeypatch.undo()
    poll_account_payouts(str(market.accounts["alpha"].pk))
    poll_account_next(str(market.accounts["alpha"].pk))


def test_the_accounts_page_tells_of_debts_and_of_a_hold(market: Market) -> None:
    account = market.accounts["alpha"]
    limit("alpha", burst=4)
    take_all(Ask(limit_bucket(account.pk), 4, 0.001, 6, overdraw=True))
    hold(limit_bucket(account.pk), 90)
    found = account_health(account).limit
    assert found.tokens_left == pytest.approx(-2, abs=0.01)
    assert 88 < found.held_s <= 90
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:account_detail", args=[account.pk])).content.decode()
    assert "-2.0 of 4" in page
    assert re.search(r"Asked to send nothing</dt><dd>for (89|90) s more", page)


def test_staff_limit_no_request_that_nobody_sends(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    staff = verified_client(User.objects.create_superuser("root@example.com", "a-long-password-1"))
    row = {
        "platform": "stubhub", "request": "GET /v2/seles", "per_second": "1", "burst": "1", "reserved": "0",
        "valid_from": "2026-01-01", "source": "their mail", "checked_on": "2026-01-01",
    }  # fmt: skip
    page = staff.post(reverse("admin:marketplaces_limitversion_add"), row).content.decode()
    assert "StubHub is sent no such request. Use one of: " in page
    assert "GET /v2/sales" in page
    staff.post(reverse("admin:marketplaces_limitversion_add"), row | {"request": "GET /v2/sales"})
    assert LimitVersion.objects.get().request == "GET /v2/sales"


def test_each_platform_names_its_paced_requests() -> None:
    for adapter in adapter_list():
        traits = adapter.traits
        assert {*traits.paces, *traits.pace_bursts, *traits.own_key} <= set(traits.requests)
        assert len(set(traits.requests)) == len(traits.requests) > 5
        assert max(map(len, traits.requests)) <= 60


@pytest.mark.parametrize("seller", ["gametime"], indirect=True)
def test_what_a_sweep_writes_is_made_of_what_is_told_just_then(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    account, adapter = seller.account, adapter_get("gametime")
    seen: list[Link] = []
    monkeypatch.setattr(adapter, "keep_alive", seen.append)
    with reading_of(account, "sweep") as answers:
        account_reconcile(adapter=adapter, link=replace(link_for(account), answers=answers), account=account)
    (link,) = seen
    # No answer of minutes ago may put into the file what was bought since.
    assert link.answers is not answers
    assert link.gate.wait_s("GET /purchases", write=False) == 0


def test_a_reading_goes_on_after_a_429_of_its_marketplace_too(holding: Holding, line: Counted) -> None:
    account = connected(holding, "stubhub")
    (listing,) = publish(holding, account, 1)
    commands_drain()
    sold(line.simulator, [Listing.objects.get(pk=listing.pk)])
    busy = {"kind": "status", "status": 429, "platform": "stubhub", "count": 1}
    control("faults", add=[busy | {"route": "/v2/payments/next"}])
    with suppress(TemporaryError), reading_of(account, "payouts") as answers:
        adapter, link = adapter_get("stubhub"), replace(link_for(account), answers=answers)
        list(adapter.payments(link, now()))
        adapter.next_payment(link)
    line.arrived.clear()
    with reading_of(account, "payouts") as answers:
        link = replace(link_for(account), answers=answers)
        list(adapter.payments(link, now()))
        adapter.next_payment(link)
    assert line.arrived == ["GET /stubhub/v2/payments/next"]


def test_a_sweep_that_goes_on_reads_its_listings_and_sales_once(
    holding: Holding, line: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, adapter = connected(holding, "stubhub"), adapter_get("stubhub")

    def waits(**_: object) -> object:
        raise MustWait("not yet", retry_after_s=1.0)

    for broken_off in (True, True, False):
        with monkeypatch.context() as patch, suppress(MustWait), reading_of(account, "sweep") as answers:
            if broken_off:
                patch.setattr(reconcile, "stock_take", waits)
            link = replace(link_for(account), answers=answers)
            account_reconcile(adapter=adapter, link=link, account=account)
    assert line.arrived == ["GET /stubhub/v2/sellerlistings", "GET /stubhub/v2/sales/recentupdates"]
