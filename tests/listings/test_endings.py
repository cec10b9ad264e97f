"""Sales that go wrong: each ending does what its row of listings/states.py says, and nothing is listed again."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from listings.expected import expectation_of
from listings.models import Payout, PayoutLine, Sale, SaleEnding, SaleState
from listings.payables import sales_awaited
from listings.services.ending_alerts import ending_words
from listings.services.endings import ending_lift, sale_end
from listings.services.notify import sale_people
from listings.services.payout_checks import payouts_check
from listings.services.payouts import account_sync_payouts
from listings.services.sale_report import REPORTS, sale_report
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_read
from listings.states import (
    REPORTABLE,
    SALE_ENDINGS,
    SALE_LIVE,
    BudgetEffect,
    LotEffect,
    MoneyEffect,
    SeatEffect,
    SettlementEffect,
    ending_may_be,
    sale_counts,
    sale_may_move,
)
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import TemporaryError
from marketplaces.models import MarketplaceAccount
from portfolios.models import GameStatus
from portfolios.services.games import game_move
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.core.models import AuditEntry
from seatsync.live.models import Alert
from tests.builders import bearer
from tests.listings.ended import Ended
from tests.market import Market

pytestmark = pytest.mark.django_db
PROCEEDS = Decimal("151.20")


def test_every_ending_has_its_row_and_every_move_is_one_that_a_sale_may_make() -> None:
    assert set(SALE_ENDINGS) == set(SaleEnding)
    for ending, row in SALE_ENDINGS.items():
        assert row.asks.endswith("."), ending
        for state in row.from_states:
            assert row.to_state is None or sale_may_move(state, row.to_state), (ending, state)
        # Who keeps the seats has them.
        assert row.seats is not SeatEffect.KEPT or row.from_states <= SALE_LIVE, ending
        assert (row.seats is SeatEffect.FREED) == (row.to_state == SaleState.CANCELLED), ending


@pytest.mark.parametrize(
    ("ending", "row"),
    [
        ("promise_cancelled", ("cancelled", "freed", "never_came", "not_disposed", "counts_no_more", "stands")),
        ("rejected", (None, "none", "never_came", "not_disposed", "counts_no_more", "stands")),
        ("cancelled", ("cancelled", "freed", "taken_back", "not_disposed", "counts_no_more", "owed_back")),
        ("game_off", (None, "kept", "taken_back", "not_disposed", "counts_no_more", "owed_back")),
        ("claim", (None, "kept", "waits", "waits", "counts", "waits")),
        ("penalty", (None, "kept", "charged", "disposed", "counts", "shares_charge")),
        (
            "replacement",
            ("cancelled", "freed", "taken_back_and_charged", "not_disposed", "counts_no_more", "owed_back"),
        ),
    ],
)
def test_the_rows(ending: str, row: tuple[str | None, ...]) -> None:
    found = SALE_ENDINGS[ending]
    assert (found.to_state, found.seats, found.money, found.lot, found.budget, found.settlement) == row
    # What counts no more against the budget brings nothing either, and the other way round.
    assert found.counts == (found.budget is BudgetEffect.COUNTS)
    assert found.counts == (found.lot is not LotEffect.NOT_DISPOSED)
    assert (found.settlement is SettlementEffect.WAITS) == (found.money is MoneyEffect.WAITS)


@pytest.mark.parametrize(
    ("state", "ending", "counts"),
    [
        ("confirmed", "", True), ("complete", "penalty", True), ("complete", "claim", True),
        ("complete", "game_off", False), ("cancelled", "", False), ("cancelled", "replacement", False),
        ("conflict", "rejected", False), ("needs_person", "", True),
    ],
)  # fmt: skip
def test_which_sales_count_as_sold(state: str, ending: str, counts: bool) -> None:
    assert sale_counts(state, ending) is counts


def test_a_promise_that_is_not_kept_frees_the_seats(market: Market) -> None:
    ended = Ended.promised(market)
    ended.says(RemoteSaleState.CANCELLED)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.CANCELLED, SaleEnding.PROMISE_CANCELLED)
    assert (ended.seats, ended.shown()) == (["available"] * 4, [])
    assert "Publish the seats again" in ended.alert("sale.cancelled").body
    assert ended.overview().totals.sold.seats == 0


def test_a_sale_that_we_reject_never_had_the_seats(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    first = market.alpha.sell(alpha.external_id, (1, 2))
    second = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(first)
    market.webhook(second, platform=market.beta)
    market.work()
    rejected = Ended(market, second)
    assert (rejected.sale.state, rejected.sale.ending) == (SaleState.CONFLICT, SaleEnding.REJECTED)
    assert rejected.seats == ["sold", "sold", "available", "available"]
    # Its marketplace says so by and by; why it ended stays known, and nobody is asked anything.
    sale_apply(account=market.accounts["beta"], remote=market.beta.move(second.sale_id, RemoteSaleState.CANCELLED))
    assert (rejected.sale.state, rejected.sale.ending) == (SaleState.CANCELLED, SaleEnding.REJECTED)
    assert rejected.seats == ["sold", "sold", "available", "available"]
    assert not Alert.objects.filter(kind="sale.cancelled").exists()
    # That it was sold twice everybody is told, and the alert stays.
    assert set(Alert.objects.filter(kind="sale.rejected").values_list("state", flat=True)) == {"firing"}


def test_a_sale_that_its_marketplace_takes_back_before_our_rejection_never_had_the_seats(market: Market) -> None:
    alpha, beta = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    second = market.beta.sell(beta.external_id, (1, 2))
    market.webhook(second, platform=market.beta)
    sale_apply(account=market.accounts["beta"], remote=market.beta.move(second.sale_id, RemoteSaleState.CANCELLED))
    ended = Ended(market, second)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.CANCELLED, SaleEnding.REJECTED)
    assert "available" not in ending_words(ended.sale)
    assert ended.seats == ["sold", "sold", "available", "available"]
    # It may show them again by itself, now that they are nobody's there: our rejection, still on its way, sees to it.
    market.work()
    key = f"delist:{beta.external_id}:ended:{ended.sale.pk}"
    assert beta.commands.filter(kind="delist", idempotency_key__startswith=key).exists()


def test_i25_a_sale_that_is_taken_back_after_it_was_paid_is_reversed_by_lines_of_its_own(ended: Ended) -> None:
    ended.pays("P-1")
    assert ended.overview().totals.sold_proceeds == PROCEEDS
    before = list(PayoutLine.objects.values("pk", "gross", "fee", "penalty", "net"))
    ended.says(RemoteSaleState.CANCELLED)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.CANCELLED, SaleEnding.CANCELLED)
    assert (ended.seats, ended.shown()) == (["available"] * 4, [])
    assert list(PayoutLine.objects.values("pk", "gross", "fee", "penalty", "net")) == before
    totals = ended.overview().totals
    # What is still on the bank account is no gain.
    assert (totals.sold_proceeds, totals.charged, totals.result) == (Decimal("0.00"), Decimal("0.00"), None)
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="151.20")
    assert [line.net for line in PayoutLine.objects.order_by("created_at")] == [PROCEEDS, -PROCEEDS]
    assert (ended.sale.charged, ended.sale.ending) == (PROCEEDS, SaleEnding.CANCELLED)
    assert ended.overview().totals.result is None
    assert not Alert.objects.filter(kind__in=["payout.short", "payout.late"], state="firing").exists()


def test_a_game_that_is_called_off_keeps_its_buyers_and_counts_no_more(ended: Ended) -> None:
    game = ended.market.holding.game
    assert ended.overview().totals.counted == 2
    game_move(actor=Actor.system(), game_id=game.pk, status=GameStatus.CANCELLED)
    sale = ended.sale
    assert (sale.state, sale.ending, sale.stands) == (SaleState.CONFIRMED, SaleEnding.GAME_OFF, False)
    # No seat is sold twice: the buyer's until the marketplace lets go.
    assert ended.seats[:2] == ["sold", "sold"]
    totals = ended.overview().totals
    assert (totals.sold.seats, totals.called_off, totals.counted) == (2, 2, 0)
    assert (totals.sold_proceeds, totals.result) == (Decimal("0.00"), None)
    assert list(sales_awaited(ended.market.holding.actor)) == []
    alert = ended.alert("sale.game_off")
    assert "Ask the club what it pays back" in alert.body
    # Now the marketplace gives the buyers their money back.
    ended.says(RemoteSaleState.CANCELLED)
    sale = ended.sale
    assert (sale.state, sale.ending, ended.seats) == (SaleState.CANCELLED, SaleEnding.GAME_OFF, ["available"] * 4)
    alert.refresh_from_db()
    assert ("Your seats are available again" in alert.body, "ublish" in alert.body) == (True, False)


def test_a_game_that_is_on_again_has_its_sales_again(ended: Ended) -> None:
    game = ended.market.holding.game
    for status in (GameStatus.CANCELLED, GameStatus.SCHEDULED):
        game_move(actor=Actor.system(), game_id=game.pk, status=status)
    assert (ended.sale.ending, ended.sale.stands) == ("", True)
    assert ended.overview().totals.sold_proceeds == PROCEEDS
    assert ended.alert("sale.game_off").state == "recovered"


def test_a_game_that_is_postponed_ends_no_sale(ended: Ended) -> None:
    game_move(actor=Actor.system(), game_id=ended.market.holding.game.pk, status=GameStatus.POSTPONED)
    assert (ended.sale.ending, ended.sale.stands) == ("", True)


def test_a_complaint_keeps_seats_and_money_where_they_are_until_it_is_settled(ended: Ended) -> None:
    ended.says(RemoteSaleState.IN_DELIVERY)
    ended.says(RemoteSaleState.ISSUE)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.FULFILLED, SaleEnding.CLAIM)
    assert ended.seats[:2] == ["sold", "sold"]
    assert expectation_of(ended.sale).basis == "its marketplace keeps it until the complaint is decided"
    assert ended.overview().totals.sold_proceeds == PROCEEDS
    alert = ended.alert("sale.claim")
    assert (alert.severity, "proof that the tickets were handed over" in alert.body) == ("critical", True)
    # The same word again and again has one effect.
    version, entries = ended.sale.version, AuditEntry.objects.count()
    ended.says(RemoteSaleState.ISSUE)
    assert (ended.sale.version, AuditEntry.objects.count(), ended.alert("sale.claim").count) == (version, entries, 1)
    ended.says(RemoteSaleState.COMPLETE)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.COMPLETE, "")
    assert ended.alert("sale.claim").state == "recovered"


def test_a_complaint_under_the_same_word_is_seen_and_settled_too(ended: Ended) -> None:
    """SeatGeek's order keeps its status, and says beside it that something is wrong."""
    ended.says(RemoteSaleState.IN_DELIVERY, "fulfilled")
    ended.says(RemoteSaleState.ISSUE, "fulfilled")
    assert ended.sale.ending == SaleEnding.CLAIM
    ended.says(RemoteSaleState.IN_DELIVERY, "fulfilled")
    assert (ended.sale.ending, ended.sale.state) == ("", SaleState.FULFILLED)


