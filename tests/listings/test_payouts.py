"""Payouts: kept once, tied to their sales, and what they do not explain is said (I-25)."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from listings import locks
from listings.models import Payout, PayoutLine, Sale, SaleState
from listings.payables import came_of, received_for, sales_awaited
from listings.services import payouts
from listings.services.payout_checks import payouts_check
from listings.services.payouts import account_sync_payouts, accounts_sync_payouts
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSaleState
from marketplaces.errors import TemporaryError
from marketplaces.models import Mode, PayoutCalendarVersion
from portfolios.models import Seat
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(market: Market) -> Sale:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_FULFILMENT)
    market.webhook(remote)
    market.webhook(market.alpha.move(remote.sale_id, RemoteSaleState.IN_DELIVERY), kind="sale_update")
    return Sale.objects.get()


def payment(sale_id: str, *, net: str = "151.20", paid: bool = True) -> RemotePayment:
    line = PaymentLine(sale_id, Decimal("168.00"), Decimal("16.80"), Decimal("0.00"), Decimal("151.20"))
    return RemotePayment("P-1", now() if paid else None, Decimal(net), "USD", (line,))


def test_i25_a_payout_is_kept_once_and_its_lines_are_tied_to_sales(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment(sale.platform_sale_id)]
    assert account_sync_payouts(account=market.accounts["alpha"]) == 1
    assert account_sync_payouts(account=market.accounts["alpha"]) == 0
    payout, line = Payout.objects.get(), PayoutLine.objects.get()
    assert (payout.gross, payout.fee, payout.net, payout.unexplained) == (
        Decimal("168.00"), Decimal("16.80"), Decimal("151.20"), Decimal("0.00"),
    )  # fmt: skip
    assert line.sale == sale
    sale.refresh_from_db()
    assert sale.state == SaleState.COMPLETE


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_i20_a_payout_is_of_its_accounts_mode(market: Market, sale: Sale, mode: Mode) -> None:
    account = market.accounts["alpha"]
    account.mode = mode
    account.save()
    market.alpha.paid = [payment(sale.platform_sale_id)]
    account_sync_payouts(account=account)
    assert Payout.objects.get().mode == mode


def test_i35_a_sale_that_was_paid_is_in_the_audit_with_its_payout(market: Market, sale: Sale) -> None:
    account = market.accounts["alpha"]
    market.alpha.paid = [payment(sale.platform_sale_id)]
    account_sync_payouts(account=account)
    entry, facts = AuditEntry.objects.filter(verb="sale.moved").latest("at"), {"gross": "168.00", "quantity": 2}
    assert (entry.actor_id, entry.reason) == (str(account.pk), f"payout {Payout.objects.get().reference}")
    assert audit_read(entry) == {"before": {"state": sale.state, **facts}, "after": {"state": "complete", **facts}}


def test_a_charge_alone_is_not_what_came_of_a_sale(market: Market, sale: Sale) -> None:
    charge = PaymentLine(sale.platform_sale_id, Decimal(0), Decimal(0), Decimal("1.20"), Decimal("-1.20"))
    market.alpha.paid = [RemotePayment("P-0", now(), Decimal("-1.20"), "USD", (charge,))]
    account_sync_payouts(account=market.accounts["alpha"])
    assert came_of([sale]) == {}
    market.alpha.paid.append(payment(sale.platform_sale_id))
    account_sync_payouts(account=market.accounts["alpha"])
    assert came_of([sale]) == {sale.pk: Decimal("150.00")}


def test_a_short_payout_and_an_unknown_sale_are_said(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment("not-ours", net="140.00")]
    account_sync_payouts(account=market.accounts["alpha"])
    assert Payout.objects.get().unexplained == Decimal("-11.20")
    alert = Alert.objects.get(kind="payout")
    assert "\N{MINUS SIGN}$11.20 of it is not explained" in alert.body
    assert "1 of its sales are not known" in alert.body
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED


def test_an_expected_payout_is_paid_later(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment(sale.platform_sale_id, paid=False)]
    account_sync_payouts(account=market.accounts["alpha"])
    assert Payout.objects.get().paid_at is None
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED
    market.alpha.paid = [payment(sale.platform_sale_id)]
    account_sync_payouts(account=market.accounts["alpha"])
    assert Payout.objects.get().paid_at is not None
    sale.refresh_from_db()
    assert sale.state == SaleState.COMPLETE


def corrected(sale_id: str) -> RemotePayment:
    """What P-1 comes to after a penalty that its marketplace charged later."""
    line = PaymentLine(sale_id, Decimal("168.00"), Decimal("16.80"), Decimal("30.00"), Decimal("121.20"))
    return RemotePayment("P-1", now(), Decimal("121.20"), "USD", (line,))


def test_i25_a_corrected_payout_counts_is_said_and_what_it_replaces_is_kept(market: Market, sale: Sale) -> None:
    for told in (payment(sale.platform_sale_id), corrected(sale.platform_sale_id)):
        market.alpha.paid = [told]
        account_sync_payouts(account=market.accounts["alpha"])
    payout, line = Payout.objects.get(), PayoutLine.objects.get()
    assert (payout.net, payout.penalty, payout.unexplained) == (Decimal("121.20"), Decimal("30.00"), Decimal("0.00"))
    assert (line.sale, line.net) == (sale, Decimal("121.20"))
    alert = Alert.objects.filter(kind="payout").latest("raised_at")
    assert (alert.title, alert.severity) == ("Alpha corrects a payout to $121.20", "action")
    assert "It said $151.20 before." in alert.body
    entry = AuditEntry.objects.get(verb="payout.corrected")
    content = audit_read(entry)
    assert content is not None
    before, after = content["before"], content["after"]
    assert (before["net"], before["lines"][0]["net"], after["net"]) == ("151.20", "151.20", "121.20")
    account_sync_payouts(account=market.accounts["alpha"])
    assert AuditEntry.objects.filter(verb="payout.corrected").count() == 1


def test_what_a_charge_is_called_is_no_correction(market: Market, sale: Sale) -> None:
    told = corrected(sale.platform_sale_id)
    named = replace(told, lines=tuple(replace(line, note="Late delivery") for line in told.lines))
    for one in (told, named, named):
        market.alpha.paid = [one]
        account_sync_payouts(account=market.accounts["alpha"])
    assert PayoutLine.objects.get().note == "Late delivery"
    assert not AuditEntry.objects.filter(verb="payout.corrected").exists()
    assert Alert.objects.filter(kind="payout").count() == 1


def test_i25_a_line_that_a_correction_leaves_out_is_reversed_not_deleted(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment(sale.platform_sale_id)]
    account_sync_payouts(account=market.accounts["alpha"])
    market.alpha.paid = [RemotePayment("P-1", now(), Decimal("0.00"), "USD")]
    account_sync_payouts(account=market.accounts["alpha"])
    line = PayoutLine.objects.get()
    assert line.sale == sale
    assert {line.gross, line.net, Payout.objects.get().net} == {Decimal("0.00")}
    account_sync_payouts(account=market.accounts["alpha"])
    assert AuditEntry.objects.filter(verb="payout.corrected").count() == 1


def test_a_payout_that_names_a_sale_twice_has_one_line_for_it(market: Market, sale: Sale) -> None:
    told = payment(sale.platform_sale_id)
    market.alpha.paid = [replace(told, net=Decimal("302.40"), lines=told.lines * 2)]
    assert account_sync_payouts(account=market.accounts["alpha"]) == 1
    assert (PayoutLine.objects.get().net, Payout.objects.get().unexplained) == (Decimal("302.40"), Decimal("0.00"))


def test_a_line_finds_its_sale_when_that_is_heard_of_later(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment("later")]
    account_sync_payouts(account=market.accounts["alpha"])
    assert PayoutLine.objects.get().sale is None
    Sale.objects.update(platform_sale_id="later")
    account_sync_payouts(account=market.accounts["alpha"])
    assert PayoutLine.objects.get().sale == sale
    sale.refresh_from_db()
    assert sale.state == SaleState.COMPLETE


def test_what_its_marketplace_says_that_it_paid_is_read_at_once(
    market: Market, sale: Sale, client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    market.alpha.paid = [payment(sale.platform_sale_id)]
    done = market.alpha.move(sale.platform_sale_id, RemoteSaleState.COMPLETE)
    with django_capture_on_commit_callbacks(execute=True):
        sale_apply(account=market.accounts["alpha"], remote=done)
    assert (PayoutLine.objects.get().sale, market.sale().state) == (sale, SaleState.COMPLETE)
    asked = sum(call == "payments" for call, _ in market.alpha.calls)
    # Told once more, with its money here, nothing is asked for.
    with django_capture_on_commit_callbacks(execute=True):
        sale_apply(account=market.accounts["alpha"], remote=replace(done, remote_status="paid, again"))
    assert sum(call == "payments" for call, _ in market.alpha.calls) == asked == 1


def test_until_its_payout_is_told_the_pages_say_that_it_is_looked_for(
    market: Market, sale: Sale, client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        done = market.alpha.move(sale.platform_sale_id, RemoteSaleState.COMPLETE)
        sale_apply(account=market.accounts["alpha"], remote=done)
    client.force_login(market.holding.user)
    words = "Alpha says that it has paid: its payouts are read at once and every hour, and none names this sale yet"
    assert words in client.get(reverse("listings:payout_list") + "?show=awaited").text
    assert words in client.get(reverse("listings:sale_detail", args=[sale.pk])).text


def test_being_paid_does_not_settle_what_is_only_promised(
    market: Market, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
    market.webhook(promised, kind="provisional_sale")
    market.alpha.paid = [payment(promised.sale_id)]
    account_sync_payouts(account=market.accounts["alpha"])
    assert market.sale().state == SaleState.PROVISIONAL
    # The marketplace is asked, and says by now what became of it.
    market.alpha.move(promised.sale_id, RemoteSaleState.COMPLETE)
    with django_capture_on_commit_callbacks(execute=True):
        account_sync_payouts(account=market.accounts["alpha"])
    assert market.sale().state == SaleState.COMPLETE
    seats = Seat.objects.filter(game=market.holding.game).order_by("seat_number").values_list("state", flat=True)
    assert list(seats) == ["sold", "sold", "available", "available"]


def test_one_accounts_trouble_stops_nobody_else(market: Market, sale: Sale) -> None:
    market.alpha.script["payments"] = [TemporaryError("down")]
    market.beta.paid = [RemotePayment("B-1", now(), Decimal("0.00"), "USD")]
    assert accounts_sync_payouts() == 1
    market.accounts["alpha"].refresh_from_db()
    assert market.accounts["alpha"].last_error == "down"


def test_only_the_accounts_owner_sees_a_payout(market: Market, sale: Sale) -> None:
    market.alpha.paid = [payment(sale.platform_sale_id)]
    account_sync_payouts(account=market.accounts["alpha"])
    people = market.holding
    seen = {name: Payout.objects.visible_to(getattr(people, name)).count() for name in ("actor", "other", "outsider")}
    assert seen == {"actor": 1, "other": 0, "outsider": 0}


def paid_for(reference: str, *lines: PaymentLine, at: datetime | None = None, currency: str = "USD") -> RemotePayment:
    net = sum((line.net for line in lines), Decimal("0.00"))
    return RemotePayment(reference, at or now(), net, currency, lines)


def line_of(sale_id: str, net: str = "151.20", gross: str = "168.00") -> PaymentLine:
    return PaymentLine(sale_id, Decimal(gross), Decimal(gross) - Decimal(net), Decimal("0.00"), Decimal(net))


def pays(market: Market, *payments: RemotePayment) -> None:
    """Alpha tells of these payouts, and they are read."""
    market.alpha.paid = list(payments)
    account_sync_payouts(account=market.accounts["alpha"])


def test_a_payout_whose_day_is_still_to_come_completes_no_sale(
    market: Market, sale: Sale, travel: time_machine.Traveller
) -> None:
    pays(market, paid_for("P-1", line_of(sale.platform_sale_id), at=now() + timedelta(days=2)))
    assert (market.sale().state, received_for(sale).net) == (SaleState.FULFILLED, Decimal("0.00"))
    travel.shift(timedelta(days=2))
    account_sync_payouts(account=market.accounts["alpha"])
    assert (market.sale().state, received_for(sale).net) == (SaleState.COMPLETE, Decimal("151.20"))


def test_a_payout_is_not_the_announced_one_that_has_its_sales_no_more(market: Market, sale: Sale) -> None:
    coming = RemotePayment("", None, Decimal("20.00"), "USD", (line_of(sale.platform_sale_id, "20.00", "20.00"),))
    market.alpha.coming = coming
    pays(market)
    announced = Payout.objects.get()
    market.alpha.coming = replace(coming, lines=(line_of("another", "20.00", "20.00"),))
    pays(market)
    assert [line.left_out for line in PayoutLine.objects.order_by("created_at")] == [True, False]
    pays(market, paid_for("P-1", line_of(sale.platform_sale_id)))
    assert Payout.objects.get(reference="next") == announced
    assert Payout.objects.get(reference="P-1").lines.get().sale == sale


def test_what_was_announced_becomes_no_second_payout_where_another_reading_was_faster(
    market: Market, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.alpha.coming = RemotePayment("", None, Decimal("151.20"), "USD", (line_of(sale.platform_sale_id),))
    pays(market)
    market.alpha.coming = None
    lock = locks.payout_lock

    def locked_late(payout_id: uuid.UUID) -> Payout:
        """Before it has the lock, another reader has given what was announced its name."""
        Payout.objects.filter(pk=payout_id, reference="next").update(reference="P-1")
        return lock(payout_id)

    monkeypatch.setattr(payouts, "payout_lock", locked_late)
    pays(market, paid_for("P-2", line_of(sale.platform_sale_id)))
    assert set(Payout.objects.values_list("reference", flat=True)) == {"P-1", "P-2"}
    assert Payout.objects.get(reference="P-2").lines.get().sale == sale


def test_a_payout_that_only_charges_for_a_sale_is_not_the_one_that_is_announced_for_it(
    market: Market, sale: Sale
) -> None:
    market.alpha.coming = RemotePayment("", None, Decimal("151.20"), "USD", (line_of(sale.platform_sale_id),))
    pays(market)
    announced = Payout.objects.get()
    charge = PaymentLine(sale.platform_sale_id, Decimal(0), Decimal(0), Decimal("5.00"), Decimal("-5.00"), "Late")
    pays(market, paid_for("P-1", charge))
    assert Payout.objects.get(reference="next") == announced
    told = Alert.objects.get(kind="payout", object_id=str(Payout.objects.get(reference="P-1").pk))
    assert told.title == "Alpha takes back $5.00"


def test_of_an_announced_payout_no_day_is_told_while_one_of_its_sales_has_none(market: Market) -> None:
    listing, _ = market.published()
    sold = [market.alpha.sell(listing.external_id, seats) for seats in ((1, 2), (3, 4))]
    for remote in sold:
        market.webhook(remote)
    calendar = PayoutCalendarVersion.objects.create(
        platform="alpha", mode="paper", kind="after_game", days=5, valid_from=now().date(), source="test",
        checked_on=now().date(),
    )  # fmt: skip
    Sale.objects.filter(platform_sale_id=sold[0].sale_id).update(payout_calendar=calendar)
    lines = tuple(line_of(remote.sale_id) for remote in sold)
    market.alpha.coming = RemotePayment("", None, Decimal("302.40"), "USD", lines)
    pays(market)
    assert Payout.objects.get().expected_at is None
    Sale.objects.update(payout_calendar=calendar)
    account_sync_payouts(account=market.accounts["alpha"])
    assert Payout.objects.get().expected_at == market.holding.game.starts_at + timedelta(days=5)


def test_what_was_paid_weeks_ago_is_read_again_and_corrected(
    market: Market, sale: Sale, travel: time_machine.Traveller
) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first)
    travel.shift(timedelta(days=40))
    later = paid_for("P-2")
    pays(market, first, later)
    pays(market, replace(corrected(sale.platform_sale_id), paid_at=first.paid_at), later)
    assert Payout.objects.get(reference="P-1").net == Decimal("121.20")


def test_i25_money_in_another_currency_pays_no_sale_is_kept_and_is_said(
    market: Market, sale: Sale, client: Client
) -> None:
    told, sale_id = Alert.objects.filter(kind="payout.unexplained"), sale.platform_sale_id
    charged = replace(line_of(sale_id), penalty=Decimal("30.00"), net=Decimal("121.20"))
    pays(market, paid_for("P-1", charged, currency="EUR"))
    payout, line = Payout.objects.get(), PayoutLine.objects.get()
    assert (payout.currency, payout.unexplained) == ("EUR", Decimal("121.20"))
    assert (line.sale, line.net) == (sale, Decimal("121.20"))
    sale = market.sale()
    assert (sale.state, sale.charged, received_for(sale).net) == (SaleState.FULFILLED, Decimal("0.00"), Decimal("0.00"))
    assert list(sales_awaited(market.holding.actor)) == [sale]
    assert (told.get().severity, told.get().state) == ("action", "firing")
    assert "It is in EUR, and has sales in USD: for them it is not counted." in told.get().body
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).content.decode()
    assert ("not counted: the sale is in USD" in page, "\N{EURO SIGN}121.20" in page) == (True, True)
    assert "not explained" in client.get(reverse("listings:payout_list")).content.decode()
    # Its marketplace corrects itself.
    pays(market, paid_for("P-1", line_of(sale_id)))
    payout.refresh_from_db()
    assert (payout.currency, payout.unexplained, told.get().state) == ("USD", Decimal("0.00"), "recovered")
    assert (market.sale().state, received_for(sale).net) == (SaleState.COMPLETE, Decimal("151.20"))


def test_lines_in_another_currency_are_said_even_where_they_come_to_nothing(market: Market) -> None:
    listing, _ = market.published()
    sold = [market.alpha.sell(listing.external_id, seats) for seats in ((1, 2), (3, 4))]
    for remote in sold:
        market.webhook(remote)
    lines = (line_of(sold[0].sale_id, "20.00", "20.00"), line_of(sold[1].sale_id, "-20.00", "-20.00"))
    pays(market, paid_for("P-1", *lines, currency="EUR"))
    assert Payout.objects.get().unexplained == Decimal("0.00")
    assert Alert.objects.get(kind="payout.unexplained").state == "firing"


def test_a_sale_that_is_paid_twice_is_said_once_until_it_is_corrected(
    market: Market, sale: Sale, client: Client
) -> None:
    first, again = (paid_for(reference, line_of(sale.platform_sale_id)) for reference in ("P-1", "P-2"))
    pays(market, first)
    assert not Alert.objects.filter(kind="payout.too_much").exists()
    pays(market, first, again)
    alert = Alert.objects.get(kind="payout.too_much")
    assert (alert.user_id, alert.severity) == (market.holding.user.pk, "action")
    assert alert.title == "Alpha paid $151.20 more than a sale brought"
    assert "$302.40 came, and $151.20 was to come. Keep $151.20 apart" in alert.body
    client.force_login(market.holding.user)
    page = reverse("listings:sale_detail", args=[sale.pk])
    assert "Too much" in client.get(page).content.decode()
    # What was seen is not said again.
    Alert.objects.filter(pk=alert.pk).update(acknowledged_at=now())
    pays(market, first, again)
    payouts_check()
    assert Alert.objects.filter(kind="payout.too_much").count() == 1
    pays(market, first, again, paid_for("P-3", line_of(sale.platform_sale_id, "-151.20", "-168.00")))
    alert.refresh_from_db()
    assert alert.state == "recovered"
    assert "Too much" not in client.get(page).content.decode()


@pytest.mark.parametrize(("net", "said"), [("151.22", False), ("151.23", True), ("1512.00", True)])
def test_more_than_a_cent_a_ticket_above_is_too_much(market: Market, sale: Sale, net: str, *, said: bool) -> None:
    pays(market, paid_for("P-1", line_of(sale.platform_sale_id, net, net)))
    assert Alert.objects.filter(kind="payout.too_much").exists() == said


def test_what_is_lacking_is_told_with_its_amount_of_today_and_names_what_was_taken_back(
    market: Market, sale: Sale
) -> None:
    short = paid_for("P-1", line_of(sale.platform_sale_id, "131.20"))
    pays(market, short)
    alert = Alert.objects.get(kind="payout.short")
    assert alert.title == "Alpha paid $20.00 less than a sale brought"
    Alert.objects.filter(pk=alert.pk).update(acknowledged_at=now())
    rest = paid_for("P-2", line_of(sale.platform_sale_id, "10.00", "10.00"))
    pays(market, short, rest)
    alert.refresh_from_db()
    assert alert.title == "Alpha paid $10.00 less than a sale brought"
    back = paid_for("P-3", line_of(sale.platform_sale_id, "-40.00", "-40.00"))
    pays(market, short, rest, back)
    alert.refresh_from_db()
    assert alert.title == "Alpha took back $40.00 of a sale, and $50.00 is lacking"
    assert "$101.20 of $151.20 is left. It took back $40.00 of what it had paid." in alert.body
    # What is taken back and paid anew is no matter of this sale any more.
    pays(market, short, rest, back, paid_for("P-4", line_of(sale.platform_sale_id, "50.00", "50.00")))
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_money_for_a_sale_that_is_over_is_said_until_it_is_taken_back(market: Market, sale: Sale) -> None:
    cancelled = market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=cancelled)
    first = paid_for("P-1", line_of(sale.platform_sale_id))
    pays(market, first)
    alert = Alert.objects.get(kind="payout.too_much")
    assert (alert.title, alert.severity) == ("Alpha paid $151.20 for a sale that is over", "action")
    assert "$151.20 came after that, and no money comes of it. Keep $151.20 apart" in alert.body
    pays(market, first, paid_for("P-2", line_of(sale.platform_sale_id, "-151.20", "-168.00")))
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_what_came_before_a_sale_was_over_is_said_by_its_ending_alone(market: Market, sale: Sale) -> None:
    first = paid_for("P-1", line_of(sale.platform_sale_id))
    pays(market, first)
    cancelled = market.alpha.move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
    sale_apply(account=market.accounts["alpha"], remote=cancelled)
    pays(market, first)
    payouts_check()
    assert "what was paid is taken back" in Alert.objects.filter(kind="sale.cancelled").latest("raised_at").body
    assert not Alert.objects.filter(kind="payout.too_much").exists()
    pays(market, first, paid_for("P-2", line_of(sale.platform_sale_id, "10.00", "10.00")))
    assert Alert.objects.get(kind="payout.too_much").title == "Alpha paid $10.00 for a sale that is over"


def test_a_payout_that_came_back_is_paid_no_more_and_neither_are_its_sales(
    market: Market, sale: Sale, client: Client
) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first)
    for _ in range(2):
        pays(market, replace(first, paid_at=None))
    payout = Payout.objects.get()
    assert (payout.state, payout.paid_at, payout.net) == ("returned", None, Decimal("151.20"))
    sale = market.sale()
    assert (sale.state, received_for(sale).paid) == (SaleState.FULFILLED, False)
    assert list(sales_awaited(market.holding.actor)) == [sale]
    alert = Alert.objects.get(kind="payout.returned")
    assert (alert.user_id, alert.severity, alert.state) == (market.holding.user.pk, "action", "firing")
    assert alert.count == 1
    assert Alert.objects.get(kind="payout").state == "recovered"
    entry = AuditEntry.objects.get(verb="payout.returned")
    assert (audit_read(entry) or {})["before"]["net"] == "151.20"
    moved = AuditEntry.objects.filter(verb="sale.moved", object_id=str(sale.pk)).latest("at")
    assert (audit_read(moved) or {})["after"]["state"] == "fulfilled"
    client.force_login(market.holding.user)
    assert "came back" in client.get(reverse("listings:payout_list")).text
    detail = client.get(reverse("listings:sale_detail", args=[sale.pk])).text
    assert "Came back" in detail
    # It is paid anew, and that counts.
    pays(market, first)
    payout.refresh_from_db()
    alert.refresh_from_db()
    assert (payout.state, payout.returned_at, alert.state) == ("paid", None, "recovered")
    assert (market.sale().state, received_for(sale).net) == (SaleState.COMPLETE, Decimal("151.20"))


def test_a_payout_that_is_told_as_nothing_later_came_back(market: Market, sale: Sale) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first)
    for _ in range(2):
        pays(market, replace(first, net=Decimal(0), lines=()))
    payout = Payout.objects.get()
    assert (payout.state, payout.net, market.sale().state) == ("returned", Decimal(0), SaleState.FULFILLED)
    assert Alert.objects.get(kind="payout.returned").count == 1
    assert AuditEntry.objects.filter(verb="payout.corrected").count() == 1
    pays(market, first)
    payout.refresh_from_db()
    assert (payout.state, market.sale().state) == ("paid", SaleState.COMPLETE)
    assert Alert.objects.get(kind="payout.returned").state == "recovered"


def test_what_came_back_as_nothing_and_is_announced_anew_is_not_paid(market: Market, sale: Sale) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first, replace(first, net=Decimal(0), lines=()))
    assert Payout.objects.get().state == "returned"
    pays(market, replace(first, paid_at=None))
    again = market.sale()
    assert (received_for(again).paid, again.state) == (False, SaleState.FULFILLED)


def test_the_sale_of_a_payout_that_came_back_may_be_paid_by_another_one(market: Market, sale: Sale) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first)
    pays(market, replace(first, paid_at=None))
    pays(market, replace(first, paid_at=None), paid_for("P-2", line_of(sale.platform_sale_id)))
    assert Payout.objects.get(reference="P-1").state == "returned"
    assert (market.sale().state, received_for(sale).net) == (SaleState.COMPLETE, Decimal("151.20"))
    assert not Alert.objects.filter(kind="payout.too_much").exists()


def test_a_sale_that_another_payout_has_paid_as_well_stays_complete_where_one_comes_back(
    market: Market, sale: Sale
) -> None:
    first, again = payment(sale.platform_sale_id), paid_for("P-2", line_of(sale.platform_sale_id))
    pays(market, first, again)
    # The one that came back is told last: nothing that is read after it puts the sale right.
    pays(market, again, replace(first, paid_at=None))
    assert Payout.objects.get(reference="P-1").state == "returned"
    assert (market.sale().state, received_for(sale).net) == (SaleState.COMPLETE, Decimal("151.20"))


def test_that_a_sale_is_complete_its_marketplace_says_in_vain_while_its_money_came_back(
    market: Market, sale: Sale
) -> None:
    first, account = payment(sale.platform_sale_id), market.accounts["alpha"]
    complete = market.alpha.move(sale.platform_sale_id, RemoteSaleState.COMPLETE)
    sale_apply(account=account, remote=complete)
    pays(market, first)
    pays(market, replace(first, paid_at=None))
    version = market.sale().version
    sale_apply(account=account, remote=complete)
    assert (market.sale().state, market.sale().version) == (SaleState.FULFILLED, version)
    pays(market, first)
    assert market.sale().state == SaleState.COMPLETE


def test_what_is_announced_once_more_under_the_number_of_what_was_paid_did_not_come_back(
    market: Market, sale: Sale
) -> None:
    first = payment(sale.platform_sale_id)
    market.alpha.coming = replace(first, paid_at=None)
    for _ in range(2):
        pays(market, first)
    assert (Payout.objects.get().state, market.sale().state) == ("paid", SaleState.COMPLETE)
    assert not Alert.objects.filter(kind="payout.returned").exists()


def test_that_a_payout_came_back_is_said_no_more_once_another_one_paid_its_sales(market: Market, sale: Sale) -> None:
    first = payment(sale.platform_sale_id)
    pays(market, first, replace(first, paid_at=None))
    alert = Alert.objects.get(kind="payout.returned")
    assert alert.state == "firing"
    pays(market, replace(first, reference="P-2"))
    alert.refresh_from_db()
    assert (market.sale().state, alert.state) == (SaleState.COMPLETE, "recovered")


def test_a_charge_alone_that_came_back_was_no_money_for_its_sale(market: Market, sale: Sale) -> None:
    cost = Decimal("5.00")
    line = PaymentLine(sale.platform_sale_id, Decimal(0), Decimal(0), cost, -cost)
    charge = RemotePayment("P-5", now(), -cost, "USD", (line,))
    pays(market, charge, replace(charge, paid_at=None))
    alert = Alert.objects.get(kind="payout.returned")
    assert alert.title.endswith("says no more that it took $5.00")
    assert "wait for their money" not in alert.body
    sale_apply(
        account=market.accounts["alpha"], remote=market.alpha.move(sale.platform_sale_id, RemoteSaleState.COMPLETE)
    )
    assert market.sale().state == SaleState.COMPLETE


def test_a_settled_penalty_stays_settled_where_its_deposit_came_back_and_is_paid_anew(
    market: Market, sale: Sale
) -> None:
    line = PaymentLine(
        sale.platform_sale_id, Decimal("168.00"), Decimal("16.80"), Decimal("30.00"), Decimal("121.20")
    )  # fmt: skip
    first = RemotePayment("P-1", now(), Decimal("121.20"), "USD", (line,))
    pays(market, first)
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what="settled", reason="it was late")
    pays(market, replace(first, paid_at=None))
    pays(market, first)
    again = market.sale()
    assert (again.charge_settled, again.penalty_reason, again.ending) == (Decimal("30.00"), "", "")
    assert not Alert.objects.filter(kind="payout.short", state="firing").exists()
