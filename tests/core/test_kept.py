"""Answers that a process keeps: asked once within their time, again after it, and never kept of a failure."""

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplaces.models import LimitVersion
from marketplaces.selectors import limit_kept
from seatsync.core.clock import now
from seatsync.core.kept import kept


def test_an_answer_is_asked_for_once_within_its_time_and_again_after_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEPT_S, moment, asked = 5.0, 100.0, []
    monkeypatch.setattr(time, "monotonic", lambda: moment)

    @kept("KEPT_S")
    def ask(what: str, more: int = 0) -> int:
        asked.append((what, more))
        return len(asked)

    assert [ask("a"), ask("b"), ask("a"), ask("a", more=1)] == [1, 2, 1, 3]
    moment += 4.9
    assert ask("a") == 1
    moment += 0.1
    assert [ask("a"), ask("a")] == [4, 4]


def test_nothing_is_kept_of_a_failure(settings: Any) -> None:
    settings.KEPT_S, left = 60.0, [ValueError("not now")]

    @kept("KEPT_S")
    def ask() -> str:
        if left:
            raise left.pop()
        return "well"

    with pytest.raises(ValueError, match="not now"):
        ask()
    assert ask() == "well"


@pytest.mark.django_db
def test_a_limit_that_staff_change_is_in_force_a_moment_later_and_asked_for_no_more_than_once_until_then(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS_KEPT_S, moment = 2.0, time.monotonic() + 1000
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    # No test after this one asks for it: what is kept here is kept for long.
    platform = "nobodys"
    before = limit_kept(platform)
    with CaptureQueriesContext(connection) as queries:
        LimitVersion.objects.create(
            platform=platform,
            per_second=before[0] + 1,
            burst=7,
            reserved=2,
            valid_from=now().date(),
            source="x",
            checked_on=now().date(),
        )
        assert limit_kept(platform) == before
    assert len([query for query in queries if "SELECT" in query["sql"] and "limit_versions" in query["sql"]]) == 0
    moment += 2.0
    assert limit_kept(platform) == (before[0] + 1, 7, 2)
