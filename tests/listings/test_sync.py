"""Polling: one bad sale or one bad account stops nobody else, is kept and told, and a 401 is tried once more."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError

from listings.models import Listing, Payout, Sale
from listings.services import sync
from listings.services.payouts import accounts_sync_payouts
from listings.services.reconcile import accounts_reconcile_due
from listings.services.sync import account_sync_sales, accounts_sync_due
from marketplaces.contracts import Grant, Link, RemotePayment, RemoteSale
from marketplaces.errors import GrantExpired, PermanentError, TemporaryError, told
from marketplaces.models import MarketplaceAccount
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.links import over_link
from marketplaces.services.understand import inbound_process
from seatsync.core.clock import now
from seatsync.core.errors import Busy
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.market import Market

pytestmark = pytest.mark.django_db


def alpha(market: Market) -> MarketplaceAccount:
    return MarketplaceAccount.objects.get(pk=market.accounts["alpha"].pk)


def due(**first: Any) -> None:
    """Every account is due, alpha first."""
    MarketplaceAccount.objects.filter(platform="alpha").update(polled_at=now() - timedelta(days=2), **first)
    MarketplaceAccount.objects.filter(platform="beta").update(polled_at=now() - timedelta(days=1))


def test_a_lost_webhook_costs_no_more_than_until_the_next_look(market: Market) -> None:
    """Whoever asks looks every fifteen seconds, and notes the time a little later than the look began."""
    moment = now()
    MarketplaceAccount.objects.update(polled_at=moment - timedelta(seconds=14))
    assert {account.platform for account in sync.accounts_due()} == {"alpha", "beta"}
    MarketplaceAccount.objects.update(polled_at=moment)
    assert sync.accounts_due() == []


def test_a_round_without_time_left_has_begun_with_who_waits_longest(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    for platform, hours in (("beta", 2), ("alpha", 1)):
        MarketplaceAccount.objects.filter(platform=platform).update(polled_at=now() - timedelta(hours=hours))
    with monkeypatch.context() as patch:
        patch.setattr(sync, "monotonic", iter([0.0, 1.0, 26.0]).__next__)
        accounts_sync_due(for_s=25.0)
    assert [bool(platform.calls) for platform in (market.beta, market.alpha)] == [True, False]
    accounts_sync_due()
    assert market.alpha.calls


def test_an_account_of_a_platform_without_an_adapter_stops_nobody_else(market: Market) -> None:
    """Neither the rounds over all accounts, nor a sale elsewhere that takes its listing down, nor their list."""
    first, second = market.published()
    MarketplaceAccount.objects.filter(platform="beta").update(platform="removed", polled_at=None)
    Listing.objects.filter(pk=second.pk).update(platform="removed")
    MarketplaceAccount.objects.filter(platform="alpha").update(polled_at=None)
    market.alpha.sell(first.external_id, (1, 2))
    assert (accounts_sync_due(), accounts_reconcile_due(), accounts_sync_payouts()) == (1, 1, 0)
    assert Sale.objects.get().state == "confirmed"
    told = bearer(market.holding.user).get("/api/v1/marketplace-accounts/")
    assert {row["platform"]: row["contract"] for row in told.json()["results"]} == {
        "alpha": "official", "removed": "unverified",
    }  # fmt: skip


@pytest.fixture
def poisoned(market: Market) -> RemoteSale:
    """Two seats sold on alpha for more than any column holds, two on beta as usual."""
    first, second = market.published()
    sold = market.alpha.sell(first.external_id, (1, 2))
    poison = market.alpha.sales[sold.sale_id] = replace(sold, gross=Decimal("999999999999.00"))
    market.beta.sell(second.external_id, (3, 4))
    due()
    return poison


def test_a_sale_that_cannot_be_applied_stops_no_other(market: Market, poisoned: RemoteSale) -> None:
    good = replace(poisoned, sale_id="good", gross=Decimal("168.00"), fees=Decimal("16.80"), proceeds=Decimal("151.20"))
    market.alpha.sales["good"] = good
    before = alpha(market).sales_synced_until
    assert accounts_sync_due() == 2
    assert set(Sale.objects.values_list("platform_sale_id", flat=True)) == {"good", "beta-1"}
    account = alpha(market)
    assert account.sales_synced_until == before
    assert poisoned.sale_id in account.last_error
    assert account.last_error_at is not None
    alerts = Alert.objects.filter(kind="account.reading", object_id=str(account.pk))
    assert market.holding.user.pk in {alert.user_id for alert in alerts}
    assert {alert.severity for alert in alerts} == {"action"}


def test_the_next_poll_reads_it_again_and_closes_the_alert(
    market: Market, poisoned: RemoteSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    real = market.alpha.sales_since

    def noted(link: Link, since: datetime) -> Iterator[RemoteSale]:
        asked.append(since)
        return real(link, since)

    monkeypatch.setattr(market.alpha, "sales_since", noted)
    accounts_sync_due()
    market.alpha.sales[poisoned.sale_id] = replace(
        poisoned, gross=Decimal("168.00"), fees=Decimal("16.80"), proceeds=Decimal("151.20")
    )
    due()
    assert accounts_sync_due() == 2
    assert asked[0] == asked[1]
    account = alpha(market)
    assert (account.last_error, account.last_error_at) == ("", None)
    assert not Alert.objects.filter(kind="account.reading").exclude(state="recovered").exists()


def test_a_lock_that_was_not_had_needs_nobody(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = market.published()
    market.alpha.sell(first.external_id, (1, 2))
    before = alpha(market).sales_synced_until

    def busy(**_: Any) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(sync, "sale_apply", busy)
    assert account_sync_sales(account=alpha(market)) == 0
    assert alpha(market).sales_synced_until == before
    assert not Alert.objects.filter(kind="account.reading").exists()


def test_what_somebody_else_is_changing_is_no_trouble_of_the_account(market: Market) -> None:
    def busy() -> int:
        raise Busy("Somebody else is changing this payout.")

    assert sync.account_contained(alpha(market), "payouts", busy) is None
    assert alpha(market).last_error == ""
    assert not Alert.objects.filter(kind="account.reading").exists()


@pytest.mark.parametrize("error", [PermanentError("422"), ZeroDivisionError("a fault of our own")])
def test_an_account_that_cannot_be_read_stops_no_other(market: Market, error: Exception) -> None:
    _, second = market.published()
    market.beta.sell(second.external_id, (3, 4))
    market.alpha.script["sales_since"] = [error]
    due()
    assert accounts_sync_due() == 1
    assert alpha(market).last_error == told(error)
    assert Alert.objects.filter(kind="account.reading", user_id=market.holding.user.pk).count() == 1


@pytest.mark.parametrize(("minutes", "alerts"), [(14, 0), (16, 1)])
def test_a_marketplace_that_is_away_is_told_when_it_stays_away(market: Market, minutes: int, alerts: int) -> None:
    market.alpha.script["sales_since"] = [TemporaryError("503")]
    due(sales_synced_until=now() - timedelta(minutes=minutes))
    accounts_sync_due()
    assert alpha(market).last_error == "503"
    assert Alert.objects.filter(kind="account.reading", user_id=market.holding.user.pk).count() == alerts


def test_a_reading_that_fails_is_no_sync(market: Market) -> None:
    accounts_sync_due()
    before = alpha(market).last_sync_at
    assert before is not None
    market.alpha.script["sales_since"] = [TemporaryError("503")]
    due()
    accounts_sync_due()
    after = alpha(market)
    assert (after.last_sync_at, after.polled_at is not None and after.polled_at > before) == (before, True)


# ---- a 401, wherever something is read


def poll(market: Market) -> bool:
    accounts_sync_due()
    return Sale.objects.exists()


def read_back(market: Market) -> bool:
    account = market.accounts["alpha"]
    (sale,) = market.alpha.sales.values()
    inbox_receive(
        platform="alpha", account_id=account.pk, headers={"Authorization": account.webhook_secret},
        body=f"sale|{sale.sale_id}|{sale.external_id}".encode(),
    )  # fmt: skip
    inbound_process(event_id=account.inbound.get().pk)
    return Sale.objects.exists()


def pay(market: Market) -> bool:
    accounts_sync_payouts()
    return Payout.objects.exists()


READINGS = [(poll, "sales_since"), (read_back, "fetch_sale"), (pay, "payments")]


@pytest.fixture
def refreshed(market: Market, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The market with one sale and one payment, and the tokens that were refreshed."""
    first, _ = market.published()
    market.alpha.sell(first.external_id, (1, 2))
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("0.00"), "USD")]
    MarketplaceAccount.objects.filter(platform="beta").update(is_active=False)
    due()
    spent: list[str] = []

    def refresh(link: Link) -> Grant:
        spent.append(link.grant.access_token)
        return Grant(f"new-{len(spent)}")

    monkeypatch.setattr(market.alpha, "refresh", refresh)
    return spent


