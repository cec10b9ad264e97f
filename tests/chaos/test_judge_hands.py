"""The judge of what hands made: one planted wrong a promise, and none where all is well."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from listings.models import FoundKind, FoundListing, FoundState
from marketplaces.models import MarketplaceAccount
from seatsync.chaos.books import Books
from seatsync.chaos.hands import HandMade
from seatsync.chaos.judge import left_active, sales_lost, wrong_prices
from seatsync.chaos.judge_hands import found_waiting, hands_missed, ours_alone, strangers_touched
from seatsync.chaos.seats import Group
from seatsync.core.clock import now
from seatsync.demo.hand_made import Fate
from tests.builders import build_holding
from tests.chaos.test_judge import SEATS, books, sale, showing

GROUP = Group(uuid.UUID(int=8), uuid.UUID(int=9), 500_007, "101", "1", tuple(SEATS.values()), tuple(SEATS))
STRANGE = HandMade("strange", 7, "vividseats", "held", GROUP, 8400, Fate.STRANGE, before=True)


def made(fate: Fate, **changes: Any) -> HandMade:
    """A listing of both seats at StubHub, or the strange one."""
    one = HandMade("stubhub", 5, "stubhub", "held", GROUP, 8400, fate, before=True)
    return replace(one, **changes)


def shown(*rows: dict[str, Any], listing_id: int = 5) -> Books:
    return books([], {listing_id: [row | {"listing_id": listing_id} for row in rows]})


def strange(*changes: dict[str, Any], sales: list[dict[str, Any]] | None = None) -> Books:
    """A stranger's listing of two seats, and what it showed afterwards."""
    rows = [showing("vividseats", 0.0, [1, 2], external_id="strange", listing_id=7)]
    rows += [rows[0] | {"id": 9, "at": 9.0} | change for change in changes]
    kept = books([], {7: rows})
    kept.sales = sales or []
    return kept


def test_nothing_is_found_where_all_is_well() -> None:
    kept = shown(showing("stubhub", 0.0, [1, 2]))
    assert not list(hands_missed(kept, [made(Fate.CERTAIN), made(Fate.CHOSEN)], set()))
    gone = shown(showing("stubhub", 0.0, [1, 2]), showing("stubhub", 1.0, []))
    del gone.listings["stubhub"]
    assert not list(hands_missed(gone, [made(Fate.UNWANTED)], set()))
    bought = sale("vividseats", 3, [1], external_id="strange", listing_id=7)
    assert not list(strangers_touched(strange({"quantity": 1, "seats": [2]}, sales=[bought]), [STRANGE]))


def test_a_listing_of_ours_that_nobody_knows() -> None:
    kept = shown(showing("stubhub", 0.0, [1, 2]))
    del kept.listings["stubhub"]
    assert len(list(hands_missed(kept, [made(Fate.CERTAIN)], set()))) == 1
    # Its game was called off before anybody saw it.
    assert not list(hands_missed(kept, [made(Fate.CERTAIN)], {GROUP.event_id}))


def test_a_row_that_was_written_while_its_file_was_is_nobodys_fault_until_somebody_buys_it() -> None:
    rows = showing("gametime", 0.0, [1, 2]), showing("gametime", 1.0, [])
    one, lost = made(Fate.CERTAIN, platform="gametime", key="gametime"), shown(*rows)
    del lost.listings["gametime"]
    assert not list(hands_missed(lost, [one], set()))
    lost.sales = [sale("gametime", 3, [1])]
    assert len(list(hands_missed(lost, [one], set()))) == 1


def test_a_listing_that_became_one_of_other_seats() -> None:
    kept = shown(showing("stubhub", 0.0, [1, 2]))
    kept.listings["stubhub"].seats[3] = uuid.UUID(int=3)
    assert len(list(hands_missed(kept, [made(Fate.CHOSEN)], set()))) == 1


def test_what_was_to_come_down_and_is_up_or_was_kept() -> None:
    up = shown(showing("stubhub", 0.0, [1, 2]))
    assert len(list(hands_missed(up, [made(Fate.UNWANTED)], set()))) == 1
    kept = shown(showing("stubhub", 0.0, [1, 2]), showing("stubhub", 1.0, []))
    assert len(list(hands_missed(kept, [made(Fate.UNWANTED)], set()))) == 1


@pytest.mark.parametrize(("change", "said"), [
    ({"price_cents": 9000}, "price"), ({"state": "deleted", "quantity": 2}, "down"),
    ({"quantity": 1, "seats": [2]}, "took none"),
])  # fmt: skip
def test_a_strangers_listing_that_was_changed(change: dict[str, Any], said: str) -> None:
    (found,) = strangers_touched(strange(change), [STRANGE])
    assert said in found


def test_a_strangers_listing_that_was_made_ours_and_a_sale_of_it_that_was_acted_on_or_kept() -> None:
    ours = strange()
    ours.listings["strange"] = ours.listings["stubhub"]
    assert ["ours" in found for found in strangers_touched(ours, [STRANGE])] == [True]
    left = {"quantity": 1, "seats": [2]}
    acted = sale("vividseats", 3, [1], "confirm", external_id="strange", listing_id=7)
    assert len(list(strangers_touched(strange(left, sales=[acted]), [STRANGE]))) == 1
    bought = sale("vividseats", 3, [1], external_id="strange", listing_id=7)
    kept = strange(left, sales=[bought])
    kept.known = books([bought]).known
    assert len(list(strangers_touched(kept, [STRANGE]))) == 1


@pytest.mark.django_db
def test_what_nobody_made_and_somebody_is_asked_about() -> None:
    holding = build_holding()
    account = MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=holding.user, platform="stubhub"
    )
    found = FoundListing.objects.create(
        tenant_id=account.tenant_id, account=account, kind=FoundKind.LISTING, remote_id="1", quantity=2, price=1,
        state=FoundState.WAITING, first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    assert len(list(found_waiting())) == 1
    FoundListing.objects.filter(pk=found.pk).update(state=FoundState.NOT_OURS)
    assert not list(found_waiting())


def test_what_is_strangers_is_judged_by_no_other_promise() -> None:
    bought = sale("vividseats", 3, [1], external_id="strange", listing_id=7)
    whole = strange(sales=[bought])
    sales, showings = ours_alone(whole, [STRANGE])
    assert (sales, showings) == ([], {})
    # As ours it would be lost, and at a price that nobody decided.
    assert list(sales_lost(whole))
    assert list(wrong_prices(whole))


def test_a_hand_made_listing_that_still_shows_a_sold_seat_is_like_any_other() -> None:
    kept = books([sale("vividseats", 1, [1, 2], "confirm")], {5: [showing("stubhub", 0.0, [1, 2], listing_id=5)]})
    kept.sales, kept.showings = ours_alone(kept, [made(Fate.CERTAIN)])
    assert len(list(left_active(kept))) == 1
