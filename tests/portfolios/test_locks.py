"""I-02 on real connections: the second taker of a seat waits, in one order, and not for ever."""

import pytest
from django.db import transaction

from portfolios.locks import seats_lock
from portfolios.models import OwnerState, Seat
from seatsync.core import locks
from seatsync.core.errors import Busy
from seatsync.tenants.models import Tenant
from tests.builders import Holding, build_holding
from tests.taking import PATIENCE_S, Taker, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def holding(default_tenant: Tenant) -> Holding:
    return build_holding()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", int(PATIENCE_S * 1000))


def test_i02_the_second_taker_waits_until_the_first_ends_and_reads_fresh(holding: Holding) -> None:
    ids = [seat.pk for seat in holding.seats]

    def sell(_: list[Seat]) -> None:
        Seat.objects.filter(pk=ids[0]).update(state=OwnerState.SOLD)

    first = Taker(ids[:2], sell)
    assert first.has.wait(PATIENCE_S)
    second = Taker(ids[:1])
    try:
        wait_until_blocked(second)
        assert not second.has.is_set()
    finally:
        first.finish()
        second.finish()
    assert (first.error, second.error) == (None, None)
    assert [seat.state for seat in second.seats] == [OwnerState.SOLD]


def test_i02_other_seats_are_not_waited_for(holding: Holding) -> None:
    first = Taker([holding.seats[0].pk])
    assert first.has.wait(PATIENCE_S)
    second = Taker([holding.seats[1].pk])
    assert second.has.wait(PATIENCE_S)
    assert (len(second.finish().seats), len(first.finish().seats)) == (1, 1)


def test_i02_takers_of_the_same_seats_in_opposite_order_do_not_deadlock(holding: Holding) -> None:
    ids = sorted(seat.pk for seat in holding.seats)
    for pk in reversed(ids):  # where the rows lie shall not happen to be the order of their keys
        Seat.objects.filter(pk=pk).update(version=2)
    # The lowest row is held: both must be waiting for it, and have none of the others.
    gate = Taker(ids[:1])
    assert gate.has.wait(PATIENCE_S)
    one, other = Taker(ids), Taker(ids[::-1])
    try:
        wait_until_blocked(one)
        wait_until_blocked(other)
        free = Taker(ids[1:])
        assert free.has.wait(PATIENCE_S)
        free.finish()
        assert len(free.seats) == len(ids) - 1
    finally:
        for taker in (gate, one, other):
            taker.end.set()
        for taker in (gate, one, other):
            taker.finish()
    assert (one.error, other.error) == (None, None)
    assert [seat.pk for seat in one.seats] == [seat.pk for seat in other.seats] == ids


@transaction.atomic
def sell_and_lock(sold: Seat, wanted: Seat) -> None:
    Seat.objects.filter(pk=sold.pk).update(state=OwnerState.SOLD)
    seats_lock([wanted.pk])


def test_i02_a_lock_that_is_not_to_be_had_is_said_and_changes_nothing(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Taker([holding.seats[0].pk])
    assert first.has.wait(PATIENCE_S)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 100)
    try:
        with pytest.raises(Busy) as caught:
            sell_and_lock(holding.seats[1], holding.seats[0])
        assert not first.end.is_set()
    finally:
        first.finish()
    assert caught.value.detail == "Somebody else is changing these seats."
    assert (caught.value.status, caught.value.code) == (409, "busy")
    assert Seat.objects.get(pk=holding.seats[1].pk).state == OwnerState.AVAILABLE
