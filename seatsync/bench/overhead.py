"""`bench overhead`: what a command and a notice cost us, the marketplace's own time left out."""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
from django.db import connection

from listings.contracts import PriceChange
from listings.models import CommandState, Listing, MarketplaceCommand
from listings.services.execute import execute
from listings.services.outbox import Spent, command_claim
from listings.services.pricing import price_apply
from listings.services.record import record
from marketplaces.models import InboundEvent, InboxState
from marketplaces.services import links
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.understand import inbound_process
from marketplaces.simulator.app import Simulator, SimulatorTransport
from seatsync.bench.report import Report, percentile
from seatsync.bench.sellers import PATIENCE_S, PRICE, Seller, offer, sellers_make
from seatsync.core.clock import now, seconds_until
from seatsync.demo.paper import SimulatorDoor

TARGET_MS = 10
SEATS = 40
# The first ones fill caches.
WARM_UP = 5
T = TypeVar("T")


class TimedTransport(httpx.BaseTransport):
    """A line to a simulator in this process; `seconds`: how long requests were on it, all together."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.seconds = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        began = time.perf_counter()
        try:
            return self._inner.handle_request(request)
        finally:
            self.seconds += time.perf_counter() - began


@dataclass(slots=True)
class Steps:
    """One piece of work, step by step: our own ms, ms of this process's processor time, queries; and remote ms.

    The processor's time holds the in-process marketplace's too; a busy machine lengthens it little.
    """

    own: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)
    remote: float = 0.0

    @property
    def total(self) -> float:
        """Our own ms."""
        return sum(self.own.values())


class Meter:
    """Takes the time of steps; a remote wait is taken off."""

    def __init__(self, line: TimedTransport) -> None:
        self._line = line
        self.kinds: dict[str, list[Steps]] = defaultdict(list)
        # One committed write of one row, in turns with what is measured.
        self.bare: list[float] = []

    def step(self, steps: Steps, name: str, act: Callable[[], T]) -> T:
        """What `act` gives."""
        away, began, worked = self._line.seconds, time.perf_counter(), time.process_time()
        with _queries_counted() as seen:
            result = act()
        took, steps.cpu[name] = (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000
        waited = (self._line.seconds - away) * 1000
        steps.own[name], steps.queries[name] = took - waited, seen[0]
        steps.remote += waited
        return result

    def write(self, pk: Any) -> None:
        """The baseline, once."""
        began = time.perf_counter()
        MarketplaceCommand.objects.filter(pk=pk).update(updated_at=now())
        self.bare.append((time.perf_counter() - began) * 1000)

    def figures(self, kind: str) -> dict[str, Any]:
        """Medians over a kind's pieces after the first ones: own ms, whole and by step, queries, and remote ms."""
        taken = self.kinds[kind][WARM_UP:] or self.kinds[kind]
        whole = [steps.total for steps in taken]
        found: dict[str, Any] = {
            "n": len(taken), "p50_ms": _middle(whole), "p95_ms": round(percentile(whole, 0.95), 2),
            "processor_ms": _middle([sum(steps.cpu.values()) for steps in taken]),
            "queries": round(_middle([float(sum(steps.queries.values())) for steps in taken])),
            "remote_ms": _middle([steps.remote for steps in taken]),
        }  # fmt: skip
        for name in taken[0].own:
            found[f"{name}_ms"] = _middle([steps.own[name] for steps in taken if name in steps.own])
            found[f"{name}_processor_ms"] = _middle([steps.cpu[name] for steps in taken if name in steps.cpu])
            found[f"{name}_queries"] = round(
                _middle([float(steps.queries[name]) for steps in taken if name in steps.queries])
            )
        return found


