"""What is charged or taken back for sales whose payouts nobody reads, as their holder says it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Payout, Sale, SaleEnding, SaleState
from listings.payables import received_for
from listings.services.by_hand import hand_sold
from listings.services.charged_by_hand import sale_charged
from listings.services.paid_by_hand import sale_paid
from listings.services.payouts import payout_apply, payout_receive
from listings.services.sale_report import sale_report
from marketplaces.contracts import PaymentLine, RemotePayment
from marketplaces.models import MarketplaceAccount, Mode
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.hands import up
from tests.market import Market

pytestmark = pytest.mark.django_db

OFF = Decimal("25.00")


@pytest.fixture
def paid(market: Market, assisted: MarketplaceAccount) -> Sale:
    """Two seats that sold there by hand, of which $151.20 came."""
    _, beta = up(market, assisted)
    sale = hand_sold(
        actor=market.holding.actor, listing_id=beta.pk, seat_ids=[seat.pk for seat in market.holding.seats[:2]],
        price=Decimal("84.00"), order="A-1001", proceeds=Decimal("151.20"),
    )  # fmt: skip
    sale_paid(actor=market.holding.actor, sale_id=sale.pk, handed_over=True)
    return sale


def said(market: Market, sale: Sale, **changes: Any) -> Payout:
    wish: dict[str, Any] = {"what": "charged", "amount": OFF, "reason": "late transfer"}
    return sale_charged(actor=market.holding.actor, sale_id=sale.pk, **(wish | changes))


def posted(market: Market, name: str, pk: object, body: dict[str, Any], door: str) -> int:
    """The body, sent by the page's form or over the API."""
    if door == "page":
        client = Client()
        client.force_login(market.holding.user)
        return client.post(reverse(f"listings:{name}", args=[pk]), body).status_code
    client = bearer(market.holding.user)
    return client.post(reverse(f"api:{name}", args=[pk]), body, content_type="application/json").status_code


@pytest.mark.parametrize(("door", "done"), [("page", 302), ("api", 201)])
def test_a_penalty_is_a_payout_of_less_and_stands_on_the_sale(market: Market, paid: Sale, door: str, done: int) -> None:
    client = Client()
    client.force_login(market.holding.user)
    detail = reverse("listings:sale_detail", args=[paid.pk])
    assert reverse("listings:sale_charged", args=[paid.pk]) in client.get(detail).text
    body = {"what": "charged", "amount": "25.00", "reason": "late transfer"}
    assert posted(market, "sale_charged", paid.pk, body, door) == done
    payout, first = Payout.objects.order_by("-created_at")
    line = payout.lines.get()
    assert (payout.reference, payout.net, payout.penalty, payout.unexplained) == (
        "charged by hand A-1001", -OFF, OFF, Decimal(0),
    )  # fmt: skip
    assert (line.sale, line.gross, line.penalty, line.net, line.note) == (paid, Decimal(0), OFF, -OFF, "late transfer")
    assert (first.net, first.lines.get().net) == (Decimal("151.20"), Decimal("151.20"))
    paid.refresh_from_db()
    assert (paid.charged, paid.ending, paid.ending_reason) == (OFF, SaleEnding.PENALTY, "late transfer")
    assert received_for(paid).net == Decimal("126.20")
    assert "charged by hand A-1001: late transfer" in client.get(detail).text
    # Sent twice it was charged once.
    assert posted(market, "sale_charged", paid.pk, body, door) == {"page": 422, "api": 409}[door]
    assert Payout.objects.count() == 2


def test_each_reason_is_a_charge_of_its_own(market: Market, paid: Sale) -> None:
    said(market, paid)
    assert said(market, paid, reason="barcode failed", amount=Decimal("10.00")).reference == (
        "charged by hand A-1001 (2)"
    )
    paid.refresh_from_db()
    assert paid.charged == Decimal("35.00")


