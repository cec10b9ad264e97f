"""An account's health: the figures of its page, of the API and of the bucket are the same real ones."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.test import TestCase
from django.urls import reverse

from listings.health import account_health
from listings.models import AccountSweep, CommandKind, Listing, MarketplaceCommand
from listings.services.commands import command_write
from marketplaces.contracts import Capability
from marketplaces.models import InboundEvent, LimitVersion, MarketplaceAccount, Mode
from marketplaces.proofs import secret_given
from marketplaces.selectors import limit_bucket, request_bucket
from marketplaces.services.connect import account_leave
from seatsync.core.clock import now
from seatsync.core.limiters import hold, look, take_counted
from seatsync.live.models import LiveEvent
from tests.builders import browser
from tests.hands import take
from tests.listings.limited import limit_used
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

pytestmark = pytest.mark.django_db


def page(market: Market, who: str = "owner", **query: str) -> str:
    url = reverse("listings:account_detail", args=[market.accounts["alpha"].pk])
    return browser(who).get(url, query).content.decode()


def narrow(*, per_second: str = "0.001", burst: int = 4, reserved: int = 2) -> None:
    """So slow that no token comes back while a test runs."""
    LimitVersion.objects.create(
        platform="alpha", per_second=per_second, burst=burst, reserved=reserved, valid_from="2024-01-01",
        source="test", checked_on="2024-01-01",
    )  # fmt: skip


def swept(market: Market) -> AccountSweep:
    account = market.accounts["alpha"]
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{now().timestamp()}")
    market.work()
    return AccountSweep.objects.get(account=account)


def settled(market: Market) -> Listing:
    """A listing on Alpha that was changed longer ago than a sweep leaves alone."""
    alpha, _ = market.published(market.holding.seats[:2])
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    return alpha


def test_a_sweep_keeps_what_it_found_and_when_a_listing_was_as_we_want_it(market: Market) -> None:
    alpha = settled(market)
    first = swept(market)
    assert (first.shown, first.drift) == (1, {})
    before = Listing.objects.get(pk=alpha.pk)
    assert before.confirmed_at == first.began_at
    assert before.version == alpha.version
    market.alpha.listings[alpha.external_id] = replace(market.alpha.listings[alpha.external_id], price=alpha.price + 5)
    second = swept(market)
    assert AccountSweep.objects.count() == 1
    assert second.drift == {"wrong_price": {"count": 1, "ids": [before.listing_id]}}
    assert Listing.objects.get(pk=alpha.pk).confirmed_at == before.confirmed_at
    assert "<strong>1</strong> had another price: ours is sent again" in page(market)


def test_an_open_page_hears_of_a_sweep(market: Market) -> None:
    settled(market)
    with TestCase.captureOnCommitCallbacks(execute=True):
        swept(market)
    told = LiveEvent.objects.filter(type="account.changed", user_id=market.holding.user.pk)
    assert told.latest("seq").object_id == str(market.accounts["alpha"].pk)


def test_the_limits_use_is_the_buckets_own(market: Market) -> None:
    # A publication is one request where nothing is asked about its event first.
    market.alpha.lacks = frozenset({Capability.CONSTRAINTS})
    narrow()
    account = market.accounts["alpha"]
    for listing in market.publish(market.holding.seats[:1]), market.publish(market.holding.seats[1:2]):
        assert listing
    market.publish(market.holding.seats[2:3])
    market.work()
    limit = limit_used(account)
    # Four tokens, two of them kept for taking down: of three publications one waits.
    assert (limit.burst, limit.reserved, limit.waiting) == (4, 2, 1)
    assert 2 <= limit.tokens_left < 2.1
    assert limit.used_per_second == pytest.approx(2 / 60)
    assert limit.waits >= 1
    assert limit.percent == round(100 * (2 / 60) / 0.001)
    assert "2.0 of 4" in page(market)
    assert "1 command" in page(market)


def test_a_limit_of_single_requests_is_its_buckets_own_too(market: Market) -> None:
    """Of one kind so many and no more: whoever waits for it sees that, however many tokens his account has left."""
    market.alpha.lacks = frozenset({Capability.CONSTRAINTS})
    account = market.accounts["alpha"]
    assert account_health(account).requests == []
    assert "a limit of its own" not in page(market)
    LimitVersion.objects.create(
        platform="alpha", request="create", per_second="0.01", burst=2, reserved=0, valid_from="2024-01-01",
        source="test", checked_on="2024-01-01",
    )  # fmt: skip
    for first in range(3):
        market.publish(market.holding.seats[first : first + 1])
    market.work()
    assert len(market.alpha.shown()) == 2
    (one,) = account_health(account).requests
    assert (one.request, one.per_second, one.burst, one.shared) == ("create", 0.01, 2, False)
    assert 0 <= one.tokens_left < 0.1
    assert one.used_per_second == pytest.approx(2 / 60)
    assert one.waits >= 1
    assert 90 < one.next_s <= 100
    assert limit_used(account).tokens_left > 9_000
    shown = page(market)
    assert "1 kind of request has a limit of its own" in shown
    (row,) = re.findall(r'<tr data-request="create">.*?</tr>', shown, re.DOTALL)
    assert "2 at once, then one every 100 s" in row
    assert re.search(r"in (?:9\d|100)(?:\.\d)? s", row)
    hold(request_bucket(account.pk, "alpha", "create", paper=True), 600)
    (held,) = account_health(account).requests
    assert 590 < held.held_s <= 600 == round(held.next_s)


def test_what_takes_down_waits_only_where_no_token_is_left(market: Market) -> None:
    market.published(market.holding.seats[:1])
    narrow(burst=3, reserved=2)
    account = market.accounts["alpha"]
    bucket = limit_bucket(account.pk)
    while look(bucket, capacity=3, per_second=0.001).tokens_left >= 2:
        take_counted(bucket, capacity=3, per_second=0.001)
    (listing,) = Listing.objects.filter(platform="alpha")
    command_write(listing=listing, kind=CommandKind.REPRICE, key="r")
    command_write(listing=listing, kind=CommandKind.DELIST, key="d")
    assert limit_used(account).waiting == 1
    take_counted(bucket, capacity=3, per_second=0.001)
    assert limit_used(account).waiting == 2


def test_looking_takes_nothing(market: Market) -> None:
    bucket = limit_bucket(market.accounts["alpha"].pk)
    assert look(bucket, capacity=2, per_second=0.001).tokens_left == 2
    assert take_counted(bucket, capacity=2, per_second=0.001).granted
    seen = [look(bucket, capacity=2, per_second=0.001) for _ in range(3)]
    assert {(use.granted, use.waited) for use in seen} == {(1, 0)}
    take_counted(bucket, capacity=2, per_second=0.001)
    assert not take_counted(bucket, capacity=2, per_second=0.001).granted
    assert (look(bucket, capacity=2, per_second=0.001).granted, look(bucket, capacity=2, per_second=0.001).waited) == (
        2,
        1,
    )


def test_commands_are_counted_by_state_and_old_ones_no_more(market: Market) -> None:
    market.published(market.holding.seats[:1])
    account = market.accounts["alpha"]
    listing = Listing.objects.get(platform="alpha")
    for state in ("pending", "needs_person", "needs_person", "superseded"):
        MarketplaceCommand.objects.create(
            tenant_id=account.tenant_id, account=account, listing=listing, kind="reprice", state=state,
            idempotency_key=f"{state}{MarketplaceCommand.objects.count()}", not_before=now(), finished_at=now(),
        )  # fmt: skip
    MarketplaceCommand.objects.create(
        tenant_id=account.tenant_id, account=account, listing=listing, kind="reprice", state="done",
        idempotency_key="old", not_before=now(), finished_at=now() - timedelta(hours=25),
    )  # fmt: skip
    counted = account_health(account).commands
    assert (counted.pending, counted.in_flight, counted.needs_person, counted.done, counted.superseded) == (
        1,
        0,
        2,
        1,
        1,
    )


def received(account: MarketplaceAccount, key: str, *, took_ms: int | None, **changes: Any) -> InboundEvent:
    at = changes.pop("received_at", now() - timedelta(minutes=10))
    done = None if took_ms is None else at + timedelta(milliseconds=took_ms)
    wanted: dict[str, Any] = {"state": "done" if done else "received", **changes}
    return InboundEvent.objects.create(
        tenant_id=account.tenant_id, account=account, dedupe_key=key, kind="sale", topic="sale", body_encrypted=b"",
        headers_encrypted=b"", received_at=at, processed_at=done, **wanted,
    )  # fmt: skip


def test_what_came_in_is_told_with_its_latency_over_what_nobody_replayed(market: Market) -> None:
    account = market.accounts["alpha"]
    for number in range(1, 21):
        received(account, f"n{number}", took_ms=100 * number, duplicates=number % 2)
    received(account, "replayed", took_ms=900_000, replays=1)
    received(account, "old", took_ms=900_000, received_at=now() - timedelta(hours=25))
    received(account, "failed", took_ms=None, state="failed", received_at=now() - timedelta(days=3))
    received(account, "waits", took_ms=None)
    received(market.accounts["beta"], "elsewhere", took_ms=7)
    inbox = account_health(account).inbox
    assert (inbox.received, inbox.duplicates, inbox.n, inbox.waiting, inbox.failed) == (22, 10, 20, 1, 1)
    assert (inbox.p50_ms, inbox.p95_ms) == (1050, 1905)
    shown = page(market)
    assert "1.1 s" in shown or "1.0 s" in shown
    assert "(n 20)" in shown
    assert "Try all 1 again" in shown


def test_nothing_is_shown_as_a_figure_where_nothing_came(market: Market) -> None:
    shown = page(market)
    assert "none yet" in shown
    assert "Nothing has come yet." in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"webhook_id": "h-1"}, "Registered there"),
        ({"mode": "live"}, "support registers it: give them the address and the secret"),
        ({}, "Told to the practice marketplace when you connected it"),
        ({"needs_reconnect": True}, "Its permission has ended"),
        ({"last_error": "503 busy"}, "503 busy"),
        ({"rejected_webhooks": 7}, "7 refused so far"),
    ],
)
def test_the_page_says_how_it_stands(market: Market, changes: dict[str, Any], words: str) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(**changes)
    assert words in page(market)


def test_the_page_says_all_else_while_nobody_counts_the_requests(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr("listings.health.look", away)
    MarketplaceAccount.objects.filter(platform="alpha").update(last_error="503 busy")
    told = page(market)
    assert ("503 busy" in told, "How much is used is not known" in told) == (True, True)
    assert account_health(market.accounts["alpha"]).limit is None


@pytest.mark.parametrize(("made_here", "shown"), [(True, True), (False, False)])
def test_whoever_has_the_webhook_registered_by_support_is_told_what_proves_it(
    market: Market, monkeypatch: pytest.MonkeyPatch, made_here: bool, shown: bool
) -> None:
    """Without the secret a live account's deliveries would all be refused: nobody but us knows what we made up."""
    traits = replace(market.alpha.traits, webhook_secret_is_token=not made_here)
    monkeypatch.setattr(ScriptedPlatform, "traits", property(lambda _: traits))
    account = market.accounts["alpha"]
    assert "secret-alpha" not in page(market)
    MarketplaceAccount.objects.filter(pk=account.pk).update(mode="live")
    told = page(market)
    assert ("secret-alpha" in told) is shown
    assert ("the account's own API token" in told) is not shown
    if shown:
        # It is what a delivery has to carry.
        (secret,) = re.findall(r'id="hook-secret"[^>]*value="([^"]+)"', told)
        kept = MarketplaceAccount.objects.get(pk=account.pk).webhook_secret
        assert secret_given({"authorization": f"Bearer {secret}"}, kept)
    # Support sees the account, and not what proves its webhooks.
    support = page(market, "staff")
    assert "secret-alpha" not in support
    assert "hook-url" in support