def test_a_complaint_that_ends_in_a_cancellation_is_one(ended: Ended) -> None:
    ended.says(RemoteSaleState.ISSUE)
    ended.says(RemoteSaleState.CANCELLED)
    assert (ended.sale.ending, ended.seats) == (SaleEnding.CANCELLED, ["available"] * 4)
    assert ended.alert("sale.claim").state == "recovered"
    assert ended.alert("sale.cancelled").state == "firing"


def test_a_charge_on_a_sale_that_stands_is_a_penalty_and_what_was_paid_stays_as_it_was(ended: Ended) -> None:
    ended.pays("P-1")
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="30.00")
    sale = ended.sale
    assert (sale.state, sale.ending, sale.ending_reason) == (SaleState.COMPLETE, SaleEnding.PENALTY, "Late delivery")
    assert (sale.proceeds, sale.charged, sale.to_you) == (PROCEEDS, Decimal("30.00"), Decimal("121.20"))
    assert Payout.objects.get(reference="P-1").net == PROCEEDS
    assert ended.seats[:2] == ["sold", "sold"]
    assert ended.overview().totals.sold_proceeds == Decimal("121.20")
    assert "$121.20 of $151.20 came. It charged $30.00 for it." in ended.alert("payout.short").body
    # One thing is told once.
    assert not Alert.objects.filter(kind="sale.penalty").exists()
    # Settled by its holder it stays so, however often it is read again.
    ending_lift(actor=ended.market.holding.actor, sale_id=sale.pk, reason="it was late")
    account_sync_payouts(account=ended.market.accounts["alpha"])
    assert (ended.sale.ending, ended.sale.charged) == ("", Decimal("30.00"))


