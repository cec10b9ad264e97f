"""The judge finds what is wrong: one planted wrong a promise, and none where all is well."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from listings.models import Sale, SaleState
from seatsync.chaos import judge
from seatsync.chaos.books import Books, Own
from seatsync.chaos.delays import sale_to_last_delist

SEATS = {1: uuid.UUID(int=1), 2: uuid.UUID(int=2)}


def sale(platform: str, sale_id: int, seats: list[int], *acts: str, **changes: Any) -> dict[str, Any]:
    return {
        "sale_id": str(sale_id), "platform": platform, "external_id": platform, "listing_id": 0, "seats": seats,
        "quantity": len(seats), "acts": [[what, 10.0] for what in acts], "created_at": 1.0, "confirm_by": 100.0,
        "event_id": 500_007, "rejected": "reject" in acts, "cancelled": False, "cancelled_at": 0.0,
    } | changes  # fmt: skip


def showing(platform: str, at: float, seats: list[int], **changes: Any) -> dict[str, Any]:
    return {
        "id": int(at * 10), "listing_id": 0, "platform": platform, "external_id": platform, "at": at,
        "state": "active" if seats else "deleted", "price_cents": 8400, "quantity": len(seats), "seats": seats,
    } | changes  # fmt: skip


def books(sales: list[dict[str, Any]], showings: dict[int, list[dict[str, Any]]] | None = None) -> Books:
    """Two listings of two seats; what the marketplaces sold and we confirmed has its seats here."""
    known = {row["sale_id"]: Sale(pk=uuid.uuid4(), state=SaleState.CONFIRMED) for row in sales}
    own = {
        platform: Own(uuid.uuid4(), platform, Decimal("84.00"), dict(SEATS))
        for platform in ("stubhub", "vividseats", "seatgeek", "gametime")
    }
    seats = {known[row["sale_id"]].pk: {SEATS[number] for number in row["seats"]} for row in sales}
    live = {
        known[row["sale_id"]].pk: {SEATS[number] for number in row["seats"]} for row in sales if not row["rejected"]
    }
    for row in sales:
        if row["rejected"]:
            known[row["sale_id"]].state = SaleState.CONFLICT
    return Books(sales, showings or {}, own, {key: [(0.0, 8400)] for key in own}, known, live, seats)


WELL = [sale("stubhub", 1, [1, 2], "confirm"), sale("vividseats", 2, [2], "reject")]


@pytest.mark.django_db
def test_nothing_is_found_where_all_is_well() -> None:
    kept = books(WELL, {1: [showing("stubhub", 0.0, [1, 2]), showing("stubhub", 1.0, [], state="sold")]})
    assert {name: list(check(kept)) for name, check in judge.ZEROS.items()} == {name: [] for name in judge.ZEROS}


def test_a_seat_that_was_confirmed_twice() -> None:
    wrong = [sale("stubhub", 1, [1, 2], "confirm"), sale("vividseats", 2, [2], "hand_over")]
    assert len(list(judge.seats_oversold(books(wrong)))) == 1
    # A confirmation that was taken back is a broken word all the same; one that its marketplace called off is none.
    taken_back = [WELL[0], sale("vividseats", 2, [2], "confirm", "reject")]
    assert len(list(judge.seats_oversold(books(taken_back)))) == 1
    # It was called off before the other one was confirmed, at 10; or only afterwards, and both stood at one time.
    for called_off, found in ((9.0, 0), (11.0, 1)):
        before = sale("vividseats", 2, [2], cancelled=True, cancelled_at=called_off, acts=[["confirm", 5.0]])
        assert len(list(judge.seats_oversold(books([WELL[0], before])))) == found


def test_a_sale_that_was_lost() -> None:
    unknown = books(WELL)
    del unknown.known["1"]
    assert any("not known" in finding for finding in judge.sales_lost(unknown))
    assert any("neither" in finding for finding in judge.sales_lost(books([sale("stubhub", 1, [1])])))
    assert any("nobody else" in finding for finding in judge.sales_lost(books([sale("stubhub", 1, [1], "reject")])))
    other = books([sale("stubhub", 1, [1], "confirm")])
    other.live[other.known["1"].pk] = {SEATS[2]}
    assert any("or others" in finding for finding in judge.sales_lost(other))
    made_up = books(WELL)
    made_up.known["9"] = Sale(pk=uuid.uuid4(), state=SaleState.CONFIRMED)
    assert any("made up" in finding for finding in judge.sales_lost(made_up))


def test_a_listing_that_still_shows_a_sold_seat() -> None:
    shown = {5: [showing("vividseats", 0.0, [1, 2])]}
    assert len(list(judge.left_active(books([WELL[0]], shown)))) == 1
    assert not list(judge.left_active(books([], shown)))


def test_a_listing_that_was_published_by_our_own_word_alone() -> None:
    """A command that is done here and was done nowhere else, and one whose listing was there and came down."""
    kept = books([], {5: [showing("stubhub", 0.0, [1, 2]), showing("stubhub", 1.0, [])]})
    kept.listings["stubhub"].published = kept.listings["vividseats"].published = True
    assert ["vividseats" in finding for finding in judge.never_shown(kept)] == [True]


def test_a_listing_that_came_down_although_nobody_asked_for_it() -> None:
    """As a row that a file which is the account has lost; one that was to come down, or is sold, is none."""
    kept = books([], {
        5: [showing("stubhub", 0.0, [1, 2]), showing("stubhub", 1.0, [])],
        6: [showing("gametime", 0.0, [1, 2]), showing("gametime", 1.0, [])],
        7: [showing("seatgeek", 0.0, [1, 2]), showing("seatgeek", 1.0, [], state="sold")],
        # Sent anew under its key: the newer one is up.
        8: [showing("vividseats", 0.0, [1, 2]), showing("vividseats", 1.0, [])],
        9: [showing("vividseats", 2.0, [1, 2])],
    })  # fmt: skip
    kept.listings["stubhub"].down_asked = True
    assert ["gametime" in finding for finding in judge.dropped(kept)] == [True]


def test_where_the_seller_chooses_a_listing_promises_a_number_of_seats() -> None:
    one_sold = [sale("stubhub", 1, [1], "confirm")]
    assert len(list(judge.left_active(books(one_sold, {5: [showing("seatgeek", 0.0, [1, 2])]})))) == 1
    assert not list(judge.left_active(books(one_sold, {5: [showing("seatgeek", 0.0, [1])]})))


def test_a_price_that_nobody_decided_and_one_that_is_old() -> None:
    shown = {5: [showing("stubhub", 0.0, [1, 2], price_cents=9000), showing("stubhub", 1.0, [1, 2])]}
    assert [finding for finding in judge.wrong_prices(books([], shown)) if "90.00" in finding]
    old = books([], {5: [showing("stubhub", 0.0, [1, 2], price_cents=9000)]})
    old.prices["stubhub"].insert(0, (0.0, 9000))
    assert ["not at 84.00" in finding for finding in judge.wrong_prices(old)] == [True]


@pytest.mark.parametrize(("shown", "found"), [
    # In the order in which they were decided, some never sent; and one that was decided once more.
    ([(1.0, 9000), (110.0, 8400), (301.0, 9000)], 0),
    ([(1.0, 9000), (301.0, 9000)], 0),
    # It had begun before the newer one was decided, and had its time to arrive.
    ([(120.0, 9000), (125.0, 8400), (301.0, 9000)], 0),
    # Replaced long since; and once the newer one has been there, at no moment.
    ([(130.0, 9000), (131.0, 8400), (301.0, 9000)], 1),
    ([(1.0, 9000), (101.0, 8400), (102.0, 9000), (103.0, 8400), (301.0, 9000)], 1),
    ([(1.0, 9000), (101.0, 8400), (301.0, 9000), (303.0, 8400), (304.0, 9000)], 1),
    # Shown before anybody had decided it.
    ([(1.0, 9000), (50.0, 8400), (301.0, 9000)], 1),
])  # fmt: skip
def test_a_price_that_another_one_had_replaced(shown: list[tuple[float, int]], found: int) -> None:
    rows = [showing("stubhub", at, [1, 2], price_cents=cents) for at, cents in shown]
    kept = books([], {5: [*rows, showing("stubhub", 400.0, [], state="sold", price_cents=shown[-1][1])]})
    kept.prices["stubhub"] = [(0.0, 9000), (100.0, 8400), (300.0, 9000)]
    assert ["was over" in finding for finding in judge.wrong_prices(kept)] == [True] * found


def test_a_price_that_was_over_and_sold_at() -> None:
    cents = {0.0: 7000, 100.0: 8400, 200.0: 7000, 3800.0: 7000}
    rows = [showing("stubhub", at, [1, 2], price_cents=each) for at, each in cents.items()]
    rows[-1] |= {"state": "sold", "seats": [], "quantity": 0}
    kept = books([sale("stubhub", 1, [1, 2], "confirm", created_at=3800.0)], {5: rows})
    kept.prices["stubhub"] = [(0.0, 7000), (99.0, 8400)]
    assert len(list(judge.wrong_prices(kept))) == 1


@pytest.mark.parametrize(("platform", "cents", "found"), [
    # As it was shown until a buyer overtook the file: no price was sent.
    ("gametime", 7000, 0),
    # Another price that was over long since was sent with it; and elsewhere no file is on its way.
    ("gametime", 6000, 1), ("stubhub", 7000, 1),
])  # fmt: skip
def test_a_price_that_a_file_carries_as_it_stood_is_sent_by_nobody(platform: str, cents: int, found: int) -> None:
    shown = {
        5: [
            showing(platform, 10.0, [1, 2], price_cents=7000),
            showing(platform, 300.0, [], state="sold", price_cents=7000),
        ],
        6: [
            showing(platform, 301.0, [1, 2], listing_id=6, price_cents=cents),
            showing(platform, 302.0, [], listing_id=6, price_cents=cents),
        ],
    }
    kept = books([], shown)
    kept.prices[platform] = [(0.0, 6000), (1.0, 7000), (250.0, 8400)]
    assert ["was over" in finding for finding in judge.wrong_prices(kept)] == [True] * found


@pytest.mark.django_db
def test_what_was_done_twice() -> None:
    assert len(list(judge.duplicates(books([sale("stubhub", 1, [1], "confirm", "confirm")])))) == 1
    assert len(list(judge.duplicates(books([sale("stubhub", 1, [1], "confirm", "reject")])))) == 1
    twice = {5: [showing("stubhub", 0.0, [1, 2])], 6: [showing("stubhub", 2.0, [1, 2], listing_id=6)]}
    assert len(list(judge.duplicates(books([], twice)))) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("ended", "platform", "found"), [
    ("sold", "gametime", 0), ("deleted", "gametime", 1), ("sold", "stubhub", 1),
])  # fmt: skip
def test_a_file_that_a_buyer_overtook_is_a_race_and_what_we_took_down_must_not_come_back(
    ended: str, platform: str, found: int
) -> None:
    shown = {
        5: [showing(platform, 0.0, [1, 2]), showing(platform, 1.0, [], state=ended)],
        6: [showing(platform, 2.0, [1, 2], listing_id=6)],
    }
    assert len(list(judge.duplicates(books([], shown)))) == found
    assert judge.files_overtaken(books([], shown)) == 1 - found


def test_a_conflict_that_was_refused_late_or_not_at_all() -> None:
    late = sale("vividseats", 2, [2], "reject", confirm_by=5.0)
    assert len(list(judge.late_rejections(books([late])))) == 1
    waiting = books([sale("vividseats", 2, [2])])
    waiting.known["2"].state = SaleState.CONFLICT
    assert len(list(judge.late_rejections(waiting))) == 1
    # Its marketplace took it back before it could be refused.
    waiting.sales[0]["cancelled"] = True
    assert not list(judge.late_rejections(waiting))


def test_from_the_purchase_until_no_other_listing_shows_the_seat() -> None:
    sold = sale("stubhub", 1, [1], "confirm", listing_id=4)
    shown = {
        4: [showing("stubhub", 0.0, [1, 2], listing_id=4), showing("stubhub", 1.0, [2], listing_id=4)],
        5: [showing("vividseats", 0.0, [1, 2]), showing("vividseats", 3.5, [2])],
        6: [showing("gametime", 0.0, [1, 2]), showing("gametime", 2.0, [])],
    }
    told = sale_to_last_delist(books([sold], shown))
    assert (told["p50"], told["n"], told["by_platform"]["stubhub"]["p99"]) == (2500, 1, 2500)
