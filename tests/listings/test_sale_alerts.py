"""What was said of a sale stays open for as long as it is so, and no longer; it is over, not acknowledged."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Sale, SaleState
from listings.services.payouts import account_sync_payouts
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_read
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSaleState
from marketplaces.errors import TemporaryError
from seatsync.core.clock import now
from seatsync.live.alerts import alert_acknowledge
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def told(market: Market, kind: str) -> Alert:
    """The newest alert of a kind that the holder has."""
    return Alert.objects.filter(kind=kind, user_id=market.holding.user.pk).latest("raised_at")


def over(alert: Alert) -> bool:
    """Whether an alert ended by itself."""
    alert.refresh_from_db()
    assert alert.acknowledged_at is None
    return alert.state == "recovered" and alert.recovered_at is not None


@pytest.mark.parametrize("there", [
    RemoteSaleState.IN_DELIVERY, RemoteSaleState.COMPLETE, RemoteSaleState.CANCELLED,
])  # fmt: skip
def test_seats_that_were_sold_are_no_news_once_they_are_handed_over_or_the_sale_is_off(
    market: Market, there: RemoteSaleState
) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    alert = told(market, "sale.sold")
    assert not over(alert)
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, there))
    assert over(alert)
    assert Alert.objects.filter(kind="sale.sold", user_id=alert.user_id).count() == 1


def test_it_ends_for_everybody_who_was_told(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    everybody = list(Alert.objects.filter(kind="sale.sold"))
    assert len({alert.user_id for alert in everybody}) == 3
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    assert [over(alert) for alert in everybody] == [True] * len(everybody)


def test_a_sale_that_is_paid_out_asks_for_nothing(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_FULFILMENT)
    market.webhook(sold)
    alert = told(market, "sale.sold")
    line = PaymentLine(sold.sale_id, Decimal("168.00"), Decimal("16.80"), Decimal("0.00"), Decimal("151.20"))
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("151.20"), "USD", (line,))]
    account_sync_payouts(account=market.accounts["alpha"])
    assert (market.sale().state, over(alert)) == (SaleState.COMPLETE, True)


def test_a_sale_that_was_handed_over_before_we_heard_of_it_is_told_and_asks_for_nothing(market: Market) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.COMPLETE))
    assert told(market, "sale.sold").severity == "info"


def test_a_sale_that_stands_again_in_conflict_is_not_sold(market: Market) -> None:
    alpha, _ = market.published()
    sold = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(sold)
    market.work()
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    cancelled = told(market, "sale.cancelled")
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["beta"].pk])
    market.work()
    offered = market.beta.shown()[-1]
    market.webhook(market.beta.sell(offered, (1, 2)), platform=market.beta)
    market.alpha.sales[sold.sale_id] = replace(sold, remote_status="stands again")
    sale_read(sale=Sale.objects.get(platform="alpha"))
    again = Sale.objects.get(platform="alpha")
    assert again.state == SaleState.CONFLICT
    first = Alert.objects.filter(kind="sale.sold", object_id=str(again.pk))
    assert [over(alert) for alert in first] == [True] * first.count()
    assert over(cancelled)


def test_a_conflict_is_over_when_its_marketplace_took_the_rejection(market: Market) -> None:
    alpha, beta = market.published()
    late = market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.beta.script["reject"] = [TemporaryError("busy", status=503)]
    market.webhook(late, platform=market.beta)
    market.work()
    alert = told(market, "sale.conflict")
    assert not over(alert)
    market.hurry()
    market.work()
    assert ("reject", late.sale_id) in market.beta.calls
    assert over(alert)
    assert not Alert.objects.filter(kind="sale.cancelled").exists()


def test_a_rejected_sale_is_told_until_a_person_has_seen_it(market: Market, client: Client) -> None:
    alpha, beta = market.published()
    late = market.beta.sell(beta.external_id, (1, 2, 3, 4))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.webhook(late, platform=market.beta)
    client.force_login(market.holding.user)
    sale, first = Sale.objects.get(platform="beta"), Sale.objects.get(platform="alpha")
    url = reverse("listings:sale_detail", args=[sale.pk])
    page = client.get(url).text
    assert "Sold twice: this sale is being rejected" in page
    assert "The sale is being rejected there before its confirm-by time" in page
    market.work()
    alert = told(market, "sale.rejected")
    assert (alert.severity, alert.state, alert.acknowledged_at) == ("action", "firing", None)
    assert alert.title.startswith("Sold twice, and rejected on Beta: 4 seats 131 row 27")
    for words in (
        f"another buyer's already, by sale {first.platform_sale_id} on Alpha.", "We heard of it at ",
        "Beta took the rejection", "Beta may charge for it, up to twice its price, $672.00: see its payouts.",
    ):  # fmt: skip
        assert words in alert.body
    page = client.get(url).text
    assert page.count('class="errors') == 1
    assert "What went wrong" not in page
    assert "offered nowhere else" not in page
    for href in (reverse("listings:sale_detail", args=[first.pk]), reverse("listings:payout_list")):
        assert f'href="{href}"' in page.partition("What it may cost")[0] + page.partition("What it may cost")[2][:400]
    # Read again as cancelled it is no news, and once it was seen it is not told again.
    sale_apply(account=market.accounts["beta"], remote=market.beta.sales[late.sale_id])
    alert_acknowledge(actor=market.holding.actor, alert_id=alert.pk)
    market.beta.sales[late.sale_id] = replace(market.beta.sales[late.sale_id], remote_status="gone")
    sale_apply(account=market.accounts["beta"], remote=market.beta.sales[late.sale_id])
    assert Alert.objects.filter(kind="sale.rejected", user_id=alert.user_id).count() == 1


def test_a_conflict_that_its_marketplace_takes_back_itself_is_told_too(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    late = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(late, platform=market.beta)
    sale_apply(account=market.accounts["beta"], remote=market.beta.move(late.sale_id, RemoteSaleState.CANCELLED))
    assert "Beta took it back itself" in told(market, "sale.rejected").body


def test_a_conflict_is_over_when_the_sale_is_cancelled_there(market: Market) -> None:
    alpha, beta = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    late = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(late, platform=market.beta)
    alert = told(market, "sale.conflict")
    sale_apply(account=market.accounts["beta"], remote=market.beta.move(late.sale_id, RemoteSaleState.CANCELLED))
    assert (Sale.objects.get(platform="beta").state, over(alert)) == (SaleState.CANCELLED, True)
