"""Runs of seats: what is left of one, and which a hand may list."""

import uuid
from dataclasses import replace

import pytest

from seatsync.chaos.seats import FIRST_EVENT, GAMES, MAY_BE_OFF, Group, group_take

SEATS = tuple(uuid.UUID(int=number) for number in range(1, 6))
GROUP = Group(uuid.UUID(int=8), uuid.UUID(int=9), FIRST_EVENT, "101", "1", SEATS, (1, 2, 3, 4, 5))


def test_what_is_left_of_a_group_is_its_longest_run() -> None:
    left = GROUP.only({SEATS[0], SEATS[2], SEATS[3]})
    assert (left.seats, left.numbers) == (SEATS[2:4], (3, 4))
    assert GROUP.only(set()).seats == ()


def test_a_hand_lists_nothing_of_a_game_that_may_be_called_off() -> None:
    off = replace(GROUP, event_id=FIRST_EVENT + GAMES - MAY_BE_OFF)
    groups = [GROUP, off]
    assert group_take(groups) == GROUP
    assert groups == [off]
    with pytest.raises(LookupError, match="no group is left"):
        group_take(groups)
