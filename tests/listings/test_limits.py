"""One token for each request, whoever sends it: commands, polls, payouts and sweeps together keep to a limit.

Against the simulated platforms, through the real adapters.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import redis
from django.test import Client
from django.urls import reverse

from listings.health import account_health
from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale
from listings.services import outbox
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.outbox import carry_out, command_claim, commands_drain
from listings.services.payouts import accounts_sync_payouts
from listings.services.sale_saga import sale_apply
from marketplaces.adapters import _wire
from marketplaces.contracts import Grant, Link, RemoteSaleState
from marketplaces.errors import MustWait
from marketplaces.models import LimitVersion, MarketplaceAccount, Mode
from marketplaces.registry import adapter_get, adapter_keys, adapter_list
from marketplaces.selectors import DAY_S, Pace, limit_bucket, request_bucket
from marketplaces.services import limits, links
from marketplaces.services.connect import account_keep, connect_token
from marketplaces.services.limits import AccountGate, Errand
from marketplaces.services.links import link_for
from marketplaces.simulator.app import Simulator
from seatsync.accounts.models import User
from seatsync.core import limiters
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput
from seatsync.core.limiters import Ask, hold, look, take_all, valkey
from tests.builders import Holding, browser, verified_client
from tests.listings.limited import (
    STANDS,
    Counted,
    asked_for,
    due_now,
    everything,
    limit,
    limit_used,
    publish,
    refill,
    sold,
)
from tests.listings.selling import Seller, connected
from tests.listings.simulated import control
from tests.market import Market

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("platform", ["seatgeek", "vividseats", "gametime"])
def test_who_is_connecting_takes_tokens_whatever_keys_he_tries(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    counted = Counted(simulator)
    monkeypatch.setattr(links, "transport_override", counted)
    valkey().flushdb()
    LimitVersion.objects.create(
        platform=platform, per_second=STANDS, burst=3, reserved=1, valid_from=now().date(), source="test",
        checked_on=now().date(),
    )  # fmt: skip
    said = []
    for number in range(4):
        with pytest.raises(InvalidInput) as refused:
            connect_token(actor=holding.actor, platform=platform, mode=Mode.PAPER, token=f"wrong-{number}")
        said.append("as many requests were sent as may be" in str(refused.value))
    assert (said, len(counted.arrived)) == ([False, False, False, True], 3)
    # Nobody else waits for him.
    with pytest.raises(InvalidInput, match="refuses this token"):
        connect_token(actor=holding.other, platform=platform, mode=Mode.PAPER, token="wrong")


def test_who_connects_an_account_anew_takes_that_accounts_tokens(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(holding, "seatgeek")
    valkey().flushdb()
    counted = Counted(simulator)
    monkeypatch.setattr(links, "transport_override", counted)
    with pytest.raises(InvalidInput, match="refuses this token"):
        connect_token(actor=holding.actor, platform="seatgeek", mode=Mode.PAPER, token="wrong")
    assert (len(counted.arrived), asked_for(account)) == (1, 1)


def test_a_webhook_that_is_registered_takes_its_tokens(
    holding: Holding, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = control("accounts", platform="stubhub")
    counted = Counted(simulator)
    monkeypatch.setattr(links, "transport_override", counted)
    valkey().flushdb()
    grant = Grant(made["access_token"], made["refresh_token"], account_id=made["account_id"])
    account = account_keep(actor=holding.actor, platform="stubhub", mode="paper", grant=grant, empty=True)
    assert account.webhook_id
    assert len(counted.arrived) == asked_for(account) > 0


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


def asked_for_in(pace: Pace, spans: Iterable[float]) -> list[int]:
    """How many go in each of these spans of seconds, one after the other, by a day's quota that was untouched."""
    assert pace.day_bucket is not None
    at_once, per_second = pace.day_bucket
    tokens, went = float(at_once), list[int]()
    for span in spans:
        went.append(int(tokens))
        tokens = min(at_once, tokens - went[-1] + span * per_second)
    return went


@pytest.mark.parametrize("per_day", [2, 3, 5_000])
def test_no_24_hours_have_more_than_a_days_quota(per_day: int) -> None:
    """Whoever waits for a whole bucket and spends it at once, or takes each token as it comes."""
    hour = DAY_S / 24
    for step in (hour, hour / 4, DAY_S / 2):
        went = asked_for_in(Pace(1.0, 1, per_day), [step] * int(3 * DAY_S / step))
        a_day = int(DAY_S / step)
        assert max(sum(went[first : first + a_day]) for first in range(len(went) - a_day)) <= per_day
    assert sum(asked_for_in(Pace(1.0, 1, per_day), [hour] * 25)) in {per_day - 1, per_day}