def overhead() -> Report:
    """Median ms of our own that a command takes, claimed, executed and recorded; needs the demo, in this process.

    Its kinds one by one, and beside them the way of a notice until the delists are written down. The marketplace is a
    simulator in this process whose own time is taken off; the baseline is one committed write of one row, in turns with
    the commands. Raises LookupError where the product runs (its workers would take the commands) or something is
    missing.
    """
    if SimulatorDoor.running():
        raise LookupError("The product is running, and its workers would take the commands. Stop it first.")
    door = SimulatorDoor()
    if door.local is None:
        raise LookupError("The product was started meanwhile. Stop it first.")
    line = TimedTransport(SimulatorTransport(door.local))
    meter = Meter(line)
    links.transport_override = line
    try:
        (seller,) = sellers_make(1, door, bench="overhead")
        _go(meter, seller, door, door.local)
    finally:
        door.close()
    commands = [steps for kind, taken in meter.kinds.items() if kind != NOTICE for steps in taken[WARM_UP:]]
    detail: dict[str, Any] = {"target_ms": TARGET_MS, "load_average": [round(load, 1) for load in os.getloadavg()]}
    detail["processor_ms"] = _middle([sum(steps.cpu.values()) for steps in commands])
    detail |= {kind: meter.figures(kind) for kind in meter.kinds}
    base = {"name": "one committed write of one row, in turns with them", "figure": _middle(meter.bare)}
    return Report("overhead", _middle([steps.total for steps in commands]), "ms", base, detail)


NOTICE = "notice"


def _go(meter: Meter, seller: Seller, door: SimulatorDoor, simulator: Simulator) -> None:
    pairs = offer(seller, SEATS)
    _work_off(meter, seller)
    changes = [PriceChange(listing.pk, PRICE + 1, reason="bench", confirmed=True) for pair in pairs for listing in pair]
    price_apply(actor=seller.actor, changes=changes)
    _work_off(meter, seller)
    for pair in pairs:
        _sell(meter, door, simulator, pair[0])
    _work_off(meter, seller)


def _work_off(meter: Meter, seller: Seller) -> None:
    """Carry out what waits on the seller's accounts, as the outbox's workers do, within the accounts' limits."""
    ours = MarketplaceCommand.objects.filter(account__in=seller.accounts)
    waiting, deadline = ours.filter(state=CommandState.PENDING), time.monotonic() + PATIENCE_S
    while waiting.exists():
        if time.monotonic() > deadline:
            raise LookupError(f"{waiting.count()} commands were not carried out within {PATIENCE_S:.0f} s.")
        steps = Steps()
        command = meter.step(steps, "claim", lambda: command_claim(Spent()))
        if command is None:
            time.sleep(0.05)
            continue
        _carry_out(meter, steps, command)


def _carry_out(meter: Meter, steps: Steps, command: MarketplaceCommand) -> None:
    answer = meter.step(steps, "execute", lambda: execute(command))
    meter.step(steps, "record", lambda: record(command, answer))
    meter.kinds[command.kind].append(steps)
    meter.write(command.pk)


def _sell(meter: Meter, door: SimulatorDoor, simulator: Simulator, listing: Listing) -> None:
    """One seat is bought; its notice is received, and understood as soon as its account's limit lets it be read."""
    door.control("sell", platform=listing.platform, external_id=listing.external_id)
    for delivery in list(simulator.ledger.deliveries.values()):
        if delivery.state != "pending" or not delivery.url.rstrip("/").endswith(str(listing.account_id)):
            continue
        delivery.state, steps = "done", Steps()
        receive = partial(
            inbox_receive, platform=listing.platform, account_id=listing.account_id, headers=delivery.headers,
            body=delivery.body.encode(),
        )  # fmt: skip
        meter.step(steps, "receive", receive)
        _understand(meter, steps, listing)
        meter.kinds[NOTICE].append(steps)


def _understand(meter: Meter, steps: Steps, listing: Listing) -> None:
    """The pass that goes through counts: one that must wait for the account's limit reads nothing and writes less."""
    waiting = InboundEvent.objects.filter(account=listing.account, state=InboxState.RECEIVED)
    deadline = time.monotonic() + PATIENCE_S
    while event := waiting.order_by("pk").first():
        if time.monotonic() > deadline:
            raise LookupError(f"A notice was not understood within {PATIENCE_S:.0f} s.")
        if seconds_until(event.not_before) > 0:
            time.sleep(0.05)
            continue
        meter.step(steps, "understand", partial(inbound_process, event_id=event.pk))


@contextmanager
def _queries_counted() -> Iterator[list[int]]:
    seen = [0]

    def count(execute: Callable[..., Any], *rest: Any) -> Any:
        seen[0] += 1
        return execute(*rest)

    with connection.execute_wrapper(count):
        yield seen


def _middle(values: list[float]) -> float:
    return round(statistics.median(values), 2)
