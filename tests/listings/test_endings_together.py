"""Endings that meet on one sale: what lasts outlives what comes and goes, and a game that is off stays off."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from listings.models import Sale, SaleEnding, SaleState
from listings.payables import owed, sales_awaited
from listings.services import sale_saga
from listings.services.fulfil import ways_of
from listings.services.resolve import sale_resolve
from listings.services.sale_recheck import sale_missing
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from listings.states import ending_standing
from marketplaces.contracts import RemoteSale, RemoteSaleState
from marketplaces.delivery import DeliveryStep
from portfolios.locks import seats_lock
from portfolios.models import Game, GameStatus, Seat
from portfolios.services.games import game_move
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.listings.ended import Ended
from tests.market import Market

pytestmark = pytest.mark.django_db
migration = import_module("listings.migrations.0025_complaints_and_penalties_told_before")
whose = import_module("listings.migrations.0035_claims_told_before")


def test_of_several_endings_the_one_that_lasts_longest_stands() -> None:
    found = [SaleEnding.PENALTY, SaleEnding.CLAIM, SaleEnding.GAME_OFF]
    assert [ending_standing(found[:most]) for most in range(4)] == ["", "penalty", "claim", "game_off"]


def test_a_charge_that_comes_during_a_complaint_stands_after_it(ended: Ended) -> None:
    ended.says(RemoteSaleState.IN_DELIVERY)
    ended.pays("P-1")
    ended.says(RemoteSaleState.ISSUE)
    ended.pays("P-2", gross="0.00", fee="0.00", penalty="42.50")
    assert (ended.sale.ending, ended.sale.charged) == (SaleEnding.CLAIM, Decimal("42.50"))
    assert not Alert.objects.filter(kind="payout.short").exists()
    ended.says(RemoteSaleState.COMPLETE)
    sale = ended.sale
    assert (sale.ending, sale.ending_reason, sale.charged) == (SaleEnding.PENALTY, "Late delivery", Decimal("42.50"))
    assert (ended.alert("sale.claim").state, ended.alert("payout.short").state) == ("recovered", "firing")


def test_a_charge_that_is_given_back_during_a_complaint_does_not_stand_after_it(ended: Ended) -> None:
    ended.pays("P-1", penalty="30.00")
    ended.says(RemoteSaleState.ISSUE)
    ended.market.alpha.paid.clear()
    ended.pays("P-1")
    assert (ended.sale.ending, ended.sale.charged) == (SaleEnding.CLAIM, Decimal("0.00"))
    ended.says(RemoteSaleState.COMPLETE)
    assert ended.sale.ending == ""


@pytest.mark.parametrize("word", ["theirs", "reported"])
def test_a_penalty_is_there_again_when_a_complaint_is_settled(ended: Ended, word: str) -> None:
    ended.report("penalty", reason="sent too late", charge=Decimal("30.00"))
    if word == "theirs":
        ended.says(RemoteSaleState.ISSUE)
    else:
        ended.report("claim")
    assert (ended.sale.ending, ended.alert("sale.penalty").state) == (SaleEnding.CLAIM, "recovered")
    # Known already, under what stands now: nothing is said again.
    version = ended.sale.version
    ended.report("penalty", reason="sent too late", charge=Decimal("30.00"))
    assert ended.sale.version == version
    if word == "theirs":
        ended.says(RemoteSaleState.AWAITING_FULFILMENT)
    else:
        ended.report("settled")
    sale = ended.sale
    assert (sale.ending, sale.ending_reason, sale.told_charge) == (
        SaleEnding.PENALTY, "sent too late", Decimal("30.00"),
    )  # fmt: skip
    assert Alert.objects.get(kind="sale.penalty", user_id=ended.market.holding.user.pk, state="firing").body
    ended.report("settled")
    assert (ended.sale.ending, ended.sale.told_charge, ended.sale.ended_at) == ("", None, None)


def test_a_charge_that_was_settled_does_not_come_back_with_a_complaint(ended: Ended) -> None:
    ended.pays("P-1", penalty="30.00")
    ended.report("settled")
    ended.says(RemoteSaleState.ISSUE)
    ended.says(RemoteSaleState.COMPLETE)
    assert (ended.sale.ending, ended.sale.charged) == ("", Decimal("30.00"))


def call_off(ended: Ended, status: GameStatus = GameStatus.CANCELLED) -> None:
    game_move(actor=Actor.system(), game_id=ended.market.holding.game.pk, status=status)


def test_a_game_that_is_off_stays_off_whatever_its_marketplace_complains_of(ended: Ended) -> None:
    call_off(ended)
    for state in (RemoteSaleState.ISSUE, RemoteSaleState.IN_DELIVERY):
        ended.says(state)
        sale = ended.sale
        assert (sale.ending, sale.stands, owed(sale)) == (SaleEnding.GAME_OFF, False, False)
        assert (ended.alert("sale.game_off").state, ended.alert("sale.game_off").count) == ("firing", 1)
    ended.pays("P-1", gross="0.00", fee="0.00", penalty="42.50")
    assert ended.sale.ending == SaleEnding.GAME_OFF
    # What is left when the game is on again is what came meanwhile and lasts.
    call_off(ended, GameStatus.SCHEDULED)
    sale = ended.sale
    assert (sale.ending, sale.ending_reason, owed(sale)) == (SaleEnding.PENALTY, "Late delivery", True)


def test_a_complaint_that_came_before_or_while_the_game_was_off_is_there_when_it_is_on_again(ended: Ended) -> None:
    for first in (True, False):
        if first:
            ended.report("claim")
        call_off(ended)
        assert ended.sale.ending == SaleEnding.GAME_OFF
        if not first:
            ended.report("claim")
            assert ended.sale.ending == SaleEnding.GAME_OFF
        call_off(ended, GameStatus.SCHEDULED)
        assert (ended.sale.ending, ended.sale.ending_reason) == (SaleEnding.CLAIM, "they wrote so")
        ended.report("settled")
        assert ended.sale.ending == ""


def what_is_so(market: Market, remote: RemoteSale) -> dict[str, Any]:
    """What a game that is off is to do to a sale, by whatever way it came to it."""
    sale = Ended(market, remote).sale
    own = Alert.objects.filter(object_id=str(sale.pk), user_id=market.holding.user.pk, state="firing")
    return {
        "ending": (sale.ending, sale.ending_reason, sale.stands, owed(sale), list(ways_of(sale))),
        "seats": (sale.state, [row.seat.state for row in sale.sale_seats.filter(live=True)]),
        "alerts": sorted(own.values_list("kind", "count")),
        "awaited": sale in set(sales_awaited(market.holding.actor)),
    }


@pytest.mark.parametrize(
    ("told", "state", "seat"),
    [
        (RemoteSaleState.PROVISIONAL, SaleState.PROVISIONAL, "held"),
        (RemoteSaleState.AWAITING_FULFILMENT, SaleState.CONFIRMED, "sold"),
        (RemoteSaleState.IN_DELIVERY, SaleState.FULFILLED, "sold"),
    ],
)
def test_a_sale_that_is_told_after_its_game_was_called_off_is_as_one_that_was_there(
    market: Market, told: RemoteSaleState, state: str, seat: str
) -> None:
    alpha, _ = market.published()
    there, later = (market.alpha.sell(alpha.external_id, seats, state=told) for seats in ((1, 2), (3, 4)))
    market.webhook(there)
    ended = Ended(market, there)
    call_off(ended)
    market.webhook(later)
    market.work()
    assert what_is_so(market, later) == what_is_so(market, there) == {
        "ending": ("game_off", "the game was cancelled", False, False, []), "seats": (state, [seat, seat]),
        "alerts": [("sale.game_off", 1)], "awaited": False,
    }  # fmt: skip
    assert ended.overview().totals.sold_proceeds == Decimal("0.00")
    # Nobody was told yet that it was sold; when the game is on again, it is.
    call_off(ended, GameStatus.SCHEDULED)
    asked: dict[str, list[tuple[str, int]]] = {
        SaleState.PROVISIONAL: [("sale.provisional", 1)],
        SaleState.CONFIRMED: [("sale.sold", 1)],
    }
    assert what_is_so(market, later) == what_is_so(market, there)
    assert (what_is_so(market, later)["alerts"], Ended(market, later).sale.stands) == (asked.get(state, []), True)


def test_a_promise_that_is_kept_while_the_game_is_off_is_a_sale_of_a_game_that_is_off(market: Market) -> None:
    alpha, _ = market.published()
    promised = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL)
    ended = Ended(market, promised)
    call_off(ended)
    market.webhook(promised)
    ended.says(RemoteSaleState.AWAITING_FULFILMENT)
    assert what_is_so(market, promised) == {
        "ending": ("game_off", "the game was cancelled", False, False, []),
        "seats": (SaleState.CONFIRMED, ["sold", "sold"]), "alerts": [("sale.game_off", 1)], "awaited": False,
    }  # fmt: skip


def test_a_sale_that_a_person_makes_clear_is_of_a_game_that_was_called_off_before(
    market: Market,
) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2), tell_seats=False)
    market.webhook(remote)
    ended = Ended(market, remote)
    call_off(ended)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.NEEDS_PERSON, "")
    chosen = [seat.pk for seat in market.holding.seats[:2]]
    sale_resolve(actor=market.holding.actor, sale_id=ended.sale.pk, seat_ids=chosen)
    assert what_is_so(market, remote) == {
        "ending": ("game_off", "the game was cancelled", False, False, []),
        "seats": (SaleState.CONFIRMED, ["sold", "sold"]), "alerts": [("sale.game_off", 1)], "awaited": False,
    }  # fmt: skip


def test_a_game_that_is_called_off_while_its_sale_waits_for_the_seats_is_off_for_it(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))

    def lock_late(seat_ids: Iterable[uuid.UUID]) -> list[Seat]:
        Game.objects.update(status=GameStatus.CANCELLED)
        return seats_lock(seat_ids)

    monkeypatch.setattr(sale_saga, "seats_lock", lock_late)
    sale_apply(account=market.accounts["alpha"], remote=remote)
    assert Ended(market, remote).sale.ending == SaleEnding.GAME_OFF


def test_nothing_is_asked_again_of_a_game_that_is_off_and_all_of_it_once_it_is_on_again(ended: Ended) -> None:
    wanted = replace(
        ended.market.alpha.move(ended.remote.sale_id, RemoteSaleState.AWAITING_FULFILMENT),
        step=DeliveryStep.TRANSFER_AGAIN,
    )  # fmt: skip
    asked = Alert.objects.filter(kind="sale.again", user_id=ended.market.holding.user.pk)
    call_off(ended)
    sale_apply(account=ended.market.accounts["alpha"], remote=wanted)
    assert (ended.sale.asked_again_at is None, asked.exists()) == (False, False)
    for status, firing in ((GameStatus.SCHEDULED, True), (GameStatus.CANCELLED, False), (GameStatus.SCHEDULED, True)):
        call_off(ended, status)
        assert asked.filter(state="firing").exists() is firing


def test_a_complaint_is_over_with_the_next_clear_word_whatever_came_between(ended: Ended) -> None:
    ended.says(RemoteSaleState.ISSUE, "Issue")
    ended.says(RemoteSaleState.UNKNOWN, "Wobbly")
    assert ended.sale.ending == SaleEnding.CLAIM
    assert ended.alert("sale.unclear").state == "firing"
    ended.says(RemoteSaleState.AWAITING_FULFILMENT, "Confirmed")
    assert (ended.sale.ending, ended.sale.claim_reason) == ("", "")
    assert [ended.alert(kind).state for kind in ("sale.claim", "sale.unclear")] == ["recovered", "recovered"]
    # What its holder was told in a letter ends by no word of an interface.
    ended.report("claim")
    ended.says(RemoteSaleState.UNKNOWN, "Wobbly")
    ended.says(RemoteSaleState.AWAITING_FULFILMENT, "Confirmed")
    assert (ended.sale.ending, ended.sale.claim_reason) == (SaleEnding.CLAIM, "they wrote so")


def test_what_a_person_reports_in_its_marketplaces_own_words_ends_by_no_word_of_an_interface(ended: Ended) -> None:
    ended.says(RemoteSaleState.ISSUE, "Issue")
    words = ended.sale.claim_reason
    ended.says(RemoteSaleState.AWAITING_FULFILMENT, "Confirmed")
    sale_report(actor=ended.market.holding.actor, sale_id=ended.sale.pk, what="claim", reason=words)
    ended.says(RemoteSaleState.AWAITING_FULFILMENT, "Confirmed again")
    assert (ended.sale.ending, ended.sale.claim_reason) == (SaleEnding.CLAIM, words)


def test_complaints_of_before_are_their_marketplaces_where_its_own_words_say_so(ended: Ended) -> None:
    ended.says(RemoteSaleState.ISSUE, "Issue")
    for reason in (ended.sale.claim_reason, "they wrote so"):
        Sale.objects.update(claim_reason=reason, claimed_there=False)
        whose.tell_apart(apps, None)
        assert ended.sale.claimed_there == (reason != "they wrote so")


def test_a_word_that_is_clear_again_ends_the_question_about_the_one_before(ended: Ended) -> None:
    ended.says(RemoteSaleState.UNKNOWN, "Wobbly")
    assert ended.alert("sale.unclear").state == "firing"
    ended.says(RemoteSaleState.AWAITING_FULFILMENT, "Confirmed")
    assert ended.alert("sale.unclear").state == "recovered"


def test_a_sale_that_is_told_after_its_game_was_postponed_is_a_sale(market: Market) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    ended = Ended(market, remote)
    call_off(ended, GameStatus.POSTPONED)
    market.webhook(remote)
    assert (ended.sale.state, ended.sale.ending, ended.sale.stands) == (SaleState.CONFIRMED, "", True)
    assert ended.alert("sale.sold").state == "firing"


def test_other_seats_that_its_marketplace_names_leave_open_what_is_open(market: Market) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    ended = Ended(market, remote)
    ended.report("penalty", charge=Decimal("30.00"))
    call_off(ended)
    alert = ended.alert("sale.game_off")
    for seats, ending in ((("3", "4"), SaleEnding.GAME_OFF), (("1", "2"), SaleEnding.PENALTY)):
        if ending == SaleEnding.PENALTY:
            call_off(ended, GameStatus.SCHEDULED)
        named = replace(market.alpha.sales[remote.sale_id], seats=seats)
        sale_apply(account=market.accounts["alpha"], remote=named)
        live = ended.sale.sale_seats.filter(live=True).values_list("seat__seat_number", flat=True)
        assert {str(number) for number in live} == set(seats)
        assert (ended.sale.ending, ended.sale.told_charge) == (ending, Decimal("30.00"))
        alert.refresh_from_db()
        assert (alert.state, alert.count) == ("firing" if ending == SaleEnding.GAME_OFF else "recovered", 1)


def test_what_its_marketplace_complained_of_is_over_when_it_names_other_seats(market: Market) -> None:
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.webhook(remote)
    ended = Ended(market, remote)
    ended.says(RemoteSaleState.ISSUE)
    sale_apply(account=market.accounts["alpha"], remote=replace(remote, seats=("3", "4")))
    assert (ended.sale.ending, ended.sale.claim_reason, ended.seats[2:]) == ("", "", ["sold", "sold"])


def test_a_sale_that_was_told_no_more_says_what_stands_when_it_is_told_again(ended: Ended) -> None:
    call_off(ended)
    Sale.objects.update(missed_at=now())
    sale_missing(sale=ended.sale)
    assert (ended.sale.state, ended.sale.ending) == (SaleState.NEEDS_PERSON, SaleEnding.GAME_OFF)
    call_off(ended, GameStatus.SCHEDULED)
    ended.says(RemoteSaleState.AWAITING_FULFILMENT)
    assert (ended.sale.state, ended.sale.ending, ended.sale.missing) == (SaleState.CONFIRMED, "", False)


def test_sales_that_said_what_was_open_before_it_was_kept_keep_it(ended: Ended) -> None:
    for what in ("claim", "penalty"):
        Sale.objects.update(ending=what, ending_reason="late", claim_reason="", penalty_reason="")
        migration.keep(apps, None)
        kept = {"claim": ended.sale.claim_reason, "penalty": ended.sale.penalty_reason}
        assert kept == {"claim": "", "penalty": "", what: "late"}
