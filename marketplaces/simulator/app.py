"""The WSGI application: routing, faults, journalling."""

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from marketplaces.simulator import control, seatgeek, stubhub
from marketplaces.simulator.buyers import Buyers, Chance
from marketplaces.simulator.faults import Faults
from marketplaces.simulator.state import Account, Listing, Sale, State
from marketplaces.simulator.web import (
    Answer,
    Environ,
    Refused,
    Request,
    StartResponse,
    read_request,
    write_answer,
)  # fmt: skip
from marketplaces.simulator.webhooks import Deliveries, Post

_DIALECTS = {"stubhub": stubhub.handle, "seatgeek": seatgeek.handle}
# Longer than any client of ours waits.
HANG_S = 30.0


class Simulator:
    """All marketplaces in one process. `served`: real sockets, so a hanging answer really hangs."""

    def __init__(
        self, *, seed: int = 0, state_path: Path | None = None, served: bool = False, post: Post | None = None,
        chance: Chance | None = None,
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self.state = State(seed)
        self.faults = {platform: Faults() for platform in _DIALECTS}
        self.deliveries = Deliveries(post)
        self.buyers = Buyers(self, chance)
        self.served = served
        self.state_path = state_path
        self._changed = False
        self._restore()

    # Requests.
    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one WSGI request."""
        request = read_request(environ)
        prefix, _, rest = request.path.lstrip("/").partition("/")
        if prefix == "_sim":
            answer = self._locked(lambda: control.handle(self, request, rest))
        elif prefix in _DIALECTS:
            answer = self._platform(prefix, request, f"/{rest}")
        else:
            answer = Answer(404, {"error": f"no platform named {prefix!r}"})
        if answer.hang and self.served:
            time.sleep(HANG_S)
        content_type = "application/hal+json" if prefix == "stubhub" else "application/json"
        return write_answer(answer, start_response, content_type)

    def _platform(self, platform: str, request: Request, path: str) -> Answer:
        faults = self.faults[platform]
        if faults.latency_ms:
            time.sleep(faults.latency_ms / 1000)
        with self.lock:
            fault = faults.pick(f"{request.method} {path}", self.state.random)
        if fault is None or fault.kind == "timeout_after":
            answer = self._locked(lambda: _DIALECTS[platform](self, request, path))
            answer.hang = fault is not None
            return answer
        if fault.kind == "timeout_before":
            return Answer(504, hang=True)
        headers = {"Retry-After": f"{fault.retry_after_s:g}"} if fault.retry_after_s is not None else {}
        return Answer(int(fault.kind), {"code": "fault", "message": "a fault on purpose"}, headers)

    def _locked(self, work: Any) -> Answer:
        with self.lock:
            self._changed = True
            try:
                answer: Answer = work()
            except Refused as refused:
                return refused.answer
            except ValueError as error:
                return Answer(400, {"code": "invalid_request_body", "message": str(error)})
            return answer

    # Buying and telling.
    def buy(self, listing: Listing, seats: list[int], wish: dict[str, Any]) -> Sale:
        """A buyer takes seats of a listing at its platform."""
        if listing.platform == "seatgeek":
            return seatgeek.sold(self, listing, seats)
        return stubhub.sold(
            self, listing, seats, provisional=bool(wish.get("provisional")),
            tells_seats=bool(wish.get("tells_seats", True)),
        )  # fmt: skip

    def notify(self, account: Account, headers: dict[str, str], body: dict[str, Any]) -> None:
        """Queue a webhook to the account's address, with the faults that webhooks meet."""
        faults = self.faults[account.platform]
        if not account.webhook_url or faults.webhook("lost", self.state.random):
            return
        delay = faults.late_s if faults.webhook("late", self.state.random) else 0.0
        copies = 2 if faults.webhook("duplicated", self.state.random) else 1
        for _ in range(copies):
            self.deliveries.add(account.platform, account.webhook_url, headers, body, delay)

    # Journal.
    def _restore(self) -> None:
        if self.state_path is not None and self.state_path.exists():
            self.state.load(json.loads(self.state_path.read_text()))

    def save(self) -> None:
        """Write the state to its journal, atomically, if anything changed."""
        if self.state_path is None or not self._changed:
            return
        with self.lock:
            text = json.dumps(self.state.dump(), default=str)
            self._changed = False
        draft = self.state_path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.state_path)


class SimulatorTransport(httpx.BaseTransport):
    """Speaks to a simulator in this process; a hanging answer becomes the time-out that a client would meet."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._inner = httpx.WSGITransport(app=simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        answer = self._inner.handle_request(request)
        if answer.headers.get("x-sim-hang"):
            raise httpx.ReadTimeout("the simulator never answered", request=request)
        return answer
