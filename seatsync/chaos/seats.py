"""A run of neighbouring seats of one game: what is offered together, by whomever."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from random import Random

from portfolios.models import SeasonTicket, Seat

GAMES = 60
# The first game's number at every marketplace; the others follow.
FIRST_EVENT = 500_000
# So many of the last games may be called off; no hand lists their seats, since what was never seen cannot be missed.
MAY_BE_OFF = 6
# How many neighbouring seats are offered together.
SIZES = (1, 2, 4, 4, 6, 8, 8, 10)


@dataclass(frozen=True, slots=True)
class Group:
    """Seats by our ids and by their numbers, in the order of these; `event_id` is their game's at the marketplaces."""

    owner_id: uuid.UUID
    game_id: uuid.UUID
    event_id: int
    section: str
    row: str
    seats: tuple[uuid.UUID, ...]
    numbers: tuple[int, ...]

    @property
    def may_be_off(self) -> bool:
        """Whether its game may be called off."""
        return self.event_id >= FIRST_EVENT + GAMES - MAY_BE_OFF

    def only(self, seats: set[uuid.UUID]) -> "Group":
        """The longest run of it that has no other seats than these; perhaps none."""
        runs: list[list[tuple[uuid.UUID, int]]] = [[]]
        for seat, number in zip(self.seats, self.numbers, strict=True):
            if seat in seats:
                runs[-1].append((seat, number))
            else:
                runs.append([])
        longest = max(runs, key=len)
        return replace(self, seats=tuple(pk for pk, _ in longest), numbers=tuple(number for _, number in longest))


def group_take(groups: list[Group]) -> Group:
    """Take the last group out that a hand may list. Raises LookupError where there is none."""
    while True:
        found = next((group for group in reversed(groups) if not group.may_be_off), None)
        if found is None:
            raise LookupError("no group is left that a hand may list")
        # Another thread may have taken it meanwhile.
        with suppress(ValueError):
            groups.remove(found)
            return found


def groups_cut(ticket: SeasonTicket, chance: Random) -> Iterator[Group]:
    """Each game's row of seats in runs of different lengths."""
    rows = Seat.objects.filter(season_ticket=ticket).select_related("game").order_by("game__starts_at", "seat_number")
    for game, seats in groupby(rows, key=lambda seat: seat.game):
        left = list(seats)
        while left:
            size = min(chance.choice(SIZES), len(left))
            run, left = left[:size], left[size:]
            yield Group(
                ticket.user_id, game.pk, FIRST_EVENT + int(game.source_key), run[0].section, run[0].row,
                tuple(seat.pk for seat in run), tuple(seat.seat_number for seat in run),
            )  # fmt: skip
