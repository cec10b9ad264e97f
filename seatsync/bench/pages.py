"""`bench pages`: server time of the pages that mix most, beside an empty answer through the same middleware."""

import statistics
import time
from collections.abc import Callable
from functools import partial

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portfolios.models import SeasonTicket
from seatsync.accounts.models import User
from seatsync.bench.report import Report, percentile
from seatsync.demo.people import HOLDER_EMAIL

ROUNDS = 40
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def pages() -> Report:
    """Median server time in ms of the season page (81 games x 4 seats); needs the demo."""
    user = User.objects.get(email=HOLDER_EMAIL)
    ticket = SeasonTicket.objects.filter(user=user).order_by("created_at").first()
    if ticket is None:
        raise LookupError("There is no demo. Run `manage.py demo` first.")
    client = Client(headers={"host": "localhost"})
    client.force_login(user, backend=BACKEND)
    detail: dict[str, object] = {"games": ticket.total_games, "seats": ticket.seats.count()}
    season = f"/portfolio/{ticket.pk}/"
    for name, path in (
        ("season", season),
        ("desk", "/"),
        ("portfolio", "/portfolio/"),
        ("board", "/portfolio/listings/"),
    ):
        times = _times(partial(_get, client, path))
        with CaptureQueriesContext(connection) as queries:
            _get(client, path)
        detail[name] = {
            "p50_ms": round(statistics.median(times), 1), "p95_ms": round(percentile(times, 0.95), 1),
            "queries": len(queries),
        }  # fmt: skip
    empty = statistics.median(_times(lambda: _get(client, "/healthz")))
    figure = statistics.median(_times(lambda: _get(client, season)))
    baseline = {"name": "empty answer through the same middleware", "figure": round(empty, 2)}
    return Report("pages", round(figure, 2), "ms", baseline, detail)


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise LookupError(f"{path} answered {answer.status_code}")


def _times(work: Callable[[], None]) -> list[float]:
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return times
