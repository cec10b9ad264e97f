"""Money of sales over assisted accounts, as their holder says that it came: once, and to be put right."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from listings.models import Payout, Sale, SaleState
from listings.payables import received_for
from listings.services.by_hand import hand_sold, sale_handed_over
from listings.services.fulfil import sale_fulfil
from listings.services.paid_by_hand import sale_paid
from listings.services.payout_checks import payouts_check
from listings.services.payouts import payout_apply, payout_receive
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from listings.services.sale_scene import as_told
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSaleState
from marketplaces.models import MarketplaceAccount, Mode, PayoutCalendarVersion
from marketplaces.services.connect import account_leave
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.hands import mail_for, offered, take, task, told, transfer_mail, up
from tests.listings.left import announced_together, connected, paid_together
from tests.market import Market

pytestmark = pytest.mark.django_db


def sold(market: Market, account: MarketplaceAccount, order: str = "A-1001", proceeds: str = "151.20") -> Sale:
    """Two seats that sold there, of which the holder says what they bring."""
    _, beta = up(market, account)
    return hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=[seat.pk for seat in market.holding.seats[:2]],
        price=Decimal("84.00"), order=order, proceeds=Decimal(proceeds),
    )  # fmt: skip


def sold_by_mail(market: Market, account: MarketplaceAccount) -> Sale:
    """Two seats that sold there, for $150.00 by what a mail tells."""
    offered(market, account, market.holding.game)
    take(market, account, transfer_mail(market, ""))
    return Sale.objects.get()


def api_post(market: Market, name: str, pk: object, body: dict[str, Any]) -> int:
    client = bearer(market.holding.user)
    return client.post(reverse(name, args=[pk]), body, content_type="application/json").status_code


def test_that_a_sale_of_an_assisted_account_was_paid_its_holder_says(
    market: Market, assisted: MarketplaceAccount
) -> None:
    """Nobody reads its payouts: else its sales would wait for their money for ever."""
    sale, actor = sold_by_mail(market, assisted), market.holding.actor
    client = Client()
    client.force_login(market.holding.user)
    page, url = reverse("listings:payout_list") + "?show=awaited", reverse("listings:sale_received", args=[sale.pk])
    assert f'action="{url}"' in client.get(page).text
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            sale_paid(actor=stranger, sale_id=sale.pk)
    with pytest.raises(NotAllowed):
        sale_paid(actor=market.holding.co_owner, sale_id=sale.pk)
    client.post(url, {"amount": "140", "handed_over": "on"})
    sale.refresh_from_db()
    payout = Payout.objects.get()
    assert (sale.state, payout.net, payout.lines.get().sale) == (SaleState.COMPLETE, Decimal("140.00"), sale)
    assert "$140.00 of $150.00 came" in Alert.objects.get(kind="payout.short").body
    assert url not in client.get(page).text
    with pytest.raises(Conflict, match="received already"):
        sale_paid(actor=actor, sale_id=sale.pk)
    client.post(url)
    assert Payout.objects.count() == 1


def test_of_a_sale_that_is_over_or_of_an_account_that_is_read_nobody_says_that_it_was_paid(
    market: Market, assisted: MarketplaceAccount
) -> None:
    sale, actor = sold_by_mail(market, assisted), market.holding.actor
    Sale.objects.update(proceeds_told=False)
    with pytest.raises(InvalidInput, match="is not told by"):
        sale_paid(actor=actor, sale_id=sale.pk)
    sale_report(actor=actor, sale_id=sale.pk, what="cancelled", reason="they wrote so")
    with pytest.raises(Conflict, match="Nothing is owed for this sale: it is cancelled by its marketplace"):
        sale_paid(actor=actor, sale_id=sale.pk, amount=Decimal(1))
    Sale.objects.update(account=market.accounts["alpha"])
    with pytest.raises(Conflict, match="come by themselves"):
        sale_paid(actor=actor, sale_id=sale.pk)
    assert not Payout.objects.exists()


def test_money_of_a_sale_by_hand_is_late_by_its_calendar_until_its_holder_says_that_it_came(
    market: Market, assisted: MarketplaceAccount
) -> None:
    sale = sold_by_mail(market, assisted)
    calendar = PayoutCalendarVersion.objects.create(
        platform=sale.platform, mode="live", kind="after_delivery", days=5, valid_from=now().date(), source="terms",
        checked_on=now().date(),
    )  # fmt: skip
    Sale.objects.update(
        payout_calendar=calendar, state=SaleState.FULFILLED, delivered_at=now() - timedelta(days=7), proceeds_told=False
    )
    payouts_check()
    assert not Alert.objects.filter(kind="payout.late").exists()
    Sale.objects.update(delivered_at=now() - timedelta(days=9))
    payouts_check()
    alert = Alert.objects.get(kind="payout.late")
    assert "owes what a sale brought since" in alert.title
    assert "look at your bank, and say so on the payouts page" in alert.body
    sale_paid(actor=market.holding.actor, sale_id=sale.pk, amount=Decimal(140))
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_over_the_api_a_sales_money_is_said_to_have_come_once(market: Market, assisted: MarketplaceAccount) -> None:
    sale = sold(market, assisted)
    assert api_post(market, "api:sale_received", sale.pk, {"handed_over": True}) == 200
    sale.refresh_from_db()
    payout = Payout.objects.get()
    assert (sale.state, payout.net, payout.state) == (SaleState.COMPLETE, Decimal("151.20"), "paid")
    assert api_post(market, "api:sale_received", sale.pk, {}) == 409


def test_money_alone_does_not_say_that_the_tickets_were_handed_over(
    market: Market, assisted: MarketplaceAccount
) -> None:
    """Else nobody could hand them over any more: a sale that is paid is complete."""
    sale, client = sold(market, assisted), Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:payout_list") + "?show=awaited").text
    assert 'type="checkbox" name="handed_over"' in page
    url = reverse("listings:sale_received", args=[sale.pk])
    answer = client.post(url, {"amount": "140"}, follow=True)
    assert "Its tickets are not handed over, as far as is known. Hand them over first, or say" in answer.text
    assert api_post(market, "api:sale_received", sale.pk, {}) == 409
    sale.refresh_from_db()
    assert (sale.state, sale.delivered_at, Payout.objects.count()) == (SaleState.CONFIRMED, None, 0)
    assert client.get(reverse("listings:sale_fulfil", args=[sale.pk])).status_code == 200
    Sale.objects.update(state=SaleState.FULFILLED)
    assert 'name="handed_over"' not in client.get(reverse("listings:payout_list") + "?show=awaited").text
    assert api_post(market, "api:sale_received", sale.pk, {}) == 200


@pytest.mark.parametrize("door", ["page", "api"])
def test_that_the_tickets_were_handed_over_is_said_with_the_money_and_ends_the_task(
    market: Market, assisted: MarketplaceAccount, door: str
) -> None:
    sale = sold(market, assisted)
    sale_fulfil(
        actor=market.holding.actor, sale_id=sale.pk, method="transfer_url",
        transfer_urls=["https://a.example/1", "https://a.example/2"],
    )  # fmt: skip
    one = task(market, "fulfil")
    if door == "page":
        client = Client()
        client.force_login(market.holding.user)
        client.post(reverse("listings:sale_received", args=[sale.pk]), {"amount": "140", "handed_over": "on"})
    else:
        assert api_post(market, "api:sale_received", sale.pk, {"amount": "140", "handed_over": True}) == 200
    one.refresh_from_db()
    sale.refresh_from_db()
    assert (one.state, sale.state, Payout.objects.get().net) == ("superseded", SaleState.COMPLETE, Decimal("140.00"))
    assert (sale.delivered_at is not None, sale.remote_status) == (True, "handed over by hand")


def test_a_second_word_that_it_came_leaves_the_first_ones_payout_alone(
    market: Market, assisted: MarketplaceAccount
) -> None:
    sale = sold(market, assisted)
    sale_paid(actor=market.holding.actor, sale_id=sale.pk, handed_over=True)
    Sale.objects.update(fees=Decimal("8.00"), proceeds=Decimal("160.00"))
    with pytest.raises(Conflict, match="was received already, with payout by hand A-1001"):
        sale_paid(actor=market.holding.actor, sale_id=sale.pk)
    payout = Payout.objects.get()
    assert (payout.net, payout.lines.get().net) == (Decimal("151.20"), Decimal("151.20"))


def test_order_numbers_that_begin_alike_have_payouts_of_their_own(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    pairs = (market.holding.seats[:2], market.holding.seats[2:])
    sales = [told(market, beta, pair, f"{'9' * 72}-00{n}") for n, pair in enumerate(pairs)]
    for sale in sales:
        sale_paid(actor=market.holding.actor, sale_id=sale.pk, amount=Decimal("150.00"), handed_over=True)
    assert [Payout.objects.get(lines__sale=sale).net for sale in sales] == [Decimal("150.00")] * 2
    assert Payout.objects.count() == 2


def left_with_announced_payout(market: Market) -> tuple[Sale, Payout]:
    """A sale whose money was announced before its account was left."""
    alpha, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    sale, account = Sale.objects.get(), market.accounts["alpha"]
    line = PaymentLine(sale.platform_sale_id, sale.gross, sale.fees, Decimal(0), sale.proceeds)
    payout_apply(account=account, remote=RemotePayment("", None, sale.proceeds, "USD", (line,)))
    account_leave(actor=market.holding.actor, account_id=account.pk)
    return sale, Payout.objects.get()


def test_what_came_with_an_announced_payout_is_not_noted_of_its_sale_again(market: Market) -> None:
    sale, payout = left_with_announced_payout(market)
    payout_receive(actor=market.holding.actor, payout_id=payout.pk)
    with pytest.raises(Conflict, match="received already, with payout the next one"):
        sale_paid(actor=market.holding.actor, sale_id=sale.pk)
    assert Payout.objects.count() == 1


def test_what_was_noted_of_a_sale_does_not_come_again_with_its_announced_payout(market: Market) -> None:
    sale, payout = left_with_announced_payout(market)
    sale_paid(actor=market.holding.actor, sale_id=sale.pk, handed_over=True)
    with pytest.raises(Conflict, match=f"received already, with payout by hand {sale.platform_sale_id}"):
        payout_receive(actor=market.holding.actor, payout_id=payout.pk)
    payout.refresh_from_db()
    assert payout.state == "announced"


def test_what_a_sale_brings_is_held_against_what_came_when_it_is_corrected(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    market.work()
    sale, account = Sale.objects.get(), market.accounts["alpha"]
    line = PaymentLine(sale.platform_sale_id, sale.gross, sale.fees, Decimal(0), sale.proceeds)
    payout_apply(account=account, remote=RemotePayment("P-1", now(), sale.proceeds, "USD", (line,)))
    more = replace(
        remote, state=RemoteSaleState.COMPLETE, remote_status="Complete",
        fees=sale.fees - Decimal(8), proceeds=sale.proceeds + Decimal(8),
    )  # fmt: skip
    sale_apply(account=account, remote=more, fresh=True)
    assert Alert.objects.filter(kind="payout.short", state="firing").exists()
    less = replace(more, fees=sale.fees + Decimal(8), proceeds=sale.proceeds - Decimal(8))
    sale_apply(account=account, remote=less, fresh=True)
    assert not Alert.objects.filter(kind="payout.short", state="firing").exists()
    assert Alert.objects.filter(kind="payout.too_much", state="firing").exists()


@pytest.mark.parametrize("of", ["payout", "sale"])
def test_a_wrong_amount_is_put_right_and_what_was_said_stays_in_the_audit(
    market: Market, assisted: MarketplaceAccount, of: str
) -> None:
    sale = sold(market, assisted)
    payout = sale_paid(
        actor=market.holding.actor, sale_id=sale.pk, amount=Decimal("1512.00"), handed_over=True, confirmed=True
    )
    too_much = Alert.objects.get(kind="payout.too_much")
    client = Client()
    client.force_login(market.holding.user)
    url = reverse("listings:payout_received", args=[payout.pk])
    assert f'action="{url}"' in client.get(reverse("listings:payout_list")).text
    if of == "payout":
        client.post(url, {"amount": "151.20"})
    else:
        assert api_post(market, "api:sale_received", sale.pk, {"amount": "151.20"}) == 200
    payout.refresh_from_db()
    too_much.refresh_from_db()
    right = Decimal("151.20")
    assert (payout.net, payout.received, payout.lines.get().net) == (right, right, right)
    assert payout.unexplained == 0
    assert too_much.state == "recovered"
    kept = AuditEntry.objects.get(verb="payout.corrected", object_id=str(payout.pk))
    content = audit_read(kept)
    assert content is not None
    assert (kept.actor_id, content["before"]["net"]) == (str(market.holding.user.pk), "1512.00")
    assert len(content["before"]["lines"]) == 1
    with pytest.raises(Conflict, match="received already"):
        payout_receive(actor=market.holding.actor, payout_id=payout.pk, amount=right)


def test_what_is_reckoned_by_a_fee_is_not_told_and_what_a_mail_states_counts(
    market: Market, assisted: MarketplaceAccount
) -> None:
    _, beta = up(market, assisted)
    sale = told(market, beta, market.holding.seats[1:3], "B7731-22")
    assert (sale.gross, sale.fees, sale.proceeds_told) == (Decimal("168.00"), Decimal("16.80"), False)
    take(market, assisted, mail_for(market).replace(b"$151.20", b"$140.00"))
    sale.refresh_from_db()
    assert (sale.gross, sale.proceeds, sale.proceeds_told) == (Decimal("168.00"), Decimal("140.00"), True)
    told(market, beta, market.holding.seats[1:3], "B7731-22")
    sale.refresh_from_db()
    assert (sale.proceeds, sale.proceeds_told) == (Decimal("140.00"), True)


def test_another_price_of_what_was_told_by_hand_is_refused(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = up(market, assisted)
    pair = [seat.pk for seat in market.holding.seats[:2]]
    said: dict[str, Any] = {"actor": market.holding.actor, "listing_id": beta.pk, "seat_ids": pair, "order": "A-1"}
    sale = hand_sold(**said, price=Decimal("84.00"))
    with pytest.raises(Conflict, match=r"A-1 was told already, for \$168.00 together"):
        hand_sold(**said, price=Decimal("48.00"))
    sale.refresh_from_db()
    assert sale.gross == Decimal("168.00")
    sale = hand_sold(**said, price=Decimal("48.00"), proceeds=Decimal("90.00"))
    assert (sale.gross, sale.proceeds, sale.proceeds_told) == (Decimal("96.00"), Decimal("90.00"), True)


def states_of(sales: list[Sale]) -> list[str]:
    return [Sale.objects.get(pk=sale.pk).state for sale in sales]


def test_money_of_several_sales_completes_those_that_are_handed_over_and_the_others_when_they_are(
    market: Market,
) -> None:
    payout, sales = announced_together(market)
    payout_receive(actor=market.holding.actor, payout_id=payout.pk)
    assert states_of(sales) == [SaleState.COMPLETE, SaleState.CONFIRMED]
    assert [received_for(sale).net for sale in sales] == [sale.proceeds for sale in sales]
    waiting = Sale.objects.get(pk=sales[1].pk)
    assert waiting.delivered_at is None
    client = Client()
    client.force_login(market.holding.user)
    assert client.get(reverse("listings:sale_fulfil", args=[waiting.pk])).status_code == 200
    # Put right it says no more of the tickets than before.
    payout_receive(actor=market.holding.actor, payout_id=payout.pk, amount=Decimal("300.00"))
    assert states_of(sales) == [SaleState.COMPLETE, SaleState.CONFIRMED]
    with transaction.atomic():
        sale_handed_over(actor=market.holding.actor, sale=waiting)
    assert states_of(sales) == [SaleState.COMPLETE, SaleState.COMPLETE]


def test_what_its_marketplace_says_it_paid_for_was_handed_over(market: Market) -> None:
    payout, sales = announced_together(market)
    payout_receive(actor=market.holding.actor, payout_id=payout.pk)
    account = connected(market, "alpha", Mode.PAPER)
    for sale in sales:
        sale_apply(account=account, remote=market.alpha.sales[sale.platform_sale_id])
    payout_apply(account=account, remote=paid_together(sales, "P-1"))
    assert Payout.objects.get().reference == "P-1"
    assert states_of(sales) == [SaleState.COMPLETE, SaleState.COMPLETE]


def test_money_that_its_holder_noted_of_an_unclear_sale_does_not_say_that_it_was_handed_over(market: Market) -> None:
    payout, sales = announced_together(market)
    Sale.objects.filter(pk=sales[1].pk).update(state=SaleState.NEEDS_PERSON)
    payout_receive(actor=market.holding.actor, payout_id=payout.pk)
    assert as_told(Sale.objects.get(pk=sales[1].pk)).state is RemoteSaleState.AWAITING_FULFILMENT
