"""Trouble on purpose: refusals, delays and lost answers on requests, and lost, late or doubled webhooks."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from marketplaces.simulator.http import Refusal, Response

REQUEST_KINDS = ("status", "status_after", "timeout_before", "timeout_after", "latency")
WEBHOOK_KINDS = ("webhook_duplicate", "webhook_lost", "webhook_late", "webhook_reorder")
# The longest that `latency` may hold back an answer, in seconds: beyond it a fault is a timeout and called one.
LATENCY_MOST_S = 10.0


@dataclass(slots=True)
class Fault:
    """One kind of trouble. `route` is part of "METHOD /path"; `count` None: until reset; times in seconds.

    `writes`: reads are spared.

    `status_after` and `timeout_after` strike when the request has been carried out already. `latency` changes no
    answer, whatever else struck: it comes later, by a time drawn anew for each request up to `delay_s`.
    """

    kind: str
    platform: str = ""
    route: str = ""
    status: int = 503
    retry_after_s: float | None = None
    probability: float = 1.0
    count: int | None = None
    delay_s: float = 5.0
    hang_s: float | None = None
    writes: bool = False
    struck: int = 0

    def fits(self, platform: str, where: str) -> bool:
        """Whether it may strike here."""
        left = self.count is None or self.count > 0
        spared = self.writes and where.startswith("GET ")
        return left and not spared and self.platform in {"", platform} and self.route in where

    def answer(self) -> Response:
        """What the platform says instead."""
        wait = self.retry_after_s
        headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
        return Response(self.status, {"code": "simulated_fault", "message": "simulated fault"}, headers)


class Faults:
    """The faults in force, tried in the order in which they were set."""

    def __init__(self) -> None:
        self.items: list[Fault] = []

    def add(self, values: dict[str, Any]) -> Fault:
        """Put a fault in force. Raises Refusal(400) for an unknown kind or field."""
        try:
            fault = Fault(**values)
        except TypeError as error:
            raise Refusal(400, str(error)) from error
        if fault.kind not in REQUEST_KINDS + WEBHOOK_KINDS:
            raise Refusal(400, f"kind is one of {', '.join(REQUEST_KINDS + WEBHOOK_KINDS)}")
        for name in ("probability", "delay_s", "hang_s", "retry_after_s"):
            value = getattr(fault, name)
            setattr(fault, name, None if value is None else float(value))
        if fault.kind == "latency" and not 0 < fault.delay_s <= LATENCY_MOST_S:
            raise Refusal(400, f"delay_s of latency is above 0 and at most {LATENCY_MOST_S:g} seconds")
        self.items.append(fault)
        return fault

    def draw(self, random: Random, kinds: tuple[str, ...], platform: str, where: str) -> Fault | None:
        """The fault that strikes now, if any; counted down."""
        for fault in self.items:
            if fault.kind in kinds and fault.fits(platform, where) and random.random() < fault.probability:
                fault.struck += 1
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    def dump(self) -> list[dict[str, Any]]:
        """The faults as JSON values."""
        return [asdict(fault) for fault in self.items]