def test_of_a_sale_that_is_over_the_money_is_taken_back_and_the_replacement_charged(market: Market, paid: Sale) -> None:
    sale_report(actor=market.holding.actor, sale_id=paid.pk, what="replacement", reason="they bought others")
    said(market, paid, what="taken_back", amount=Decimal("151.20"), reason="they wrote so")
    said(market, paid, reason="the other tickets")
    paid.refresh_from_db()
    assert (paid.state, paid.charged, received_for(paid).net) == (SaleState.CANCELLED, OFF, -OFF)
    assert not Alert.objects.filter(kind="payout.too_much", state="firing").exists()
    back = Payout.objects.get(reference="taken back by hand A-1001")
    assert (back.gross, back.penalty, back.net) == (Decimal("-151.20"), Decimal(0), Decimal("-151.20"))


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_wrong_charge_is_put_right_down_to_nothing_and_the_audit_keeps_it(
    market: Market, paid: Sale, door: str
) -> None:
    payout = said(market, paid, amount=Decimal("250.00"))
    client = Client()
    client.force_login(market.holding.user)
    form = f'action="{reverse("listings:payout_received", args=[payout.pk])}"'
    assert form in client.get(reverse("listings:payout_list")).text
    for right in (OFF, Decimal("0.00"), OFF):
        assert posted(market, "payout_received", payout.pk, {"amount": str(right)}, door) in {200, 302}
        payout.refresh_from_db()
        paid.refresh_from_db()
        line = payout.lines.get()
        assert (payout.net, payout.penalty, payout.unexplained) == (-right, right, Decimal(0))
        assert (line.penalty, line.net, paid.charged) == (right, -right, right)
    entry = AuditEntry.objects.filter(verb="payout.corrected", object_id=str(payout.pk)).order_by("pk").first()
    content = audit_read(entry) if entry is not None else None
    assert content is not None
    assert content["before"]["net"] == "-250.00"


def test_only_the_owner_of_an_account_that_nobody_reads_says_it(market: Market, paid: Sale) -> None:
    wish: dict[str, Any] = {"sale_id": paid.pk, "what": "charged", "amount": OFF, "reason": "late"}
    for stranger in (market.holding.other, market.holding.outsider):
        with pytest.raises(NotFound):
            sale_charged(actor=stranger, **wish)
    with pytest.raises(NotAllowed):
        sale_charged(actor=market.holding.co_owner, **wish)
    for wrong in ({"amount": Decimal(0)}, {"amount": Decimal(-5)}, {"reason": " "}, {"what": "eaten"}):
        with pytest.raises(InvalidInput):
            said(market, paid, **wrong)
    Sale.objects.update(account=market.accounts["alpha"])
    with pytest.raises(Conflict, match="says itself what it charges"):
        said(market, paid)
    assert Payout.objects.count() == 1


def test_what_its_marketplace_tells_as_well_counts_once(market: Market, paid: Sale) -> None:
    payout = said(market, paid)
    said(market, paid, reason="another one", amount=Decimal("10.00"))
    account = paid.account
    MarketplaceAccount.objects.filter(pk=account.pk).update(mode=Mode.LIVE)
    account.refresh_from_db()
    line = PaymentLine(paid.platform_sale_id, Decimal(0), Decimal(0), OFF, -OFF, "Late transfer fee")
    for _ in range(2):
        payout_apply(account=account, remote=RemotePayment("P-9", now(), -OFF, "USD", (line,)))
    payout.refresh_from_db()
    paid.refresh_from_db()
    assert (payout.net, payout.lines.get().left_out, paid.charged) == (Decimal(0), True, Decimal("35.00"))
    with pytest.raises(Conflict, match="says itself"):
        payout_receive(actor=market.holding.actor, payout_id=payout.pk, amount=OFF)


def tells(sale: Sale, reference: str, penalty: str, *, note: str = "Late transfer fee") -> None:
    """The account is read by now, and its marketplace tells of a charge for the sale."""
    account = MarketplaceAccount.objects.get(pk=sale.account_id)
    MarketplaceAccount.objects.filter(pk=account.pk).update(mode=Mode.LIVE)
    account.refresh_from_db()
    cost = Decimal(penalty)
    line = PaymentLine(sale.platform_sale_id, Decimal(0), Decimal(0), cost, -cost, note)
    payout_apply(account=account, remote=RemotePayment(reference, now(), -cost, "USD", (line,)))


def charged(sale: Sale) -> Decimal:
    sale.refresh_from_db()
    return sale.charged


@pytest.mark.parametrize("told", ["30.00", "20.00"])
def test_a_charge_that_its_marketplace_tells_with_another_amount_is_one_charge(
    market: Market, paid: Sale, told: str
) -> None:
    payout = said(market, paid)
    for _ in range(2):
        tells(paid, "P-9", told)
    payout.refresh_from_db()
    assert (charged(paid), payout.net, payout.lines.get().left_out) == (Decimal(told), Decimal(0), True)
    assert payout.told_with == Payout.objects.get(reference="P-9")
    assert received_for(paid).net == Decimal("151.20") - Decimal(told)
    # What he had said stays visible, and the difference is said once.
    kept = audit_read(AuditEntry.objects.get(verb="payout.corrected", object_id=str(payout.pk)))
    assert kept is not None
    assert kept["before"]["net"] == "-25.00"
    alert = Alert.objects.get(kind="payout.other_charge")
    assert (alert.count, alert.severity) == (1, "action")
    assert f"You said $25.00 (late transfer), and payout P-9 says ${told} (Late transfer fee)" in alert.body
    client = Client()
    client.force_login(market.holding.user)
    assert "told with payout P-9" in client.get(reverse("listings:payout_list")).text


