"""Money of an account that was left and is connected again: each payout counts once, and stays its sales'."""

from decimal import Decimal

import pytest

from listings.models import Payout, PayoutLine, Sale
from listings.payables import received_for
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import account_sync_payouts, payout_apply, payout_receive
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSale
from marketplaces.models import MarketplaceAccount, Mode
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.listings.left import announced_together, connected, paid_together, sold_and_left
from tests.market import Market

pytestmark = pytest.mark.django_db


def paid(sale: Sale, reference: str = "P-1") -> RemotePayment:
    """All that a sale brings, as its marketplace tells that it was paid; announced, where it has no reference yet."""
    line = PaymentLine(sale.platform_sale_id, sale.gross, sale.fees, Decimal(0), sale.proceeds)
    return RemotePayment(reference, now() if reference else None, sale.proceeds, sale.currency, (line,))


def came_over(market: Market, remote: RemoteSale) -> MarketplaceAccount:
    account = connected(market, "alpha", Mode.PAPER)
    sale_apply(account=account, remote=remote)
    return account


@pytest.mark.parametrize("so_far", ["paid", "announced", "said to have come"])
def test_a_payout_that_the_left_row_was_told_of_is_not_another_one_of_the_new_row(market: Market, so_far: str) -> None:
    remote = sold_and_left(market)
    sale, left = Sale.objects.get(), market.accounts["alpha"]
    payout_apply(account=left, remote=paid(sale, "P-1" if so_far == "paid" else ""))
    if so_far == "said to have come":
        left.refresh_from_db()
        payout_receive(actor=market.holding.actor, payout_id=Payout.objects.get().pk)
    account = came_over(market, remote)

    assert payout_apply(account=account, remote=paid(sale)) is False

    payout = Payout.objects.get()
    assert (payout.account, payout.mode, payout.reference) == (account, Mode.PAPER, "P-1")
    sale.refresh_from_db()
    assert (sale.account, received_for(sale).net) == (account, sale.proceeds)
    assert not Alert.objects.filter(kind="payout.too_much").exists()
    assert audit_read(AuditEntry.objects.get(verb="payout.come_over")) == {
        "before": {"account": str(left.pk), "mode": "paper"}, "after": {"account": str(account.pk), "mode": "paper"},
    }  # fmt: skip


def test_a_payout_of_the_other_market_stays_there(market: Market) -> None:
    remote = sold_and_left(market)
    sale, left = Sale.objects.get(), market.accounts["alpha"]
    payout_apply(account=left, remote=paid(sale))
    Payout.objects.update(mode=Mode.LIVE)
    account = came_over(market, remote)
    assert payout_apply(account=account, remote=paid(sale)) is True
    assert [(one.account, one.mode) for one in Payout.objects.order_by("pk")] == [(left, "live"), (account, "paper")]


def test_a_payout_of_a_row_that_speaks_for_itself_stays_there(market: Market, assisted: MarketplaceAccount) -> None:
    account = connected(market, "beta", Mode.LIVE)
    announced = RemotePayment("P-1", None, Decimal("151.20"), "USD")
    for row in (account, assisted):
        assert payout_apply(account=row, remote=announced) is True
    assert set(Payout.objects.values_list("account__pk", "reference")) == {(account.pk, "P-1"), (assisted.pk, "P-1")}


def test_what_came_is_put_right_of_a_sale_that_has_come_over_since(market: Market) -> None:
    remote = sold_and_left(market)
    sale, actor = Sale.objects.get(), market.holding.actor
    payout = sale_paid(actor=actor, sale_id=sale.pk, handed_over=True)
    account = came_over(market, remote)
    payout_receive(actor=actor, payout_id=payout.pk, amount=Decimal("140.00"))
    line = PayoutLine.objects.get()
    assert (line.sale, line.sale and line.sale.account, line.net) == (sale, account, Decimal("140.00"))


@pytest.mark.parametrize("amount", [None, Decimal("140.00")])
def test_what_was_noted_by_hand_of_a_sale_is_no_more_once_its_payout_is_told(
    market: Market, amount: Decimal | None
) -> None:
    remote = sold_and_left(market)
    sale = Sale.objects.get()
    noted = sale_paid(actor=market.holding.actor, sale_id=sale.pk, amount=amount, handed_over=True)
    account = came_over(market, remote)
    sale.refresh_from_db()
    for _ in range(2):
        payout_apply(account=account, remote=paid(sale))
    assert received_for(sale).net == sale.proceeds
    noted.refresh_from_db()
    assert (noted.net, noted.unexplained, noted.lines.get().left_out) == (Decimal(0), Decimal(0), True)
    assert not Alert.objects.filter(kind__in=["payout.too_much", "payout.short"], state="firing").exists()
    # What he had said stays in the audit.
    before = (audit_read(AuditEntry.objects.get(verb="payout.corrected")) or {})["before"]
    assert before["net"] == str(amount or sale.proceeds)


def test_what_was_announced_to_the_row_that_was_left_and_to_the_new_one_is_one_payout(market: Market) -> None:
    _, sales = announced_together(market)
    account = connected(market, "alpha", Mode.PAPER)
    for sale in sales:
        sale_apply(account=account, remote=market.alpha.sales[sale.platform_sale_id])
    market.alpha.coming = paid_together(sales, "")
    account_sync_payouts(account=account)
    market.alpha.coming, market.alpha.paid = None, [paid_together(sales, "P-1")]
    for _ in range(2):
        account_sync_payouts(account=account)
    assert Payout.objects.get(reference="P-1").account == account
    assert [received_for(sale).net for sale in sales] == [sale.proceeds for sale in sales]
    # What both rows were told of before is one announcement, and nothing is to come of it any more.
    assert list(Payout.objects.exclude(reference="P-1").values_list("account__pk", "reference", "net")) == [
        (account.pk, "next", Decimal(0))
    ]
