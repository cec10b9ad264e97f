"""What one transaction says is told together: each change once, nothing that was undone, in few queries."""

import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.models import SeasonTicketShare
from seatsync.live.events import LiveType
from seatsync.live.models import LiveEvent
from seatsync.live.publish import publish
from tests.builders import build_holding, person

pytestmark = pytest.mark.django_db
TENANT = uuid.uuid4()
ME, OTHER = uuid.uuid4(), uuid.uuid4()

# A step is the number of an object that changed, or a savepoint with its steps that is kept or undone.
Step = Any
STEPS = st.recursive(
    st.integers(0, 5),
    lambda steps: st.tuples(st.booleans(), st.lists(steps, max_size=4)),
    max_leaves=12,
)


def said(number: int, *, to: uuid.UUID = ME, version: int = 0) -> None:
    publish(tenant_id=TENANT, user_ids=[to], kind=LiveType.SEAT_CHANGED, object_id=str(number), version=version)


def told(to: uuid.UUID = ME) -> list[tuple[str, int]]:
    found = LiveEvent.objects.filter(user_id=to).order_by("seq")
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    return [(event.object_id, event.version) for event in found]


def run(steps: list[Step]) -> set[int]:
    """Take the steps; returns the objects whose change stands."""
    standing: set[int] = set()
    for step in steps:
        if isinstance(step, int):
            said(step)
            standing.add(step)
            continue
        kept, inner = step
        with transaction.atomic():
            changed = run(inner)
            transaction.set_rollback(not kept)
        standing |= changed if kept else set()
    return standing


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=6))
def test_what_stands_is_told_once_and_what_was_undone_never(steps: list[Step]) -> None:
    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks(execute=True):
            standing = run(steps) | {9}
            # What is said outside of every savepoint takes along what was said in those that are released.
            said(9)
        heard = [int(number) for number, _ in told()]
        transaction.set_rollback(True)
    assert sorted(heard) == sorted(standing)


def test_the_last_version_counts_and_everybody_has_numbers_of_their_own(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        said(1, version=3)
        said(2)
        said(1, version=4)
        said(1, to=OTHER)
    with django_capture_on_commit_callbacks(execute=True):
        said(1, version=5)
    assert told() == [("1", 4), ("2", 0), ("1", 5)]
    assert told(OTHER) == [("1", 0)]


def test_many_changes_take_as_many_queries_as_one(django_capture_on_commit_callbacks: Any) -> None:
    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
            for number in range(count):
                said(number)
        return len(captured)

    assert queries(12) == queries(1)


def test_who_watches_a_season_ticket_is_asked_once_when_it_is_committed(
    django_capture_on_commit_callbacks: Any,
) -> None:
    holding = build_holding()
    ticket = holding.ticket
    late, _ = person("late@example.com", ticket.tenant)

    def changed(number: int, version: int = 0) -> None:
        publish(
            tenant_id=TENANT, watching=ticket.pk, kind=LiveType.SEAT_CHANGED, object_id=str(number), version=version
        )

    with django_capture_on_commit_callbacks() as callbacks:
        changed(1, version=3)
        with transaction.atomic():
            changed(2)
        with transaction.atomic():
            changed(3)
            transaction.set_rollback(True)
        changed(1, version=4)
        said(5, to=holding.user.pk)
        SeasonTicketShare.objects.create(tenant=ticket.tenant, season_ticket=ticket, user=late, role="viewer")
    with CaptureQueriesContext(connection) as queries:
        for callback in callbacks:
            callback()
    assert len([query for query in queries if "season_ticket_shares" in query["sql"]]) == 1
    assert sorted(told(holding.user.pk)) == [("1", 4), ("2", 0), ("5", 0)]
    for user_id in (holding.co_owner.user_id, holding.viewer.user_id, late.pk):
        assert user_id is not None
        assert sorted(told(user_id)) == [("1", 4), ("2", 0)]
    assert holding.other.user_id is not None
    assert told(holding.other.user_id) == []