def test_money_taken_back_with_another_amount_is_taken_back_once(market: Market, paid: Sale) -> None:
    payout = said(market, paid, what="taken_back", amount=Decimal("151.20"), reason="they wrote so")
    tells(paid, "P-8", "25.00")
    payout.refresh_from_db()
    # A charge is no money that is taken back.
    assert payout.net == Decimal("-151.20")
    line = PaymentLine(paid.platform_sale_id, Decimal("-150.00"), Decimal(0), Decimal("5.00"), Decimal("-155.00"))
    remote = RemotePayment("P-9", now(), Decimal("-155.00"), "USD", (line,))
    payout_apply(account=MarketplaceAccount.objects.get(pk=paid.account_id), remote=remote)
    payout.refresh_from_db()
    assert (payout.net, received_for(paid).net) == (Decimal(0), Decimal("151.20") - Decimal("180.00"))
    assert "You said $151.20" in Alert.objects.get(kind="payout.other_charge").body


def test_which_of_two_charges_it_is_a_person_decides(market: Market, paid: Sale) -> None:
    first, second = said(market, paid), said(market, paid, reason="another one", amount=Decimal("10.00"))
    for _ in range(2):
        tells(paid, "P-9", "30.00")
    assert charged(paid) == Decimal("65.00")
    alert = Alert.objects.get(kind="payout.unsure")
    assert (alert.state, alert.severity, alert.count) == ("firing", "action", 1)
    assert "Payout P-9 takes $30.00 (Late transfer fee)" in alert.body
    assert "You said $25.00 (late transfer), $10.00 (another one)" in alert.body
    client = Client()
    client.force_login(market.holding.user)
    assert f'action="{reverse("listings:payout_received", args=[first.pk])}"' in (
        client.get(reverse("listings:payout_list")).text
    )
    # Another amount only its marketplace says; that it is the same charge its holder does.
    assert posted(market, "payout_received", first.pk, {"amount": "5.00"}, "api") == 409
    assert posted(market, "payout_received", first.pk, {"amount": "0.00"}, "api") == 200
    second.refresh_from_db()
    alert.refresh_from_db()
    assert (charged(paid), second.net, alert.state) == (Decimal("40.00"), Decimal("-10.00"), "recovered")


def test_charges_that_are_told_in_one_sum_are_those_that_were_said(market: Market, paid: Sale) -> None:
    both = [said(market, paid), said(market, paid, reason="another one", amount=Decimal("10.00"))]
    for _ in range(2):
        tells(paid, "P-9", "35.00")
    assert charged(paid) == Decimal("35.00")
    assert {Payout.objects.get(pk=one.pk).net for one in both} == {Decimal(0)}
    assert not Alert.objects.filter(kind__in=["payout.other_charge", "payout.unsure"]).exists()


def test_of_two_equal_charges_one_that_is_told_is_one(market: Market, paid: Sale) -> None:
    said(market, paid)
    said(market, paid, reason="another one")
    for _ in range(2):
        tells(paid, "P-9", "25.00")
    assert charged(paid) == Decimal("50.00")
    # The other one is told with the same payout later.
    tells(paid, "P-9", "50.00")
    assert charged(paid) == Decimal("50.00")


def test_a_charge_that_was_told_before_is_none_that_is_said_later(market: Market, paid: Sale) -> None:
    tells(paid, "P-5", "30.00")
    MarketplaceAccount.objects.filter(pk=paid.account_id).update(mode=Mode.ASSISTED)
    said(market, paid)
    tells(paid, "P-5", "30.00")
    assert charged(paid) == Decimal("55.00")
    assert not Alert.objects.filter(kind__in=["payout.other_charge", "payout.unsure"]).exists()


def returned(sale: Sale, reference: str, penalty: str) -> None:
    """Its marketplace tells that what it took is not made any more."""
    account, cost = MarketplaceAccount.objects.get(pk=sale.account_id), Decimal(penalty)
    line = PaymentLine(sale.platform_sale_id, Decimal(0), Decimal(0), cost, -cost, "Late transfer fee")
    payout_apply(account=account, remote=RemotePayment(reference, None, -cost, "USD", (line,)))


