"""Getting paid by each platform's own calendar, through the real adapters; what is late, short or announced."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.expected import expectation_of
from listings.models import Payout, PayoutLine, Sale, SaleState
from listings.payables import GRACE
from listings.services.payout_checks import payouts_check
from listings.services.payouts import accounts_sync_payouts, payout_apply, payout_receive
from listings.services.sync import account_sync_sales
from marketplaces.models import Mode, PayoutCalendarVersion
from marketplaces.registry import adapter_get, adapter_keys
from marketplaces.selectors import payout_calendar
from marketplaces.services.links import over_link
from marketplaces.simulator.dialects import platforms, rules_of
from portfolios.models import Game
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotFound
from seatsync.core.models import AuditEntry
from seatsync.core.venue_time import day_told, local
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.listings.selling import Seller
from tests.listings.simulated import control

pytestmark = pytest.mark.django_db
# What the simulator's calendars come to, from the game's start and the hand-over.
DUE: dict[str, Callable[[datetime, datetime], datetime]] = {
    "stubhub": lambda game, over: game + timedelta(days=5),
    "vividseats": lambda game, over: game + timedelta(days=10),
    "ticketmaster": lambda game, over: over + timedelta(days=7),
    "gametime": lambda game, over: over + timedelta(days=3),
    "seatgeek": lambda game, over: next(
        day for day in (over.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=n) for n in (
            1, 2, 3, 4, 5, 6, 7,
        )) if day.weekday() == 2
    ),
}  # fmt: skip


at_every_platform = pytest.mark.parametrize("seller", adapter_keys(), indirect=True)


@at_every_platform
def test_a_sale_is_paid_on_its_platforms_own_calendar(seller: Seller) -> None:
    sale, platform = seller.sale, seller.account.platform
    assert (sale.state, sale.delivered_at) == (SaleState.FULFILLED, now())
    due = DUE[platform](seller.holding.game.starts_at, now())
    assert expectation_of(sale).at == due
    seller.go(due - timedelta(minutes=1))
    assert not Payout.objects.filter(paid_at__isnull=False).exists()
    assert seller.sale.state == SaleState.FULFILLED
    seller.go(due)
    payout = Payout.objects.get()
    assert (payout.net, payout.unexplained, payout.lines.get().sale) == (sale.proceeds, Decimal("0.00"), sale)
    if platform == "gametime":
        # It never says that it paid: its holder does.
        assert (payout.paid_at, payout.expected_at, seller.sale.state) == (None, due, SaleState.FULFILLED)
        payout_receive(actor=seller.holding.actor, payout_id=payout.pk)
        payout.refresh_from_db()
    assert payout.paid_at == due
    assert seller.sale.state == SaleState.COMPLETE
    assert seller.alert("payout" if platform != "gametime" else "sale.sold").state in {"firing", "recovered"}
    # Told again and again it stays one, and nothing is late or short.
    seller.go(due + GRACE + timedelta(days=1))
    assert (Payout.objects.count(), PayoutLine.objects.count()) == (1, 1)
    assert not Alert.objects.filter(kind__in=["payout.late", "payout.short", "payout.unexplained"]).exists()


@pytest.mark.parametrize("seller", ["stubhub", "seatgeek"], indirect=True)
def test_what_is_announced_becomes_what_is_paid(seller: Seller) -> None:
    accounts_sync_payouts()
    announced = Payout.objects.get()
    due = expectation_of(seller.sale).at
    assert due is not None
    assert (announced.reference, announced.paid_at, announced.expected_at) == ("next", None, due)
    assert (announced.state, announced.net) == ("announced", seller.sale.proceeds)
    # It is no money yet: nobody is told, and the sale waits.
    assert not Alert.objects.filter(kind__startswith="payout").exists()
    seller.go(due)
    paid = Payout.objects.get()
    assert (paid.pk, paid.paid_at, paid.expected_at) == (announced.pk, due, due)
    assert paid.reference not in {"", "next"}
    assert seller.alert("payout").title.endswith(f"pays ${paid.net}")


def test_an_announcement_changes_quietly_and_the_payout_keeps_what_was_announced(seller: Seller) -> None:
    accounts_sync_payouts()
    charge = {"sale_id": int(seller.sale.platform_sale_id), "amount": "30.00", "reason": "Failed delivery fee"}
    control("charge", **charge)
    accounts_sync_payouts()
    announced = Payout.objects.get()
    assert (announced.penalty, announced.net) == (Decimal("30.00"), seller.sale.proceeds - 30)
    assert not AuditEntry.objects.filter(verb__startswith="payout").exists()
    due = expectation_of(seller.sale).at
    assert due is not None
    control("charge", **{**charge, "amount": "5.00"})
    seller.go(due)
    paid = Payout.objects.get()
    assert (paid.pk, paid.penalty, paid.paid_at) == (announced.pk, Decimal("35.00"), due)
    content = audit_read(AuditEntry.objects.get(verb="payout.paid"))
    assert content is not None
    assert (content["before"]["penalty"], content["after"]["penalty"]) == ("30.00", "35.00")


def test_what_is_announced_no_more_is_shown_no_more(seller: Seller, client: Client) -> None:
    accounts_sync_payouts()
    client.force_login(seller.holding.user)
    url = reverse("listings:payout_list")
    assert "the next one" in client.get(url).content.decode()
    control("advance", sale_id=int(seller.sale.platform_sale_id), to="cancelled")
    accounts_sync_payouts()
    assert PayoutLine.objects.get().net == Decimal("0.00")
    assert "No payout yet." in client.get(url).content.decode()


@pytest.mark.parametrize("seller", ["gametime"], indirect=True)
def test_what_was_announced_of_a_purchase_that_is_taken_back_is_announced_no_more(
    seller: Seller, client: Client
) -> None:
    accounts_sync_payouts()
    client.force_login(seller.holding.user)
    url = reverse("listings:payout_list")
    assert "announced" in client.get(url).content.decode()
    control("advance", sale_id=int(seller.sale.platform_sale_id), to="cancelled")
    seller.travel.shift(timedelta(minutes=2))
    account_sync_sales(account=seller.account)
    assert seller.sale.state == SaleState.CANCELLED
    accounts_sync_payouts()
    assert PayoutLine.objects.get().net == Decimal("0.00")
    assert "No payout yet." in client.get(url).content.decode()
    assert bearer(seller.holding.user).get(reverse("api:payouts")).json()["results"] == []
    # Its holder has nothing to wait for, and none of it is late or lacking.
    seller.go(seller.holding.game.starts_at + timedelta(days=40))
    assert not Alert.objects.filter(kind__startswith="payout.").exclude(state="recovered").exists()


def test_the_days_of_money_are_those_at_the_venue(seller: Seller, client: Client) -> None:
    """A game of the evening begins on the next day in UTC, and by how many days its money comes is counted from it."""
    game = seller.holding.game
    evening = local(game.starts_at, game.venue.timezone).replace(hour=19, minute=30)
    Game.objects.filter(pk=game.pk).update(starts_at=evening)
    assert evening.astimezone(UTC).date() == evening.date() + timedelta(days=1)
    expected = expectation_of(seller.sale)
    assert expected.on is not None
    assert expected.on == evening.date() + timedelta(days=5)
    client.force_login(seller.holding.user)
    day = f"{expected.on:%-d %b %Y}"
    for page in (
        client.get(reverse("listings:payout_list") + "?show=awaited"),
        client.get(reverse("listings:sale_detail", args=[seller.sale.pk])),
    ):
        assert day in page.text
    # What is told as a day alone is that day.
    assert day_told(datetime(2026, 12, 4, tzinfo=UTC), game.venue.timezone) == date(2026, 12, 4)
    assert day_told(datetime(2026, 12, 4, 2, 10, tzinfo=UTC), game.venue.timezone) == date(2026, 12, 3)


def test_late_money_is_said_once_and_is_over_when_it_comes(seller: Seller) -> None:
    control("settings", payout={"stubhub": {"kind": "none"}})
    expected = expectation_of(seller.sale)
    due = expected.at
    assert due is not None
    seller.go(due + GRACE - timedelta(minutes=1))
    assert not Alert.objects.filter(kind="payout.late").exists()
    for hours in (0, 1, 2):
        seller.go(due + GRACE + timedelta(hours=hours))
    alert = seller.alert("payout.late")
    assert (alert.state, alert.title) == ("firing", f"StubHub owes $151.20 since {expected.on:%-d %b %Y}")
    assert "5 days after the game" in alert.body
    assert alert.url.endswith(reverse("listings:sale_detail", args=[seller.sale.pk]))
    control("pay", platform="stubhub")
    seller.go(due + GRACE + timedelta(hours=3))
    assert seller.alert("payout.late").state == "recovered"


def test_money_for_tickets_that_were_never_handed_over_is_late_for_a_reason(seller: Seller) -> None:
    control("settings", payout={"stubhub": {"kind": "none"}})
    due = expectation_of(seller.sale).at
    assert due is not None
    Sale.objects.update(delivered_at=None, state=SaleState.CONFIRMED)
    seller.go(due + GRACE)
    assert "was not told that the tickets went to the buyer" in seller.alert("payout.late").body


def test_money_that_is_late_and_then_not_owed_is_late_no_more(seller: Seller) -> None:
    control("settings", payout={"stubhub": {"kind": "none"}})
    due = expectation_of(seller.sale).at
    assert due is not None
    seller.go(due + GRACE)
    assert seller.alert("payout.late").state == "firing"
    control("advance", sale_id=int(seller.sale.platform_sale_id), to="cancelled")
    account_sync_sales(account=seller.account)
    assert seller.sale.state == SaleState.CANCELLED
    assert seller.alert("payout.late").state == "recovered"


@pytest.mark.parametrize("seller", ["gametime"], indirect=True)
def test_where_nobody_says_what_was_paid_its_holder_is_asked(seller: Seller) -> None:
    due = expectation_of(seller.sale).at
    assert due is not None
    seller.go(due + GRACE)
    assert "look at your bank" in seller.alert("payout.late").body
    payout = Payout.objects.get()
    for stranger in (seller.holding.other, seller.holding.outsider, seller.holding.co_owner):
        with pytest.raises(NotFound):
            payout_receive(actor=stranger, payout_id=payout.pk)
    payout_receive(actor=seller.holding.actor, payout_id=payout.pk)
    assert (seller.sale.state, seller.alert("payout.late").state) == (SaleState.COMPLETE, "recovered")
    with pytest.raises(Conflict, match="received already"):
        payout_receive(actor=seller.holding.actor, payout_id=payout.pk)
    # Told again as announced, it stays received.
    seller.go(due + GRACE + timedelta(days=1))
    payout.refresh_from_db()
    assert payout.paid_at == due + GRACE


GAMETIME = pytest.mark.parametrize("seller", ["gametime"], indirect=True)


@GAMETIME
@pytest.mark.parametrize(
    ("came", "kind", "said"),
    [
        ("140.00", "payout.short", "$140.00 of $168.00 came."),
        ("170.00", "payout.too_much", "$170.00 came, and $168.00 was to come."),
    ],
)
def test_what_came_may_be_another_amount_and_is_said_like_any_other(
    seller: Seller, came: str, kind: str, said: str
) -> None:
    seller.go(DUE["gametime"](seller.holding.game.starts_at, now()))
    payout = Payout.objects.get()
    payout_receive(actor=seller.holding.actor, payout_id=payout.pk, amount=Decimal(came))
    # Told again as announced, it stays what came.
    for _ in range(2):
        payout.refresh_from_db()
        assert (payout.net, payout.received, payout.unexplained) == (Decimal(came), Decimal(came), Decimal("0.00"))
        assert (payout.lines.get().net, seller.sale.state) == (Decimal(came), SaleState.COMPLETE)
        assert (seller.alert(kind).state, said in seller.alert(kind).body) == ("firing", True)
        seller.go(now() + timedelta(hours=1))
    content = audit_read(AuditEntry.objects.get(verb="payout.received"))
    assert content is not None
    assert (content["before"]["net"], content["after"]["net"]) == ("168.00", came)
    assert not AuditEntry.objects.filter(verb="payout.corrected").exists()
    assert Alert.objects.filter(kind__startswith="payout").count() == 1


@GAMETIME
def test_of_a_payout_of_several_sales_the_difference_is_nobodys(seller: Seller) -> None:
    seller.go(DUE["gametime"](seller.holding.game.starts_at, now()))
    payout = Payout.objects.get()
    line = payout.lines.get()
    PayoutLine.objects.create(
        payout=payout, tenant_id=payout.tenant_id, platform_sale_id="another", gross=Decimal("50.00"),
        fee=Decimal("0.00"), net=Decimal("50.00"),
    )  # fmt: skip
    Payout.objects.update(net=Decimal("218.00"))
    payout_receive(actor=seller.holding.actor, payout_id=payout.pk, amount=Decimal("217.00"))
    payout.refresh_from_db()
    assert (payout.net, payout.unexplained) == (Decimal("217.00"), Decimal("-1.00"))
    assert PayoutLine.objects.get(pk=line.pk).net == Decimal("168.00")
    assert "leave \N{MINUS SIGN}$1.00 of $217.00" in seller.alert("payout.unexplained").body


@GAMETIME
@pytest.mark.parametrize("amount", ["0", "-5.00", "1.005", "NaN", "Infinity", "100000000.00"])
def test_what_cannot_have_come_is_refused(seller: Seller, amount: str) -> None:
    seller.go(DUE["gametime"](seller.holding.game.starts_at, now()))
    with pytest.raises(InvalidInput) as caught:
        payout_receive(actor=seller.holding.actor, payout_id=Payout.objects.get().pk, amount=Decimal(amount))
    assert [problem.field for problem in caught.value.problems] == ["amount"]
    assert (Payout.objects.get().paid_at, seller.sale.state) == (None, SaleState.FULFILLED)


@GAMETIME
def test_page_and_api_take_what_came(seller: Seller, client: Client) -> None:
    seller.go(DUE["gametime"](seller.holding.game.starts_at, now()))
    payout = Payout.objects.get()
    client.force_login(seller.holding.user)
    url, page = reverse("listings:payout_received", args=[payout.pk]), reverse("listings:payout_list")
    assert 'name="amount"' in client.get(page).content.decode()
    for wrong, words in (("much", "is not an amount"), ("-1", "cannot be what came"), ("0", "cannot be what came")):
        assert words in client.post(url, {"amount": wrong}, follow=True).content.decode()
    api, path = bearer(seller.holding.user), f"/api/v1/payouts/{payout.pk}/received/"
    for wrong in ("much", "0.00", "1.005", "-1.00"):
        answer = api.post(path, {"amount": wrong}, content_type="application/json")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "amount")
    assert Payout.objects.get().paid_at is None
    answer = api.post(path, {"amount": "140.00"}, content_type="application/json")
    assert (answer.status_code, answer.json()["net"]) == (200, "140.00")
    Payout.objects.update(paid_at=None, received=None)
    assert "came." in client.post(url, {"amount": "$139.50"}, follow=True).content.decode()
    assert Payout.objects.get().net == Decimal("139.50")
    Payout.objects.update(paid_at=None, received=None)
    client.post(url, {"amount": ""})
    payout.refresh_from_db()
    assert (payout.net, payout.received, payout.paid_at) == (Decimal("139.50"), None, now())


def test_what_a_platform_tells_itself_nobody_can_say_for_it(seller: Seller) -> None:
    accounts_sync_payouts()
    with pytest.raises(Conflict, match="says itself"):
        payout_receive(actor=seller.holding.actor, payout_id=Payout.objects.get().pk)


@at_every_platform
def test_a_short_payment_is_said_until_the_rest_comes(seller: Seller) -> None:
    platform, sale = seller.account.platform, seller.sale
    if platform == "gametime":
        return  # of its payouts nothing is told that could be short
    control("charge", sale_id=int(sale.platform_sale_id), amount="30.00", reason="Failed delivery fee")
    seller.go(DUE[platform](seller.holding.game.starts_at, now()))
    line = PayoutLine.objects.get()
    assert (line.penalty, line.net) == (Decimal("30.00"), sale.proceeds - 30)
    alert = seller.alert("payout.short")
    assert (alert.state, "paid $30.00 less than a sale brought" in alert.title) == ("firing", True)
    assert "It charged $30.00 for it." in alert.body
    # A later payout makes up for it.
    PayoutLine.objects.filter(pk=line.pk).update(net=sale.proceeds, penalty=Decimal("0.00"))
    payouts_check()
    assert seller.alert("payout.short").state == "recovered"


def test_a_charge_alone_pays_for_no_sale(seller: Seller) -> None:
    control("settings", payout={"stubhub": {"kind": "none", "days": 2}})
    control("charge", sale_id=int(seller.sale.platform_sale_id), amount="12.00", reason="Late transfer fine")
    seller.go(now() + timedelta(days=2))
    payout = Payout.objects.get(paid_at__isnull=False)
    assert (payout.gross, payout.penalty, payout.net) == (Decimal("0.00"), Decimal("12.00"), Decimal("-12.00"))
    assert seller.sale.state == SaleState.FULFILLED


def test_the_simulators_calendars_are_those_that_paper_accounts_expect() -> None:
    for platform in platforms():
        row, rule = payout_calendar(platform, mode=Mode.PAPER), rules_of(platform).payout
        assert row is not None
        assert (row.kind, row.days, row.weekday or 0) == (rule.kind, rule.days, rule.weekday), platform
        assert row.source.startswith("The simulator's own calendar"), platform


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.ASSISTED])
def test_of_no_live_platform_a_day_is_made_up(mode: Mode) -> None:
    for platform in adapter_keys():
        row = payout_calendar(platform, mode=mode)
        assert row is not None
        assert (row.mode, row.known, "not published" in row.words) == ("live", False, True), platform


@pytest.mark.parametrize(
    ("kind", "days", "weekday", "words"),
    [
        ("after_game", 1, None, "1 day after the game"),
        ("after_delivery", 14, None, "14 days after the hand-over"),
        ("weekly", None, 0, "weekly, on Mondays"),
        ("weekly", 3, 4, "weekly, on Fridays, at least 3 days after the hand-over"),
        ("after_game", None, None, "after the game, how long is not published"),
        ("weekly", None, None, "weekly, on a day that is not published"),
        ("unknown", None, None, "when it pays is not published"),
    ],
)
def test_a_calendar_says_itself_in_words(kind: str, days: int | None, weekday: int | None, words: str) -> None:
    assert PayoutCalendarVersion(kind=kind, days=days, weekday=weekday).words == words


def test_i26_a_newer_calendar_moves_no_sale_that_was_made_before(seller: Seller) -> None:
    before = expectation_of(seller.sale).at
    PayoutCalendarVersion.objects.create(
        platform="stubhub", mode="paper", kind="after_game", days=30, valid_from=now().date(), source="new terms",
        checked_on=now().date(),
    )  # fmt: skip
    assert expectation_of(seller.sale).at == before
    found = payout_calendar("stubhub", mode="paper", on=date(2021, 1, 1))
    assert found is not None
    assert found.days == 5


def test_pages_and_api_say_when_the_money_comes_and_how_that_is_known(seller: Seller, client: Client) -> None:
    client.force_login(seller.holding.user)
    sale, expected = seller.sale, expectation_of(seller.sale)
    due = expected.at
    assert due is not None
    # By the venue's clock, whatever day it is in UTC by then.
    day = f"{expected.on:%-d %b %Y}"
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).content.decode()
    assert ("Expected by" in page, day in page, "5 days after the game" in page) == (True, True, True)
    assert "The simulator&#x27;s own calendar, not StubHub&#x27;s" in page
    awaited = client.get(reverse("listings:payout_list") + "?show=awaited").content.decode()
    assert (day in awaited, "5 days after the game" in awaited, "$151.20" in awaited) == (True, True, True)
    seller.go(due)
    page = client.get(reverse("listings:sale_detail", args=[sale.pk])).content.decode()
    assert ("Expected by" in page, f"Paid {day}" in page) == (False, True)
    payouts = client.get(reverse("listings:payout_list")).content.decode()
    assert (f"expected {day}" in payouts, str(Payout.objects.get().reference) in payouts) == (True, True)
    assert "Nobody owes you anything." in client.get(reverse("listings:payout_list") + "?show=awaited").content.decode()


def test_i25_what_no_line_explains_is_said_until_one_does(seller: Seller, client: Client) -> None:
    client.force_login(seller.holding.user)
    due = DUE["stubhub"](seller.holding.game.starts_at, now())
    seller.go(due)
    (told,) = over_link(seller.account, lambda link: list(adapter_get("stubhub").payments(link, due)))
    short = replace(told, net=told.net - 20)
    payout_apply(account=seller.account, remote=short)
    alert = seller.alert("payout.unexplained")
    assert (alert.state, "leave \N{MINUS SIGN}$20.00 of $131.20" in alert.body) == ("firing", True)
    page = client.get(reverse("listings:payout_list")).content.decode()
    assert ("by any line" in page, "\N{MINUS SIGN}$20.00" in page) == (True, True)
    seller.go(due + timedelta(hours=1))
    alert.refresh_from_db()
    assert (alert.state, Payout.objects.get().unexplained) == ("recovered", Decimal("0.00"))
    assert "by any line" not in client.get(reverse("listings:payout_list")).content.decode()