def test_a_charge_on_a_sale_that_was_never_paid_is_a_task_and_a_further_one_too(ended: Ended) -> None:
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="42.50")
    sale, alert = ended.sale, ended.alert("sale.penalty")
    assert (sale.ending, sale.charged, alert.severity) == (SaleEnding.PENALTY, Decimal("42.50"), "action")
    assert alert.title.startswith("Alpha charges you for a sale: 2 seats 131 row 27")
    assert alert.body.startswith("$42.50 was charged: $42.50 (Late delivery). The seats stay the buyer's.")
    told = Alert.objects.filter(kind="sale.penalty").values_list("user_id", flat=True)
    assert set(told) == set(sale_people(sale))
    # Read again and again it is told once.
    account_sync_payouts(account=ended.market.accounts["alpha"])
    assert ended.alert("sale.penalty").count == 1
    # Seen, and then charged more: that is told anew.
    Alert.objects.filter(kind="sale.penalty").update(acknowledged_at=now())
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="300.00", note="Denied entry")
    assert (ended.sale.charged, ended.sale.ending_reason) == (Decimal("342.50"), "Late delivery; Denied entry")
    anew = Alert.objects.get(kind="sale.penalty", user_id=ended.market.holding.user.pk, acknowledged_at=None)
    assert "$342.50 was charged: $42.50 (Late delivery), $300.00 (Denied entry)." in anew.body
    # Open already, it is reworded.
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="1.00", note="Denied entry")
    anew.refresh_from_db()
    assert ("$343.50 was charged" in anew.body, ended.sale.ending_reason) == (True, "Late delivery; Denied entry")


