"""What a measurement reports."""

import math
import os
import platform
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """A figure with its unit beside a baseline measured in the same run; `ratio` is figure over baseline."""

    name: str
    figure: float
    unit: str
    baseline: dict[str, Any]
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The contract's keys."""
        ratio = self.figure / self.baseline["figure"] if self.baseline["figure"] else 0.0
        machine = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        )
        return {**asdict(self), "ratio": round(ratio, 3), "machine": machine}


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile of a list that is not empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]
