"""The simulated marketplaces as one WSGI callable: each under its key, and /_sim to control them."""

import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from marketplaces.simulator import control, journal, payments, sales
from marketplaces.simulator.buyers import Buyers
from marketplaces.simulator.dialects import dialects
from marketplaces.simulator.faults import Fault, Faults
from marketplaces.simulator.http import (
    IN_PROCESS_HEADER,
    MALFORMED,
    NoRouteError,
    Refusal,
    Request,
    Response,
    read,
    write,
)
from marketplaces.simulator.limits import Limits
from marketplaces.simulator.rules import Dialect
from marketplaces.simulator.state import Ledger, Sale
from marketplaces.simulator.transport import SimulatorTransport
from marketplaces.simulator.webhooks import Outbox, Sender, http_sender

__all__ = ["Simulator", "SimulatorTransport"]

_BEFORE = ("status", "timeout_before")
_AFTER = ("status_after", "timeout_after")
_LATE = ("latency",)


class Simulator:
    """State, faults, webhooks and buyers behind one lock; safe to call from several threads.

    `clock` gives seconds since the epoch; `sender` sends a webhook (by default over the network).
    """

    def __init__(
        self, *, seed: int = 1, clock: Callable[[], float] = time.time, sender: Sender | None = None,
        state_path: Path | None = None,
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self.clock = clock
        self.ledger = Ledger(seed)
        self.faults = Faults()
        self.limits = Limits()
        self.outbox = Outbox(self.ledger, self.faults, self.lock, sender or http_sender())
        self.platforms: dict[str, Dialect] = {
            key: dialect(self.ledger, self.outbox) for key, dialect in dialects().items()
        }
        self.buyers = Buyers(self.ledger, self.tell)
        self.state_path = state_path
        self._changed = True
        self._saving = threading.Lock()
        self.restore()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        request = read(environ)
        if self.ledger.settings.answer_s and not request.path.startswith(control.PREFIX):
            time.sleep(self.ledger.settings.answer_s)
        response = self.answer(request)
        if IN_PROCESS_HEADER not in request.headers:
            # The lock is free meanwhile; where it hangs the caller gives up first.
            time.sleep(response.late_s + response.hang_s)
        return write(response, start_response)

    def answer(self, request: Request) -> Response:
        """One request to its answer."""
        prefix, _, rest = request.path.lstrip("/").partition("/")
        request.path, request.base = f"/{rest}", f"{request.base}/{prefix}"
        with self.lock:
            now, self._changed = self.clock(), True
            if prefix == control.PREFIX.lstrip("/"):
                try:
                    return control.handle(self, request, now)
                except Refusal as refusal:
                    return Response(refusal.status, {"error": refusal.message})
            if prefix not in self.platforms:
                return Response(404, {"error": f"no platform {prefix!r}: one of {', '.join(self.platforms)}"})
            response = self._platform_answer(prefix, request, now)
            response.headers = {"Date": formatdate(now, usegmt=True), **response.headers}
            late = self.faults.draw(self.ledger.random, _LATE, prefix, f"{request.method} {request.path}")
            if late is not None:
                response.late_s = self.ledger.random.uniform(0, late.delay_s)
            return response

    def _platform_answer(self, platform: str, request: Request, now: float) -> Response:
        dialect, where = self.platforms[platform], f"{request.method} {request.path}"
        fault = self.faults.draw(self.ledger.random, _BEFORE, platform, where)
        if fault is not None:
            return self._strike(fault, fault.answer())
        try:
            account = dialect.account_of(request, now)
            wait = 0.0 if account is None else self.limits.wait_s(account, now)
            if wait > 0:
                return Response(429, {"code": "too_many_requests"}, {"Retry-After": str(max(1, round(wait)))})
            response = dialect.handle(request, account, now)
            if account is not None and request.method != "GET":
                self.ledger.showings_note(account.id, now)
        except NoRouteError:
            return dialect.no_route()
        except Refusal as refusal:
            return dialect.refused(refusal, request)
        except MALFORMED as error:
            # Never a traceback.
            return dialect.refused(Refusal(400, str(error), code="invalid_request_body"), request)
        fault = self.faults.draw(self.ledger.random, _AFTER, platform, where)
        return response if fault is None else self._strike(fault, response)

    def _strike(self, fault: Fault, response: Response) -> Response:
        if fault.kind.startswith("timeout"):
            response.hang_s = self.ledger.settings.hang_s if fault.hang_s is None else fault.hang_s
            return response
        return fault.answer()

    def tell(self, sale: Sale, what: str) -> None:
        """Tell the seller what happened to a sale, as its platform does."""
        self.ledger.showings_note(sale.account_id, self.clock())
        self.platforms[sale.platform].tell(sale, what, self.clock())

    def advance(self, now: float | None = None) -> int:
        """What time does to the world: buyers buy, reviews end, sellers are paid; returns the number of purchases."""
        moment = self.clock() if now is None else now
        with self.lock:
            for dialect in self.platforms.values():
                dialect.pass_time(moment)
            sold = self.buyers.tick(moment)
            moved = sales.advance_due(self.ledger, moment, self.tell)
            paid = payments.pay_due(self.ledger, moment)
            self._changed = self._changed or sold + moved + paid > 0
        return sold

    def deliver_due(self, now: float | None = None) -> int:
        """Send the webhooks that are due; returns how many were accepted."""
        accepted = self.outbox.deliver_due(self.clock() if now is None else now)
        self._changed = self._changed or accepted > 0
        return accepted

    def tick(self, now: float | None = None) -> int:
        """Let time pass and send what is due; returns how many webhooks were accepted."""
        self.advance(now)
        return self.deliver_due(now)

    def reset(self, seed: int = 1) -> None:
        """Forget everything."""
        with self.lock:
            self.ledger.reset(seed)
            self.faults.items.clear()
            self.limits.clear()
            self.buyers.stop()

    def save(self) -> None:
        """Write the state to its file, where there is one and something changed. Raises OSError."""
        if self.state_path is None or not self._changed:
            return
        # Two savers at once could put an older state over a newer one.
        with self._saving:
            with self.lock:
                self._changed = False
                state: dict[str, Any] = {**self.ledger.dump(), "buyers": self.buyers.dump()}
            try:
                journal.save(self.state_path, state)
            except OSError:
                self._changed = True
                raise

    def restore(self) -> None:
        """Take the state back from its file, where there is one. Raises ValueError where it is damaged."""
        saved = None if self.state_path is None else journal.load(self.state_path)
        if saved is not None:
            with self.lock:
                self.ledger.load(saved)
                self.buyers.load(saved.get("buyers") or {}, self.clock())
