"""A poll applies what is news, costs the same whatever else there is, and one round at a time reads an account."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from listings.models import Sale, SaleState
from listings.services import sync
from listings.services.sale_known import sales_new
from listings.services.sale_saga import sale_apply
from listings.services.sync import account_sync_sales, accounts_sync_due
from marketplaces.contracts import RemoteSale, RemoteSaleState
from marketplaces.errors import TemporaryError
from marketplaces.models import MarketplaceAccount
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


def sold(market: Market, count: int = 4) -> list[RemoteSale]:
    alpha, _ = market.published()
    return [market.alpha.sell(alpha.external_id, (number,)) for number in range(1, count + 1)]


def test_a_poll_that_brings_no_news_costs_the_same_for_one_sale_and_for_four(market: Market) -> None:
    account = market.accounts["alpha"]
    (first, *rest) = sold(market)
    for remote in rest:
        del market.alpha.sales[remote.sale_id]
    counts = []
    for _ in range(2):
        account_sync_sales(account=account)
        with CaptureQueriesContext(connection) as queries:
            account_sync_sales(account=account)
        # Limits and policies are kept for some seconds, which they are not here.
        counts.append(sum("_versions" not in query["sql"] for query in queries))
        market.alpha.sales |= {remote.sale_id: remote for remote in rest}
    assert counts[0] == counts[1] <= 5
    assert Sale.objects.filter(state=SaleState.CONFIRMED).count() == 4
    assert first.sale_id in set(Sale.objects.values_list("platform_sale_id", flat=True))


@pytest.mark.parametrize(
    "change",
    [
        {"state": RemoteSaleState.IN_DELIVERY, "remote_status": "on its way"},
        {"state": RemoteSaleState.CANCELLED, "remote_status": "cancelled"},
        {"remote_status": "another word for the same"},
        {"gross": Decimal("90.00"), "proceeds": Decimal("81.60")},
        {"ship_by": now() + timedelta(days=3)},
        {"confirm_by": now() + timedelta(days=1)},
        {"seats": ("2",)},
        {"state": RemoteSaleState.AWAITING_CONFIRM},
        {"state": RemoteSaleState.UNKNOWN, "remote_status": "?"},
    ],
)  # fmt: skip
def test_whatever_a_marketplace_changes_is_news(market: Market, change: dict[str, Any]) -> None:
    (remote,) = sold(market, 1)
    account = market.accounts["alpha"]
    sale_apply(account=account, remote=remote)
    assert sales_new(account, [remote]) == []
    assert sales_new(account, [replace(remote, **change)]) == [replace(remote, **change)]


def test_a_sale_that_waits_for_a_person_is_judged_anew_each_time(market: Market) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1,), tell_seats=False)
    account = market.accounts["alpha"]
    assert sale_apply(account=account, remote=remote).state == SaleState.NEEDS_PERSON
    assert sales_new(account, [remote]) == [remote]


def test_what_was_read_before_the_reading_broke_off_is_applied(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    sales = sold(market, 2)

    def breaks(*_: object) -> Iterator[RemoteSale]:
        yield sales[0]
        raise TemporaryError("busy")

    monkeypatch.setattr(type(market.alpha), "sales_since", breaks)
    with pytest.raises(TemporaryError):
        account_sync_sales(account=market.accounts["alpha"])
    assert list(Sale.objects.values_list("platform_sale_id", flat=True)) == [sales[0].sale_id]


def test_two_rounds_at_once_read_an_account_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    MarketplaceAccount.objects.update(polled_at=None)
    due = sync.accounts_due()
    monkeypatch.setattr(sync, "accounts_due", lambda: due)
    accounts_sync_due()
    accounts_sync_due()
    assert [call for call, _ in market.alpha.calls] == ["sales_since"]
