"""`bench pages`: server time of the pages that mix most, beside an empty answer through the same middleware."""

import statistics
import time

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portfolios.models import SeasonTicket
from seatsync.accounts.models import User
from seatsync.bench.report import Report, percentile
from seatsync.demo.people import HOLDER_EMAIL

ROUNDS = 40


def pages() -> Report:
    """Median server time in ms of the season page (81 games x 4 seats); needs the demo.

    The pages and the empty answer take turns, so that what else the machine does falls on all of them alike.
    """
    user = User.objects.get(email=HOLDER_EMAIL)
    ticket = SeasonTicket.objects.filter(user=user).order_by("created_at").first()
    if ticket is None:
        raise LookupError("There is no demo. Run `manage.py demo` first.")
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    paths = {
        "empty": "/healthz", "season": f"/portfolio/{ticket.pk}/", "desk": "/", "portfolio": "/portfolio/",
        "board": "/portfolio/listings/",
    }  # fmt: skip
    for path in paths.values():
        _get(client, path)
    times: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, path in paths.items():
            started = time.perf_counter()
            _get(client, path)
            times[name].append((time.perf_counter() - started) * 1000)
    detail: dict[str, object] = {"games": ticket.total_games, "seats": ticket.seats.count(), "rounds": ROUNDS}
    for name, path in paths.items():
        with CaptureQueriesContext(connection) as queries:
            _get(client, path)
        detail[name] = {
            "p50_ms": round(statistics.median(times[name]), 2), "p95_ms": round(percentile(times[name], 0.95), 2),
            "queries": len(queries),
        }  # fmt: skip
    baseline = {
        "name": "empty answer through the same middleware",
        "figure": round(statistics.median(times["empty"]), 2),
    }
    return Report("pages", round(statistics.median(times["season"]), 2), "ms", baseline, detail)


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise LookupError(f"{path} answered {answer.status_code}")
