"""Webhooks out: a queue with each platform's retries, and faults that lose, delay, double or shuffle."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from marketplaces.simulator.dialects import rules_of
from marketplaces.simulator.faults import WEBHOOK_KINDS, Faults
from marketplaces.simulator.state import Delivery, Ledger

# Sends one delivery; returns the HTTP status, 0 where nobody answered.
Sender = Callable[[str, dict[str, str], str], int]
TIMEOUT_S = 10.0
# A longer memory would only make the journal slow.
_KEPT = 2000


def http_sender() -> Sender:
    """Sends over the network, connections kept."""
    client = httpx.Client(timeout=TIMEOUT_S)

    def send(url: str, headers: dict[str, str], body: str) -> int:
        try:
            return client.post(url, headers=headers, content=body.encode()).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0

    return send


class Outbox:
    """What is to be told to sellers. `lock` is the simulator's; it is not held while sending."""

    def __init__(self, ledger: Ledger, faults: Faults, lock: threading.RLock, sender: Sender) -> None:
        self._ledger = ledger
        self._faults = faults
        self._lock = lock
        self._sender = sender
        # To so many sellers at once; one after the other in tests, which repeat themselves.
        self.at_once = 1
        # Set when something was queued: who sends need not wait for its next turn.
        self.queued = threading.Event()

    def put(
        self, *, platform: str, account_id: str, url: str, headers: dict[str, str], body: str, topic: str, now: float
    ) -> None:
        """Queue a delivery, once, twice, later or never, as the faults say."""
        chosen, rules = self._ledger.settings, rules_of(platform)
        delivery = Delivery(
            id=self._ledger.new_id(), platform=platform, account_id=account_id, url=url, headers=headers, body=body,
            due_at=now, retries_left=chosen.webhook_retries.get(platform, rules.webhook_retries),
            retry_s=chosen.webhook_retry_s.get(platform, rules.webhook_retry_s),
        )  # fmt: skip
        self._keep(delivery)
        fault = self._faults.draw(self._ledger.random, WEBHOOK_KINDS, platform, topic)
        if fault is None:
            return
        if fault.kind == "webhook_lost":
            delivery.state = "lost"
        elif fault.kind == "webhook_late":
            delivery.due_at += fault.delay_s
        elif fault.kind == "webhook_reorder":
            delivery.due_at += self._ledger.random.uniform(0, fault.delay_s)
        else:
            self._keep(Delivery(
                self._ledger.new_id(), platform, account_id, url, dict(headers), body, now + fault.delay_s,
                delivery.retries_left, delivery.retry_s,
            ))  # fmt: skip

    def _keep(self, delivery: Delivery) -> None:
        table = self._ledger.deliveries
        table[delivery.id] = delivery
        self.queued.set()
        for key in [key for key, item in table.items() if item.state != "pending"][: max(0, len(table) - _KEPT)]:
            del table[key]

    def deliver_due(self, now: float) -> int:
        """Send what is due at `now` (seconds since the epoch), to each seller in order of time; how many were accepted.

        Several sellers are told at once where `at_once` says so, as no platform lets one wait for another.
        """
        with self._lock:
            due = [item for item in self._ledger.deliveries.values() if item.state == "pending" and item.due_at <= now]
            due.sort(key=lambda item: (item.due_at, item.id))
        sellers: dict[str, list[Delivery]] = {}
        for delivery in due:
            sellers.setdefault(delivery.account_id, []).append(delivery)
        if self.at_once == 1 or len(sellers) < 2:
            return self._send(due, now)
        with ThreadPoolExecutor(min(self.at_once, len(sellers))) as pool:
            return sum(pool.map(lambda own: self._send(own, now), sellers.values()))

    def _send(self, due: list[Delivery], now: float) -> int:
        accepted = 0
        for delivery in due:
            status = self._sender(delivery.url, delivery.headers, delivery.body)
            with self._lock:
                accepted += self._record(delivery, status, now)
        return accepted

    def _record(self, delivery: Delivery, status: int, now: float) -> bool:
        delivery.attempts += 1
        delivery.last_status = status
        if 200 <= status < 300:
            delivery.state = "done"
        elif delivery.retries_left == 0:
            delivery.state = "dropped"
        else:
            delivery.retries_left -= 1
            delivery.due_at = now + delivery.retry_s
        return delivery.state == "done"