@pytest.mark.parametrize("meanwhile", ["came back", "came to nothing"])
def test_what_answers_one_charge_answers_no_other_when_it_is_told_anew(
    market: Market, paid: Sale, meanwhile: str
) -> None:
    said(market, paid)
    said(market, paid, reason="another one")
    tells(paid, "P-9", "25.00")
    if meanwhile == "came back":
        returned(paid, "P-9", "25.00")
        first = Payout.objects.get(told_with__reference="P-9")
        with pytest.raises(Conflict, match="with payout P-9, which came back"):
            payout_receive(actor=market.holding.actor, payout_id=first.pk, amount=Decimal(0))
    else:
        tells(paid, "P-9", "0.00")
    tells(paid, "P-9", "25.00")
    assert charged(paid) == Decimal("50.00")


def test_a_question_is_over_once_its_marketplace_tells_the_sum(market: Market, paid: Sale) -> None:
    said(market, paid)
    said(market, paid, reason="another one", amount=Decimal("10.00"))
    tells(paid, "P-9", "30.00")
    assert Alert.objects.get(kind="payout.unsure").state == "firing"
    tells(paid, "P-9", "35.00")
    assert (charged(paid), Alert.objects.get(kind="payout.unsure").state) == (Decimal("35.00"), "recovered")


def test_each_payout_asks_for_itself_and_each_zero_answers_one(market: Market, paid: Sale) -> None:
    said(market, paid)
    second = said(market, paid, reason="another one", amount=Decimal("10.00"))
    tells(paid, "P-9", "30.00")
    tells(paid, "P-10", "40.00")
    asked = Alert.objects.filter(kind="payout.unsure", state="firing").order_by("raised_at")
    assert [f"Payout {name} takes" in one.body for name, one in zip(("P-9", "P-10"), asked, strict=True)] == [True] * 2
    payout_receive(actor=market.holding.actor, payout_id=second.pk, amount=Decimal(0))
    assert [one.body.count("P-10") for one in asked.all()] == [1]


def test_a_zero_that_was_written_for_the_wrong_charge_is_put_right(market: Market, paid: Sale) -> None:
    first = said(market, paid)
    said(market, paid, reason="another one", amount=Decimal("10.00"))
    tells(paid, "P-9", "30.00")
    payout_receive(actor=market.holding.actor, payout_id=first.pk, amount=Decimal(0))
    for wrong in (Decimal("24.00"), Decimal("26.00")):
        with pytest.raises(Conflict, match="says itself"):
            payout_receive(actor=market.holding.actor, payout_id=first.pk, amount=wrong)
    client = Client()
    client.force_login(market.holding.user)
    form = f'action="{reverse("listings:payout_received", args=[first.pk])}"'
    assert form in client.get(reverse("listings:payout_list")).text
    assert posted(market, "payout_received", first.pk, {"amount": "25.00"}, "page") == 302
    assert charged(paid) == Decimal("65.00")


@pytest.mark.parametrize("amount", ["151.20", "150.00"])
def test_money_that_was_said_to_be_taken_back_is_not_taken_twice_where_its_payout_comes_back(
    market: Market, paid: Sale, amount: str
) -> None:
    said(market, paid, what="taken_back", amount=Decimal(amount), reason="they wrote so")
    MarketplaceAccount.objects.filter(pk=paid.account_id).update(mode=Mode.LIVE)
    account = MarketplaceAccount.objects.get(pk=paid.account_id)
    line = PaymentLine(paid.platform_sale_id, Decimal("168.00"), Decimal("16.80"), Decimal(0), Decimal("151.20"))
    first = RemotePayment("P-1", now(), Decimal("151.20"), "USD", (line,))
    payout_apply(account=account, remote=first)
    for _ in range(2):
        payout_apply(account=account, remote=replace(first, paid_at=None))
    asked = Alert.objects.filter(kind="payout.unsure")
    if amount == "151.20":
        assert (received_for(paid).net, asked.exists()) == (Decimal(0), False)
        payout_apply(account=account, remote=first)
        assert received_for(paid).net == Decimal("151.20")
        return
    assert (received_for(paid).net, asked.get().count) == (-Decimal(amount), 1)
    assert "Payout P-1 came back, with $151.20 for it. You said $150.00 (they wrote so)" in asked.get().body