def test_the_page_is_its_holders_alone_and_linked_from_the_accounts(market: Market) -> None:
    url = reverse("listings:account_detail", args=[market.accounts["alpha"].pk])
    assert f'href="{url}"' in browser().get(reverse("marketplaces:account_list")).content.decode()
    for who in ("other", "outsider", "co"):
        assert browser(who).get(url).status_code == 404
    assert "secret-alpha" not in page(market)


def test_support_sees_an_account_by_hand_without_what_its_mails_are_forwarded_with(market: Market) -> None:
    account = market.accounts["alpha"]
    account_leave(actor=market.holding.actor, account_id=account.pk)
    secret = MarketplaceAccount.objects.get(pk=account.pk).webhook_secret
    url = reverse("listings:hand_account", args=[account.pk])
    assert secret in browser().get(url).text
    support = browser("staff").get(url)
    assert (support.status_code, secret in support.text) == (200, False)


def test_an_open_page_fetches_its_parts_alone(market: Market) -> None:
    url = reverse("listings:account_detail", args=[market.accounts["alpha"].pk])
    parts = {
        target: browser().get(url, headers={"HX-Request": "true", "HX-Target": target}).content.decode()
        for target in ("account-now", "account-rest")
    }
    assert "Request limit" in parts["account-now"]
    assert "Webhooks" not in parts["account-now"]
    assert "Webhooks" in parts["account-rest"]
    assert "<h1>" not in parts["account-rest"] + parts["account-now"]


