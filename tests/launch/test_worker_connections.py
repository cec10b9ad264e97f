"""A worker keeps its database connection from job to job, and has a new one where it broke."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from seatsync.celery import check_connections
from tests.launch.test_imports import WORKER, printed

KEPT = """
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_prerun
from seatsync.celery import check_connections
print(check_connections in [receiver for _, receiver in task_prerun.receivers])
print(DjangoWorkerFixup(app).db_reuse_max > 0)
"""


def test_a_worker_looks_at_its_connection_before_each_job_and_celery_closes_it_seldom(tmp_path: Path) -> None:
    assert printed(WORKER + KEPT, tmp_path) == ["True", "True"]


@pytest.fixture
def kept(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections live a minute, as they do where the product runs."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    yield
    connection.close()


def server_process() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("kept")
def test_the_connection_is_kept_from_job_to_job() -> None:
    before = server_process()
    check_connections()
    assert server_process() == before


@pytest.mark.usefixtures("kept")
def test_a_connection_that_broke_is_replaced_before_the_job_asks() -> None:
    before = server_process()
    # As when the server was restarted between two jobs.
    connection.connection.close()
    check_connections()
    assert server_process() != before
