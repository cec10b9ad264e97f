"""A payout that the holder's bank sent back, told by each simulated platform that tells of payouts."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from httpx import HTTPStatusError

from listings.expected import expectation_of
from listings.models import Payout, Sale, SaleState
from listings.payables import sales_awaited, tells_payouts
from listings.services.sync import account_sync_sales
from marketplaces.registry import adapter_keys
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.listings.selling import Seller
from tests.listings.simulated import control

pytestmark = pytest.mark.django_db
AGAIN = timedelta(days=7)


def paid(seller: Seller) -> Payout:
    """The sale's money came on its day."""
    due = expectation_of(seller.sale).at
    assert due is not None
    seller.go(due)
    account_sync_sales(account=seller.account)
    return Payout.objects.get(paid_at__isnull=False)


def bounce(seller: Seller) -> None:
    (payment,) = seller.simulator.ledger.payments
    control("bounce", payment_id=payment, days=AGAIN.days)
    seller.go(now() + timedelta(hours=1))
    account_sync_sales(account=seller.account)


def awaited(seller: Seller) -> list[Sale]:
    return list(sales_awaited(seller.holding.actor))


@pytest.mark.parametrize("seller", [key for key in adapter_keys() if tells_payouts(key)], indirect=True)
def test_its_money_is_not_paid_again_until_it_comes_anew_and_its_holder_is_told(seller: Seller, client: Client) -> None:
    first = paid(seller)
    assert (seller.sale.state, awaited(seller)) == (SaleState.COMPLETE, [])
    bounce(seller)
    first.refresh_from_db()
    assert first.state == "returned"
    assert (seller.sale.state, awaited(seller)) == (SaleState.FULFILLED, [seller.sale])
    told = seller.alert("payout.returned")
    assert (told.state, told.severity) == ("firing", "action")
    assert f"${seller.sale.proceeds}" in told.title
    client.force_login(seller.holding.user)
    assert "came back" in client.get(reverse("listings:payout_list")).text
    unpaid = client.get(reverse("listings:payout_list"), {"show": "awaited"})
    assert [row[0] for row in unpaid.context["rows"]] == [seller.sale]
    # It is not paid before its platform pays once more, and then it is another payout.
    seller.go(now() + AGAIN - timedelta(hours=2))
    assert awaited(seller) == [seller.sale]
    seller.go(now() + timedelta(hours=2))
    account_sync_sales(account=seller.account)
    second = Payout.objects.get(paid_at__isnull=False, returned_at=None)
    assert (second.pk != first.pk, second.net) == (True, seller.sale.proceeds)
    assert (seller.sale.state, awaited(seller)) == (SaleState.COMPLETE, [])
    assert seller.alert("payout.returned").state == "recovered"
    assert not Alert.objects.filter(kind__in=["payout.short", "payout.unexplained"]).exclude(state="recovered").exists()


def test_a_payment_comes_back_once_and_brings_its_charges_back_with_it(seller: Seller) -> None:
    sale_id = int(seller.sale.platform_sale_id)
    control("charge", sale_id=sale_id, amount="5.00", reason="Failed delivery fee")
    assert paid(seller).net == seller.sale.proceeds - 5
    bounce(seller)
    (payment,) = seller.simulator.ledger.payments
    with pytest.raises(HTTPStatusError, match="409"):
        control("bounce", payment_id=payment)
    control("pay", platform="stubhub")
    seller.go(now() + timedelta(hours=1))
    assert [one.net for one in Payout.objects.filter(returned_at=None)] == [seller.sale.proceeds - 5]