def test_bad_input_shows_everything(market: Market) -> None:
    received(market.accounts["alpha"], "a", took_ms=5)
    assert page(market, state="nonsense").count("data-row") == 1
    assert page(market, state="failed").count("data-row") == 0
    assert browser().get("/settings/connections/not-an-id/").status_code == 404


def test_an_account_by_hand_says_that_nobody_reads_it(market: Market) -> None:
    account = market.accounts["alpha"]
    assert health_of(account)[:2] == ("practice", 10)
    assert {"Request limit", "s or so"} <= set(re.findall("Request limit|Limit used|s or so", page(market)))
    account.mode = Mode.ASSISTED
    account.save()
    assert health_of(account) == ("none", 0, False)
    shown = page(market)
    assert shown.count("its holder says what happens there") == 2
    assert not re.search("Request limit|Limit used|s or so|sends none|Last sync|last sync|webhook|Webhook|sweep", shown)
    assert ("Last mail" in shown, "Nothing is read back there: what its holder says" in shown) == (True, True)


def test_of_an_account_that_was_left_no_webhook_of_before_counts_as_a_mail(market: Market) -> None:
    account, before = market.accounts["alpha"], now() - timedelta(days=3)
    received(account, "a", took_ms=5)
    assert "Last webhook" in page(market)
    MarketplaceAccount.objects.filter(pk=account.pk).update(last_webhook_at=before, last_sync_at=before)
    account_leave(actor=market.holding.actor, account_id=account.pk)
    connections = reverse("marketplaces:account_list")
    for text in (page(market), row_of("Alpha", browser().get(connections).text)):
        assert ("3 d ago" in text, "never" in text) == (False, True)
    with time_machine.travel(now() - timedelta(hours=2)):
        take(market, account, b"hello")
    for text in (page(market), row_of("Alpha", browser().get(connections).text)):
        assert "2 h ago" in text


def row_of(name: str, text: str) -> str:
    """The row of an account in the table of all."""
    rows: list[str] = re.findall("<tr data-row.*?</tr>", text, re.DOTALL)
    (row,) = [row for row in rows if name in row]
    return row


def health_of(account: MarketplaceAccount) -> tuple[str, int, bool]:
    health = account_health(account)
    return health.webhook, health.poll_s, health.sweeps
