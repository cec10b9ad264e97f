"""Outgoing webhooks: a queue that a thread works off when served, and tests by hand."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

# (most attempts, seconds between them): SeatGeek documents three retries a second apart; StubHub publishes none.
RETRIES = {"seatgeek": (4, 1.0), "stubhub": (5, 1.0)}
ANSWER_WITHIN_S = 10.0

Post = Callable[[str, dict[str, str], bytes], int]


@dataclass
class Delivery:
    """One webhook on its way; `due` in seconds of the monotonic clock."""

    platform: str
    url: str
    headers: dict[str, str]
    body: bytes
    due: float
    attempts: int = 0


class Deliveries:
    """The queue. `post` sends and returns the status (0: no answer)."""

    def __init__(self, post: Post | None = None) -> None:
        self._client: httpx.Client | None = None
        self.post: Post = post or self._send
        self._queue: list[Delivery] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.delivered = 0
        self.dropped = 0

    def add(self, platform: str, url: str, headers: dict[str, str], body: Any, delay_s: float = 0.0) -> None:
        """Queue a delivery."""
        content = json.dumps(body, default=str).encode()
        sent = {"Content-Type": "application/json", **headers}
        with self._changed:
            self._queue.append(Delivery(platform, url, sent, content, time.monotonic() + delay_s))
            self._changed.notify()

    def deliver_due(self, *, everything: bool = False) -> int:
        """Send what is due (or all that waits); returns how many were sent."""
        with self._changed:
            due = [item for item in self._queue if everything or item.due <= time.monotonic()]
            self._queue = [item for item in self._queue if item not in due]
        for item in due:
            self._try(item)
        return len(due)

    def _try(self, item: Delivery) -> None:
        item.attempts += 1
        if 200 <= self.post(item.url, item.headers, item.body) < 300:
            self.delivered += 1
            return
        most, pause_s = RETRIES[item.platform]
        if item.attempts >= most:
            self.dropped += 1
            return
        item.due = time.monotonic() + pause_s
        with self._changed:
            self._queue.append(item)

    def _send(self, url: str, headers: dict[str, str], body: bytes) -> int:
        if self._client is None:
            self._client = httpx.Client(timeout=ANSWER_WITHIN_S)
        try:
            return self._client.post(url, headers=headers, content=body).status_code
        except httpx.HTTPError:
            return 0

    def start(self) -> None:
        """Work the queue off in the background."""
        self._thread = threading.Thread(target=self._loop, name="webhooks", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._changed:
                waits = [item.due - time.monotonic() for item in self._queue]
                if not waits or min(waits) > 0:
                    self._changed.wait(timeout=min([*waits, 1.0]))
            self.deliver_due()
