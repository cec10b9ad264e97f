"""The judge of sales that end badly: one planted wrong an effect, and none where all is well."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from listings.models import SaleEnding, SaleState
from listings.services.obstacles import hold_key
from seatsync.chaos.books import Books, Ended
from seatsync.chaos.judge import sales_lost, seats_oversold
from seatsync.chaos.judge_endings import endings_wrong, listed_again, money_wrong, owners_wrong
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_record
from seatsync.core.clock import now
from tests.chaos.test_judge import SEATS, books, sale, showing

_E, _S = SaleEnding, SaleState
ACCOUNT = uuid.UUID(int=77)
OVER = (_E.PROMISE_CANCELLED, _E.CANCELLED, _E.REPLACEMENT, _E.GAME_OFF)


def ended(kind: SaleEnding, *, cents: int = 0, settled: bool = False, platform: str = "stubhub") -> dict[str, Ended]:
    return {"1": Ended("1", platform, kind, cents, settled)}


def kept(kind: str, **changes: Any) -> Books:
    """A sale of both seats that ended so, with its exact effect."""
    over = kind in OVER
    made = books([sale("stubhub", 1, [1, 2], "confirm", cancelled=over)])
    known = made.known["1"]
    known.account_id, known.platform, known.platform_sale_id, known.quantity = ACCOUNT, "stubhub", "1", 2
    known.ending, known.state, known.ended_at = kind, _S.CANCELLED if over else _S.FULFILLED, now()
    for name, value in changes.items():
        setattr(known, name, value)
    if over:
        made.live.pop(known.pk)
    else:
        made.owners = dict.fromkeys(SEATS.values(), ("sold", hold_key(ACCOUNT, "1")))
    return made


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [kind for kind in _E if kind != _E.REJECTED])
def test_nothing_is_found_where_it_has_its_effect(kind: SaleEnding) -> None:
    made, word = kept(kind), ended(kind)
    found = [*endings_wrong(made, word), *owners_wrong(made), *listed_again(made), *money_wrong(made, word)]
    assert not found
    assert not [*sales_lost(made), *seats_oversold(made)]


@pytest.mark.parametrize("kind", [kind for kind in _E if kind != _E.REJECTED])
def test_an_ending_that_says_nothing_or_has_another_state(kind: SaleEnding) -> None:
    assert len(list(endings_wrong(kept(kind, ending=""), ended(kind)))) == 1
    other = _S.CONFIRMED if kind in OVER else _S.CANCELLED
    assert len(list(endings_wrong(kept(kind, state=other), ended(kind)))) == 1


@pytest.mark.parametrize("kind", [kind for kind in _E if kind != _E.REJECTED])
def test_an_ending_that_kept_or_lost_the_wrong_seats(kind: SaleEnding) -> None:
    wrong = kept(kind)
    known = wrong.known["1"]
    wrong.live[known.pk] = set(SEATS.values()) if kind in OVER else {SEATS[1]}
    assert len(list(endings_wrong(wrong, ended(kind)))) == 1


def test_a_sale_that_was_over_before_we_heard_of_it_has_no_ending() -> None:
    unheard = kept(_E.PROMISE_CANCELLED, ending="")
    unheard.named.clear()
    assert not list(endings_wrong(unheard, ended(_E.PROMISE_CANCELLED)))


def test_a_game_that_is_off_is_the_cause_of_what_comes_after() -> None:
    promised, word = kept(_E.PROMISE_CANCELLED, ending=_E.GAME_OFF), ended(_E.PROMISE_CANCELLED)
    assert len(list(endings_wrong(promised, word))) == 1
    assert not list(endings_wrong(promised, word, {500_007}))
    # Whenever it was heard of, the game is why.
    assert len(list(endings_wrong(kept(_E.CANCELLED), ended(_E.GAME_OFF)))) == 1


@pytest.mark.parametrize("kind", [_E.PROMISE_CANCELLED, _E.CANCELLED])
def test_what_was_to_be_refused_and_was_taken_back_before_says_so_where_its_seats_were_sold(kind: SaleEnding) -> None:
    refused = kept(kind, ending=_E.REJECTED)
    # Its seats were nobody else's, so that there was nothing to refuse.
    refused.sales[0]["acts"] = []
    assert len(list(endings_wrong(refused, ended(kind)))) == 1
    refused.named[uuid.uuid4()] = {SEATS[1]}
    assert not list(endings_wrong(refused, ended(kind)))
    # What was promised to its buyer is no refusal.
    refused.sales[0]["acts"] = [["confirm", 5.0]]
    assert len(list(endings_wrong(refused, ended(kind)))) == 1


def test_a_complaint_that_is_settled_and_stays() -> None:
    word = ended(_E.CLAIM, settled=True)
    assert not list(endings_wrong(kept(_E.CLAIM, ending=""), word))
    assert len(list(endings_wrong(kept(_E.CLAIM), word))) == 1


def test_an_ending_that_nobody_made_and_one_that_nobody_noticed() -> None:
    assert len(list(endings_wrong(kept(_E.PENALTY), {}))) == 1
    unnoticed = books([sale("stubhub", 1, [1, 2], "confirm", cancelled=True)])
    assert len(list(endings_wrong(unnoticed, {}))) == 1


def test_a_refused_sale_says_that_it_is_rejected_and_has_no_seats() -> None:
    made = books([sale("stubhub", 1, [1, 2], "reject")])
    assert len(list(endings_wrong(made, {}))) == 1
    made.known["1"].ending = _E.REJECTED
    assert not list(endings_wrong(made, {}))
    made.live[made.known["1"].pk] = {SEATS[1]}
    assert len(list(endings_wrong(made, {}))) == 1


def test_a_seat_that_is_not_its_sales_and_one_that_is_still_held_for_a_sale_that_is_over() -> None:
    lost = kept(_E.CLAIM)
    del lost.owners[SEATS[1]]
    assert len(list(owners_wrong(lost))) == 1
    held = kept(_E.CANCELLED)
    held.owners[SEATS[1]] = ("sold", hold_key(ACCOUNT, "1"))
    assert len(list(owners_wrong(held))) == 1


def test_seats_that_are_on_show_again_though_nobody_offers_them() -> None:
    back = kept(_E.CANCELLED)
    own = back.listings["stubhub"]
    own.open, back.showings = False, {5: [showing("stubhub", 0.0, []), showing("stubhub", 1.0, [1, 2])]}
    assert len(list(listed_again(back))) == 1
    own.open, own.offered = True, {2}
    assert len(list(listed_again(back))) == 1
    own.offered = {1, 2}
    assert not list(listed_again(back))


def test_where_the_seller_chooses_it_is_their_number_that_counts() -> None:
    shown = kept(_E.CANCELLED)
    shown.listings["seatgeek"].offered = {2}
    shown.showings = {5: [showing("seatgeek", 0.0, [1])]}
    assert not list(listed_again(shown))
    shown.showings = {5: [showing("seatgeek", 0.0, [1, 2])]}
    assert len(list(listed_again(shown))) == 1


@pytest.mark.django_db
def test_a_payment_that_was_edited_lost_or_made_up() -> None:
    made, word = kept(_E.REPLACEMENT, charged=Decimal("100.00")), ended(_E.REPLACEMENT, cents=4900)
    made.paid = {"50": {"1": 5100}, "51": {"1": -10000}}
    made.booked, made.charged = {key: dict(lines) for key, lines in made.paid.items()}, {"1": 10000}
    assert not list(money_wrong(made, word))
    made.booked["50"] = {"1": -4900}
    assert len(list(money_wrong(made, word))) == 1
    del made.booked["50"]
    assert len(list(money_wrong(made, word))) == 1
    made.booked = {**made.paid, "52": {"1": 1}}
    assert len(list(money_wrong(made, word))) == 1


@pytest.mark.django_db
def test_a_charge_that_its_sale_does_not_have() -> None:
    made = kept(_E.PENALTY)
    made.charged = {"1": 4250}
    assert len(list(money_wrong(made, ended(_E.PENALTY, cents=4250)))) == 1
    # Where no payout is told its holder has reported what it costs.
    told = kept(_E.PENALTY, platform="gametime", told_charge=Decimal("42.50"))
    assert not list(money_wrong(told, ended(_E.PENALTY, cents=4250, platform="gametime")))
    assert len(list(money_wrong(told, ended(_E.PENALTY, cents=4300, platform="gametime")))) == 1


@pytest.mark.django_db
def test_a_payout_whose_lines_were_written_anew() -> None:
    audit_record(
        actor=Actor.system(), verb="payout.corrected", object_type="payout", object_id=uuid.UUID(int=5),
        subject=uuid.UUID(int=6), before={}, after={},
    )  # fmt: skip
    assert len(list(money_wrong(kept(_E.CLAIM), {}))) == 1


def test_a_sale_that_was_refused_for_one_that_was_over_later() -> None:
    """Whoever had the seats when the other buyer came is reason enough, whatever became of him."""
    made = kept(_E.CANCELLED)
    refused = sale("vividseats", 2, [2], "reject")
    other = books([refused])
    made.sales.append(refused)
    made.known |= other.known
    made.named |= other.named
    made.known["2"].noticed_at, made.known["1"].ended_at = now(), None
    assert any("nobody else" in finding for finding in sales_lost(made))
    made.known["1"].ended_at = now()
    assert not list(sales_lost(made))


def test_a_sale_that_nobody_could_hear_of_is_not_lost() -> None:
    silent, told = (sale(platform, 1, [1], cancelled=True) for platform in ("vividseats", "stubhub"))
    for row, lost in ((silent, 0), (told, 1)):
        unknown = books([row])
        unknown.known.clear()
        assert len(list(sales_lost(unknown))) == lost