def test_a_charge_that_is_given_back_before_the_sale_is_paid_is_told_no_more(ended: Ended) -> None:
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="42.50")
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="-30.00")
    assert (ended.sale.ending, ended.alert("sale.penalty").state) == (SaleEnding.PENALTY, "firing")
    assert "$12.50 was charged: $42.50 (Late delivery), \N{MINUS SIGN}$30.00" in ended.alert("sale.penalty").body
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="-12.50")
    assert (ended.sale.ending, ended.sale.charged) == ("", Decimal("0.00"))
    assert ended.alert("sale.penalty").state == "recovered"


def test_once_the_sale_is_paid_what_is_lacking_tells_the_charge(ended: Ended) -> None:
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="42.50")
    ended.pays("P-2", penalty="10.00")
    assert ended.alert("sale.penalty").state == "recovered"
    assert "It charged $52.50 for it." in ended.alert("payout.short").body


def test_a_charge_on_a_sale_that_is_over_is_a_task_unless_it_only_takes_back_what_was_paid(ended: Ended) -> None:
    ended.pays("P-1")
    ended.says(RemoteSaleState.CANCELLED)
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="151.20")
    assert not Alert.objects.filter(kind="sale.penalty").exists()
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="25.00", note="Admin fee")
    assert "$176.20 was charged: $151.20 (Late delivery), $25.00 (Admin fee)." in ended.alert("sale.penalty").body
    assert (ended.sale.ending, ended.sale.state) == (SaleEnding.CANCELLED, SaleState.CANCELLED)
    ended.pays("P-4", gross="0.00", fee="0.00", penalty="-176.20")
    assert ended.alert("sale.penalty").state == "recovered"