@pytest.mark.usefixtures("paces")
def test_a_days_quota_holds_its_kind_alone_and_all_accounts_together(holding: Holding, line: Counted) -> None:
    account = connected(holding, "ticketmaster")
    kind = "/discovery/v2"
    LimitVersion.objects.create(
        platform="ticketmaster", request=kind, per_second=100, burst=100, reserved=0, per_day=4,
        valid_from=now().date(), source="their mail", checked_on=now().date(),
    )  # fmt: skip
    gates = [AccountGate(account, Errand(reads=True)) for _ in range(2)]
    waits = [gates[number % 2].wait_s(kind, write=False) for number in range(3)]
    # Two at once, of one key; the third when half a day is half over.
    assert waits[:2] == [0, 0]
    assert DAY_S / 2 - 60 < waits[2] <= DAY_S / 2
    assert gates[0].wait_s("GET /orders", write=False) == 0
    (shown,) = [one for one in account_health(account).requests if one.request == kind]
    assert (shown.per_day, round(shown.day_left or 0, 2), round(shown.tokens_left) > 90) == (4, 0, True)
    assert DAY_S / 2 - 60 < shown.next_s <= DAY_S / 2
    page = browser().get(reverse("listings:account_detail", args=[account.pk])).text
    assert "4 a day, 0 at once now" in page


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


@pytest.mark.usefixtures("paces", "line")
def test_of_a_backlog_whose_kind_must_wait_one_is_looked_at_and_one_message_wakes(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(holding, "vividseats")
    (first,) = publish(holding, account, 1)
    commands_drain()
    limit("vividseats", burst=1, request="/listings/v2/create")
    publish(holding, account, 3, first=1)
    command_write(listing=first, kind=CommandKind.REPRICE, key="price:1")
    wakes: list[float] = []
    monkeypatch.setattr(outbox, "outbox_wake", lambda *, urgent=False, after_s=0.0: wakes.append(after_s))
    commands_drain()
    creates = MarketplaceCommand.objects.filter(kind=CommandKind.CREATE, state=CommandState.PENDING)
    assert creates.filter(last_error="its marketplace takes so many of these at a time").count() == 1
    assert len([after_s for after_s in wakes if after_s > 600]) == 1
    assert MarketplaceCommand.objects.get(idempotency_key="price:1").state == "done"
    # Each is looked at again when there may be a token: none is forgotten.
    commands_drain()
    assert creates.filter(last_error="its marketplace takes so many of these at a time").count() == 2


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


def test_the_accounts_page_tells_of_debts_and_of_a_hold(market: Market) -> None:
    account = market.accounts["alpha"]
    limit("alpha", burst=4)
    take_all(Ask(limit_bucket(account.pk), 4, 0.001, 6, overdraw=True))
    hold(limit_bucket(account.pk), 90)
    found = limit_used(account)
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
    for quota, says in (({"request": ""}, "Name the request"), ({"request": "GET /v2/sales"}, "2 or more")):
        refused = staff.post(reverse("admin:marketplaces_limitversion_add"), row | quota | {"per_day": "1"})
        assert (says in refused.text, LimitVersion.objects.count()) == (True, 0)
    row |= {"request": "GET /v2/sales", "per_day": "5000"}
    staff.post(reverse("admin:marketplaces_limitversion_add"), row)
    assert (LimitVersion.objects.get().request, LimitVersion.objects.get().per_day) == ("GET /v2/sales", 5_000)


def test_each_platform_names_its_paced_requests() -> None:
    for adapter in adapter_list():
        traits = adapter.traits
        assert {*traits.paces, *traits.pace_bursts, *traits.own_key} <= set(traits.requests)
        assert {*traits.pace_bursts, *traits.day_quotas} <= set(traits.paces)
        # A 429 that our own key met holds nobody's listings.
        assert traits.own_key <= set(traits.paces)
        assert len(set(traits.requests)) == len(traits.requests) > 5
        assert max(map(len, traits.requests)) <= 60


def test_what_a_buyer_waits_for_may_take_tokens_that_prices_and_readings_may_not(market: Market) -> None:
    alpha, _ = market.published()
    account = market.accounts["alpha"]
    limit("alpha", burst=6, reserved=3)
    take_all(Ask(limit_bucket(account.pk), 6, 0.001, 3))
    sale = market.alpha.sell(alpha.external_id, (1,), state=RemoteSaleState.AWAITING_CONFIRM)
    sale_apply(account=account, remote=sale)
    command_write(listing=alpha, kind=CommandKind.REPRICE, key="price:1")
    waiting = limit_used(account).waiting
    commands_drain()
    states = dict(MarketplaceCommand.objects.filter(idempotency_key="price:1").values_list("kind", "state"))
    states |= dict(MarketplaceCommand.objects.filter(kind=CommandKind.CONFIRM_SALE).values_list("kind", "state"))
    # Three are left: two are for what comes down, and one is taken.
    assert states == {"reprice": "pending", "confirm_sale": "done"}
    assert waiting == 1
    assert 2 <= look(limit_bucket(account.pk), capacity=6, per_second=0.001).tokens_left < 2.1


@pytest.mark.parametrize(("platform", "each"), [("stubhub", 1), ("seatgeek", 2)])
def test_a_backlog_uses_all_that_the_limit_allows(holding: Holding, line: Counted, platform: str, each: int) -> None:
    account = connected(holding, platform)
    publish(holding, account, 1)
    commands_drain()
    limit(platform, burst=4, reserved=2)
    publish(holding, account, 3, first=1)
    valkey().flushdb()
    line.arrived.clear()
    sent = []
    for _ in range(3):
        due_now()
        commands_drain()
        sent.append(len(line.arrived))
        refill(account, each)
    # Two at once, but for what is kept back, and then whatever comes in.
    assert sent == [2, 2 + each, min(2 + 2 * each, 3 * each)]
