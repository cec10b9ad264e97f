"""The small case whole: two seats, two marketplaces, two workers, every interleaving (docs/adr/0020)."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from seatsync.chaos.model import Model
from tests.listings.replay import Replay
from tests.market import Market
from tests.seeds import sample_of, seeds

Move = tuple[str, *tuple[int, ...]]


def moves(model: Model, most_sales: int) -> Iterator[Move]:
    """Everything that may happen next. Workers are alike: the first idle one stands for all."""
    if len(model.deals) < most_sales:
        for place, offer in enumerate(model.offers):
            yield from (("buy", place, seats) for seats in (1, 2, 3) if offer.visible & seats == seats)
    idle = next((number for number, hand in enumerate(model.hands) if not hand.doing), None)
    if idle is not None:
        yield from (("notice", idle, number) for number, deal in enumerate(model.deals) if deal.words)
        if model.claimable() is not None:
            yield "claim", idle
    for number, hand in enumerate(model.hands):
        if hand.doing:
            yield "step", number
            if model.crashes:
                yield "crash", number


def do(model: Model, move: Move) -> None:
    getattr(model, move[0])(*move[1:])
    model.check()


def walk_all(most_sales: int, **begin: Any) -> tuple[int, int]:
    """Look at every state that can be reached; returns how many there are, and in how many nothing is left to do."""
    first = Model.begin(seats=2, offers=2, workers=2, **begin)
    seen, open_states, still = {hash(first.key())}, [first], 0
    while open_states:
        model = open_states.pop()
        if model.still:
            model.check_still()
            still += 1
        for move in moves(model, most_sales):
            following = model.copy()
            do(following, move)
            if (key := hash(following.key())) not in seen:
                seen.add(key)
                open_states.append(following)
    return len(seen), still


def test_i01_two_purchases_in_every_order_sell_no_seat_twice() -> None:
    states, still = walk_all(2)
    assert (states, still) == (8781, 67)


# Whether what was taken down is gone is looked at once more, which changes nothing: left out where it only multiplies
# the states.
CASES: list[dict[str, Any]] = [
    {"most_sales": 3, "verifies": False},
    {"most_sales": 2, "crashes": 1},
    {"most_sales": 2, "words": 2},
    {"most_sales": 3, "chooses": 2, "verifies": False},
    {"most_sales": 4, "verifies": False},
]


@pytest.mark.chaos
@pytest.mark.parametrize("case", sample_of(CASES))
def test_i01_all_purchases_in_every_order_sell_no_seat_twice(case: dict[str, Any]) -> None:
    states, still = walk_all(**case)
    assert states > still > 0


def walked(chance: random.Random, most_sales: int, **begin: Any) -> list[Move]:
    """One way through, to where nothing is left to do."""
    model, taken = Model.begin(seats=2, offers=2, workers=2, **begin), list[Move]()
    while found := list(moves(model, most_sales)):
        move = chance.choice(found)
        do(model, move)
        taken.append(move)
    model.check_still()
    return taken


def replayed(market: Market, seed: int, count: int) -> None:
    """Walks on the model and on the real functions side by side: after each step both say the same."""
    chance = random.Random(seed)
    for _ in range(count):
        begin: dict[str, Any] = {"crashes": chance.choice([0, 0, 1]), "words": chance.choice([1, 1, 2])}
        trace = walked(chance, 4, **begin)
        model = Model.begin(seats=2, offers=2, workers=2, **begin)
        with Replay(market, model) as replay:
            for place, move in enumerate(trace):
                replay.do(move)
                do(model, move)
                assert replay.abstract() == replay.expected(), (trace[: place + 1], place)


@pytest.mark.django_db
def test_i01_the_real_functions_do_what_the_model_says(market: Market) -> None:
    replayed(market, 1, 25)


@pytest.mark.chaos
@pytest.mark.django_db
@pytest.mark.parametrize("seed", seeds(11, 12, 13, 14))
def test_i01_a_thousand_walks_on_the_real_functions(market: Market, seed: int) -> None:
    # A sample of the heavy marks walks a part of them.
    replayed(market, seed, 50 if len(sample_of(CASES)) == 1 else 250)