def test_a_charge_that_was_said_before_is_told_once(ended: Ended) -> None:
    ended.report("penalty", charge=Decimal("42.50"))
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="42.50")
    alert = ended.alert("sale.penalty")
    assert (alert.count, alert.state, "It is said to cost $42.50." in alert.body) == (1, "firing", True)
    assert ended.sale.ending_reason == "they wrote so; Late delivery"


def test_a_penalty_that_is_given_back_is_over(ended: Ended) -> None:
    ended.pays("P-1", penalty="30.00")
    assert ended.sale.ending == SaleEnding.PENALTY
    ended.market.alpha.paid.clear()
    ended.pays("P-1")
    assert (ended.sale.ending, ended.sale.charged) == ("", Decimal("0.00"))
    assert ended.alert("payout.short").state == "recovered"


def test_what_was_said_and_seen_is_not_said_again_every_hour(ended: Ended) -> None:
    ended.pays("P-1", penalty="30.00")
    Alert.objects.filter(kind="payout.short").update(acknowledged_at=now())
    payouts_check()
    assert ended.alert("payout.short").acknowledged_at is not None


@pytest.mark.parametrize("what", ["cancelled", "replacement"])
def test_no_seat_is_freed_by_a_report_while_its_marketplace_says_that_the_sale_stands(ended: Ended, what: str) -> None:
    with pytest.raises(Conflict, match="Alpha says that the sale stands") as caught:
        ended.report(what)
    assert (caught.value.problems[0].field, ended.sale.ending, ended.seats[:2]) == ("what", "", ["sold", "sold"])
    ended.market.alpha.script["fetch_sale"] = [TemporaryError("503")]
    with pytest.raises(Conflict, match="could not be asked"):
        ended.report(what)
    assert ended.seats[:2] == ["sold", "sold"]


@pytest.mark.parametrize("what", ["cancelled", "replacement"])
def test_of_an_assisted_account_its_holder_alone_can_say_so(ended: Ended, what: str) -> None:
    MarketplaceAccount.objects.filter(platform="alpha").update(mode="assisted")
    ended.report(what)
    assert (ended.sale.state, ended.sale.ending, ended.seats[:2]) == (
        SaleState.CANCELLED, what, ["available", "available"],
    )  # fmt: skip


def test_other_tickets_for_the_buyer_free_the_seats_and_cost_what_they_cost(ended: Ended) -> None:
    ended.pays("P-1")
    ended.market.alpha.move(ended.remote.sale_id, RemoteSaleState.CANCELLED)
    ended.report("replacement", charge=Decimal("210.00"))
    sale = ended.sale
    assert (sale.state, sale.ending, sale.told_charge) == (
        SaleState.CANCELLED, SaleEnding.REPLACEMENT, Decimal("210.00"),
    )  # fmt: skip
    ended.market.work()
    assert (ended.seats, ended.shown()) == (["available"] * 4, [])
    assert "It is said to cost $210.00." in ended.alert("sale.replaced").body
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="361.20")
    totals = ended.overview().totals
    assert (totals.charged, totals.result) == (Decimal("210.00"), Decimal("-210.00"))
    # Its marketplace calls it cancelled: that is no other ending.
    ended.says(RemoteSaleState.CANCELLED)
    assert ended.sale.ending == SaleEnding.REPLACEMENT


@pytest.mark.parametrize("what", [SaleEnding.CLAIM, SaleEnding.PENALTY])
def test_what_a_holder_reports_and_settles_again_leaves_the_sale_as_it_was(ended: Ended, what: str) -> None:
    ended.report(what)
    assert (ended.sale.ending, ended.sale.ending_reason, ended.seats[:2]) == (what, "they wrote so", ["sold", "sold"])
    assert ended.alert(f"sale.{what}").state == "firing"
    entry = AuditEntry.objects.get(verb="sale.ended")
    content = audit_read(entry)
    assert content is not None
    assert (content["before"]["ending"], content["after"]["ending"]) == ("", what)
    assert (entry.actor_id, entry.reason) == (str(ended.market.holding.user.pk), "they wrote so")
    # Said twice it is the same.
    version = ended.sale.version
    ended.report(what)
    assert ended.sale.version == version
    ended.report("settled")
    assert (ended.sale.ending, ended.alert(f"sale.{what}").state) == ("", "recovered")
    with pytest.raises(Conflict, match="Nothing is open"):
        ended.report("settled")


