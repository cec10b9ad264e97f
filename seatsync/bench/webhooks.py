"""`bench webhooks`: how fast the running web process answers signed deliveries, beside an empty answer of it."""

import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
from django.conf import settings

from marketplaces.models import InboundEvent, MarketplaceAccount, Mode
from marketplaces.services.connect import webhook_url
from seatsync.accounts.models import Role
from seatsync.bench.report import Report, percentile
from seatsync.core.ids import uuid7
from seatsync.demo.people import user_make
from seatsync.tenants.selectors import tenant_default

EMAIL, SECRET = "bench-webhooks@example.com", "bench-webhooks-secret"
SENDERS = 8
# What is sent before it counts: connections and caches are made then.
WARM_UP = 20


def webhooks(deliveries: int = 2000) -> Report:
    """p99 in ms of the answer to a delivery, one at a time; the product must be running (bin/start) at BASE_URL.

    Half of them are sent one at a time, each followed by one request for /healthz, the baseline; half by eight senders
    at once without a pause, each delivery followed by one for /healthz too. All are new, are stored, and are worked off
    meanwhile by the product's own worker. Raises LookupError where the product is missing or an answer is not 200.
    """
    account = _account()
    numbers = count()
    try:
        with httpx.Client(timeout=30) as client:
            _check_running(client)
            _each(client, account, numbers, WARM_UP)
            alone, empty = _each(client, account, numbers, deliveries // 2)
        many, many_empty = _at_once(account, numbers, deliveries // 2)
        stored = InboundEvent.objects.filter(account=account).count()
    finally:
        MarketplaceAccount.objects.filter(pk=account.pk).update(is_active=False)
    sent = len(alone) + len(many) + WARM_UP
    if stored != sent:
        raise LookupError(f"{stored} of {sent} deliveries were stored.")
    detail: dict[str, Any] = {
        "target_ms": 50, "stored": stored, "load_average": [round(load, 1) for load in os.getloadavg()],
        "one_at_a_time": _figures(alone, empty), f"{SENDERS}_senders_at_once": _figures(many, many_empty),
    }  # fmt: skip
    baseline = {
        "name": "p99 of an empty answer (/healthz) in turns with it",
        "figure": round(percentile(empty, 0.99), 2),
    }
    return Report("webhooks", round(percentile(alone, 0.99), 2), "ms", baseline, detail)


def _figures(times: list[float], empty: list[float]) -> dict[str, float]:
    found = {
        "n": len(times), "p50_ms": statistics.median(times), "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99), "most_ms": max(times), "over_50_ms": sum(took > 50 for took in times),
        "empty_p50_ms": statistics.median(empty), "empty_p99_ms": percentile(empty, 0.99),
    }  # fmt: skip
    return {name: round(value, 2) for name, value in found.items()}


def _account() -> MarketplaceAccount:
    """An account of the bench's own, which nothing polls: only deliveries come over it."""
    tenant = tenant_default()
    user = user_make(EMAIL, "Bench", tenant, Role.HOLDER)
    return MarketplaceAccount.objects.create(
        tenant=tenant, user=user, platform="stubhub", mode=Mode.PAPER, account_id=f"bench-{uuid7()}",
        webhook_secret=SECRET, needs_reconnect=True,
    )  # fmt: skip


def _check_running(client: httpx.Client) -> None:
    try:
        answer = client.get(f"{settings.BASE_URL.rstrip('/')}/healthz")
    except httpx.HTTPError as error:
        raise LookupError(
            f"Nothing answers at {settings.BASE_URL}. Use `bin/start`, then this command with its BASE_URL."
        ) from error
    if answer.status_code != 200:
        raise LookupError(f"{settings.BASE_URL}/healthz answered {answer.status_code}.")


def _each(
    client: httpx.Client, account: MarketplaceAccount, numbers: "count[int]", wanted: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of so many deliveries and of as many empty answers, in turns over one kept connection."""
    url, empty_url = webhook_url(account), f"{settings.BASE_URL.rstrip('/')}/healthz"
    times, empty = [], []
    for _ in range(wanted):
        number = next(numbers)
        body = json.dumps({"topic": "ping", "action": "bench", "_embedded": {"webhook": {"id": str(number)}}})
        headers = {"Authorization": SECRET, "Content-Type": "application/json", "X-Delivery-Id": f"bench-{number}"}
        started = time.perf_counter()
        answer = client.post(url, content=body, headers=headers)
        times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise LookupError(f"Delivery {number} was answered {answer.status_code}: {answer.text[:200]}")
        started = time.perf_counter()
        client.get(empty_url)
        empty.append((time.perf_counter() - started) * 1000)
    return times, empty


def _at_once(account: MarketplaceAccount, numbers: "count[int]", wanted: int) -> tuple[list[float], list[float]]:
    """The same by several senders, each over a connection of its own."""

    def one(share: int) -> tuple[list[float], list[float]]:
        with httpx.Client(timeout=30) as client:
            return _each(client, account, numbers, share)

    shares = [wanted // SENDERS + (number < wanted % SENDERS) for number in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as pool:
        parts = list(pool.map(one, shares))
    return [took for times, _ in parts for took in times], [took for _, empty in parts for took in empty]