@pytest.mark.parametrize(("read", "call"), READINGS)
def test_a_401_is_answered_by_one_refresh(
    market: Market, refreshed: list[str], read: Callable[[Market], bool], call: str
) -> None:
    market.alpha.script[call] = [GrantExpired("401")]
    assert read(market)
    assert refreshed == ["token"]
    account = alpha(market)
    assert (account.access_token, account.needs_reconnect) == ("new-1", False)
    assert not Alert.objects.filter(kind="account.reconnect").exists()


@pytest.mark.parametrize(("read", "call"), READINGS)
@pytest.mark.parametrize("refusal", ["of the fresh grant", "of the refresh"])
def test_a_second_401_asks_the_holder_once(
    market: Market, refreshed: list[str], read: Callable[[Market], bool], call: str, refusal: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if refusal == "of the refresh":
        monkeypatch.setattr(market.alpha, "refresh", Mock(side_effect=GrantExpired("invalid_grant")))
    market.alpha.script[call] = [GrantExpired("401")] * 9
    assert not read(market)
    account = alpha(market)
    assert account.needs_reconnect
    assert account.last_error.startswith("The grant has ended")
    assert Alert.objects.get(kind="account.reconnect").count == 1
    calls = len(market.alpha.calls)
    due()
    accounts_sync_due()
    accounts_sync_payouts()
    assert len(market.alpha.calls) == calls


def test_a_grant_that_was_renewed_meanwhile_is_not_given_up(market: Market) -> None:
    tokens = iter(("by-hand-1", "by-hand-2"))

    def call(_: Link) -> None:
        row = alpha(market)
        row.access_token = next(tokens)
        row.save()
        raise GrantExpired("401")

    with pytest.raises(GrantExpired):
        over_link(alpha(market), call)
    assert (alpha(market).needs_reconnect, alpha(market).access_token) == (False, "by-hand-2")


def test_one_bad_payout_stops_no_other(market: Market) -> None:
    bad = RemotePayment("P-1", now(), Decimal("999999999999.00"), "USD")
    market.alpha.paid = [bad, RemotePayment("P-2", now(), Decimal("0.00"), "USD")]
    assert accounts_sync_payouts() == 1
    assert Payout.objects.get().reference == "P-2"
    assert alpha(market).last_error_at is not None
    assert Alert.objects.filter(kind="account.reading", user_id=market.holding.user.pk).count() == 1
    market.alpha.paid = [replace(bad, net=Decimal("0.00"))]
    assert accounts_sync_payouts() == 1
    assert not Alert.objects.filter(kind="account.reading").exclude(state="recovered").exists()