def test_that_a_sale_is_cancelled_is_believed_only_where_its_marketplace_knows_it_no_more(ended: Ended) -> None:
    with pytest.raises(Conflict, match="Alpha says that the sale stands"):
        ended.report("cancelled")
    ended.market.alpha.script["fetch_sale"] = [TemporaryError("down")]
    with pytest.raises(Conflict, match="could not be asked: down"):
        ended.report("cancelled")
    assert ended.seats[:2] == ["sold", "sold"]
    del ended.market.alpha.sales[ended.remote.sale_id]
    ended.report("cancelled")
    assert (ended.sale.state, ended.seats) == (SaleState.CANCELLED, ["available"] * 4)


def test_a_sale_that_is_reported_when_its_marketplace_has_cancelled_it_is_cancelled_once(ended: Ended) -> None:
    cancelled = ended.market.alpha.move(ended.remote.sale_id, RemoteSaleState.CANCELLED)
    ended.report("cancelled")
    assert (ended.sale.state, ended.sale.ending, ended.seats[:2]) == (
        SaleState.CANCELLED, SaleEnding.CANCELLED, ["available", "available"],
    )  # fmt: skip
    sale_apply(account=ended.market.accounts["alpha"], remote=cancelled)
    assert (ended.sale.ending, ended.sale.ending_reason) == (SaleEnding.CANCELLED, "they wrote so")


def test_a_sale_that_stands_again_has_no_ending_any_more(ended: Ended) -> None:
    ended.says(RemoteSaleState.CANCELLED)
    ended.market.alpha.sales[ended.remote.sale_id] = replace(ended.remote, remote_status="stands again")
    sale_read(sale=ended.sale)
    assert (ended.sale.state, ended.sale.ending, ended.sale.ended_at) == (SaleState.CONFIRMED, "", None)


