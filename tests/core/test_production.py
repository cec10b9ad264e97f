"""Production refuses what is unsafe and names it; every periodic job exists."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from marketplaces.contracts import NoticeKind
from marketplaces.inbox import handler_for
from seatsync.checks import production_is_safe, unsafe_start_refused
from seatsync.core.jobs import task_by_path
from seatsync.schedule import SCHEDULE, Row, schedule_load


def test_default_secrets_and_debug_are_refused_by_name(settings: Settings) -> None:
    settings.ENVIRONMENT, settings.DEBUG = "production", True
    text = " ".join(error.msg for error in production_is_safe(None))
    for name in ("SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEY", "DEBUG"):
        assert name in text


def test_i20_a_live_address_that_is_the_simulators_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUBHUB_BASE_URL", settings.SIMULATOR_URL)
    (error,) = production_is_safe(None)
    assert "STUBHUB_BASE_URL" in error.msg
    with pytest.raises(ImproperlyConfigured, match="STUBHUB_BASE_URL is the simulator's address"):
        unsafe_start_refused()


@pytest.mark.parametrize("row", SCHEDULE, ids=lambda row: row.task)
def test_every_periodic_job_exists(row: Row) -> None:
    assert callable(task_by_path(row.task))


@pytest.mark.django_db
def test_the_schedule_keeps_what_staff_changed() -> None:
    from django_celery_beat.models import PeriodicTask

    assert schedule_load() == len(SCHEDULE)
    PeriodicTask.objects.filter(name=SCHEDULE[0].task).update(enabled=False)
    assert schedule_load() == 0
    assert not PeriodicTask.objects.get(name=SCHEDULE[0].task).enabled


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_notice_kind_has_a_handler(kind: NoticeKind) -> None:
    assert callable(handler_for(kind))
