"""The state tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listings.models import ListingStatus, SaleState, SplitType
from listings.states import LISTING_MOVES, SALE_MOVES, listing_may_move, sale_may_move
from marketplaces.splits import split_allows, split_offerable


def test_every_status_has_its_row() -> None:
    assert set(LISTING_MOVES) == set(ListingStatus.values)
    assert set(SALE_MOVES) == set(SaleState.values)


@pytest.mark.parametrize("status", [s for s in ListingStatus.values if s != ListingStatus.SOLD])
def test_a_sale_may_arrive_for_a_listing_in_any_status(status: str) -> None:
    assert listing_may_move(status, ListingStatus.SOLD)


def test_sold_and_cancelled_sales_are_final() -> None:
    assert not any(listing_may_move(ListingStatus.SOLD, to) for to in ListingStatus.values)
    assert not any(sale_may_move(SaleState.CANCELLED, to) for to in SaleState.values)


@pytest.mark.parametrize(
    ("split", "quantity", "taken", "allowed"),
    [
        ("any", 4, 1, True),
        ("none", 4, 2, False),
        ("none", 4, 4, True),
        ("pairs", 4, 2, True),
        ("pairs", 4, 1, False),
        ("avoid_one", 4, 3, False),
        ("avoid_one", 4, 2, True),
        ("avoid_one", 4, 4, True),
        ("avoid_one_and_three", 4, 1, False),
        ("avoid_one_and_three", 4, 3, False),
        ("avoid_one_and_three", 4, 4, True),
        ("any", 2, 3, False),
        ("any", 2, 0, False),
        ("unheard_of", 2, 1, False),
    ],
)
def test_i05_split_rules(split: str, quantity: int, taken: int, allowed: bool) -> None:
    assert split_allows(split, quantity, taken) is allowed


@given(st.sampled_from(SplitType.values), st.integers(1, 12))
def test_i05_what_may_be_offered_can_be_sold_to_the_last_seat(split: str, quantity: int) -> None:
    def sells_out(left: int) -> bool:
        return left == 0 or any(split_allows(split, left, t) and sells_out(left - t) for t in range(1, left + 1))

    assert split_offerable(split, quantity) is sells_out(quantity)