def test_nobody_else_reports_on_a_sale(ended: Ended) -> None:
    people = ended.market.holding
    for stranger in (people.other, people.outsider):
        with pytest.raises(NotFound):
            sale_report(actor=stranger, sale_id=ended.sale.pk, what="claim", reason="x")
    with pytest.raises(NotAllowed):
        sale_report(actor=people.viewer, sale_id=ended.sale.pk, what="claim", reason="x")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"what": "gone", "reason": "x"}, "what"),
        ({"what": "game_off", "reason": "x"}, "what"),
        ({"what": "claim", "reason": " "}, "reason"),
        ({"what": "claim", "reason": "x", "charge": Decimal("5.00")}, "charge"),
        ({"what": "penalty", "reason": "x", "charge": Decimal("0.00")}, "charge"),
    ],
)
def test_a_bad_report_names_the_field(ended: Ended, wish: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sale_report(actor=ended.market.holding.actor, sale_id=ended.sale.pk, **wish)
    assert refused.value.problems[0].field == field
    assert ended.sale.ending == ""


@pytest.mark.parametrize("ending", SaleEnding)
def test_no_sale_ends_twice_and_none_that_may_not(ended: Ended, ending: SaleEnding) -> None:
    for state in SaleState:
        Sale.objects.update(state=state, ending="")
        if ending_may_be(state, ending):
            continue
        with pytest.raises(Conflict, match="cannot be"), transaction.atomic():
            sale_end(actor=Actor.system(), sale_id=ended.sale.pk, ending=ending, reason="x")
        assert (ended.sale.state, ended.sale.ending) == (state, "")


def test_the_page_says_what_happened_what_it_cost_and_what_can_be_done(ended: Ended, client: Client) -> None:
    client.force_login(ended.market.holding.user)
    url = reverse("listings:sale_detail", args=[ended.sale.pk])
    page = client.get(url).content.decode()
    assert ("What went wrong" in page, "Report it" in page) == (False, True)
    form = reverse("listings:sale_report", args=[ended.sale.pk])
    answer = client.post(form, {"what": "penalty", "reason": "late delivery", "charge": "$30"})
    assert answer.headers["Location"] == url
    page = client.get(url).content.decode()
    # No payout was made: that is no $0.00.
    came = page.partition("What came of it")[2].partition("</dl>")[0]
    assert ("nothing yet" in came, "$0.00" in came) == (True, False)
    for said in ("charged a penalty", "Late delivery", "Said to cost", "$30.00", "Ask its marketplace", "is settled"):
        assert said in page, said
    ended.pays("P-1", penalty="30.00")
    page = client.get(url).content.decode()
    assert ("What came of it" in page, "$121.20" in page, "short" in page) == (True, True, True)
    assert client.post(form, {"what": "claim", "reason": "", "charge": ""}).status_code == 422
    assert "settled" in client.get(form).content.decode()


def test_what_the_page_reports_the_api_reports_too(ended: Ended) -> None:
    people = ended.market.holding
    client = bearer(people.user)
    url = f"/api/v1/sales/{ended.sale.pk}/report/"
    answer = client.post(
        url, {"what": "penalty", "reason": "late", "charge": "30.00"}, content_type="application/json",
        headers={"Idempotency-Key": "once"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["ending"], body["told_charge"], body["charged"]) == ("penalty", "30.00", "0.00")
    assert (body["ending_effects"]["seats"], body["ending_effects"]["settlement"]) == ("kept", "shares_charge")
    refused = client.post(url, {"what": "cancelled", "reason": "x"}, content_type="application/json")
    assert (refused.status_code, "stands" in refused.json()["detail"]) == (409, True)
    # In one transaction with its key: the locks are taken in their order.
    del ended.market.alpha.sales[ended.remote.sale_id]
    done = client.post(
        url, {"what": "cancelled", "reason": "x"}, content_type="application/json", headers={"Idempotency-Key": "two"}
    )
    assert (done.status_code, done.json()["state"], ended.seats) == (200, "cancelled", ["available"] * 4)


def test_reports_are_those_of_the_table() -> None:
    assert set(REPORTS) == {*REPORTABLE, "settled", "paid", "practice"}


def test_what_lacks_by_a_settled_penalty_is_said_no_more(ended: Ended) -> None:
    ended.pays("P-1")
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="30.00")
    assert ended.alert("payout.short").state == "firing"
    ended.report("settled", reason="it was late")
    assert ended.alert("payout.short").state == "recovered"
    account_sync_payouts(account=ended.market.accounts["alpha"])
    payouts_check()
    assert not Alert.objects.filter(kind="payout.short", state="firing").exists()
    # Charged more, or lacking more, it is said again: what is settled is not asked about.
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="5.00", note="Denied entry")
    alert = Alert.objects.get(kind="payout.short", state="firing")
    assert (ended.sale.ending, alert.title) == (SaleEnding.PENALTY, "Alpha paid $5.00 less than a sale brought")
    ended.report("settled", reason="that too")
    assert not Alert.objects.filter(kind="payout.short", state="firing").exists()


def test_a_penalty_that_is_settled_before_the_money_came_leaves_nothing_short(ended: Ended) -> None:
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="30.00")
    ended.report("settled", reason="it was late")
    ended.pays("P-2")
    assert not Alert.objects.filter(kind="payout.short").exists()


def test_a_settled_penalty_that_is_given_back_and_charged_anew_is_said_anew(ended: Ended) -> None:
    ended.pays("P-1")
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="30.00")
    ended.report("settled", reason="it was late")
    ended.pays("P-3", gross="0.00", fee="0.00", penalty="-30.00")
    ended.pays("P-4", gross="0.00", fee="0.00", penalty="30.00")
    assert Alert.objects.filter(kind="payout.short", state="firing").exists()
