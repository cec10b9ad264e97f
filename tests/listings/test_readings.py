"""Long readings that a limit breaks off go on where they were; nothing that was begun is lost, and no try either."""

import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import time_machine

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale
from listings.services import payouts, reconcile
from listings.services.commands import command_write
from listings.services.outbox import commands_drain
from listings.services.payouts import accounts_sync_payouts
from listings.services.reconcile import account_reconcile
from listings.services.sync import account_poll
from listings.services.wake import POLL_NEXT, POLL_PAYOUTS
from listings.tasks import poll_account_next, poll_account_payouts
from marketplaces.contracts import Link
from marketplaces.errors import MustWait, TemporaryError
from marketplaces.models import InboundEvent, MarketplaceAccount
from marketplaces.registry import adapter_get
from marketplaces.selectors import limit_bucket
from marketplaces.services import understand
from marketplaces.services.links import link_for
from marketplaces.services.reading import KEPT_FOR, reading_of
from seatsync.core.clock import now
from seatsync.core.limiters import valkey
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.limited import Counted, ToldAt, limit, publish, refill, sold
from tests.listings.selling import Seller, connected
from tests.listings.simulated import control
from tests.market import Market

pytestmark = pytest.mark.django_db


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
    sent: list[tuple[str, float, bool]] = []

    def keep(path: str, *, countdown_s: float, one_waits: bool, event_ids: list[str]) -> None:
        sent.append((path, countdown_s, one_waits))

    monkeypatch.setattr(understand, "enqueue_on_commit", keep)
    market.webhook(sale)
    event = InboundEvent.objects.get()
    assert (event.state, event.attempts) == ("received", 0)
    assert event.not_before is not None
    assert timedelta(seconds=wait_s - 0.5) < event.not_before - now() <= timedelta(seconds=wait_s)
    assert sent == [("marketplaces.tasks.process_inbound", wait_s, True)]
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
