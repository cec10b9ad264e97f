"""Geometry of the small server-side charts: values in, SVG coordinates and a text summary out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor

from seatsync.core.money import money_text
from seatsync.core.venue_time import local

# Lines are drawn in a box of WIDTH by height that stretches with the page; labels are placed in percent and pixels.
WIDTH = 1000
_TOP, _BOTTOM = 16, 22
# Room beside the first and the last moment, so that a marker covers no label of the axis and none is cut in half.
_LEFT, _RIGHT = 80, 20
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """One series: `points` are (moment, value) in time order; `css` is own, market or c2 to c6."""

    label: str
    points: Sequence[tuple[datetime, Decimal]]
    css: str = "market"
    step: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series ready to draw."""

    label: str
    css: str
    path: str
    last: Decimal
    # Where it ends: percent of the width, pixels from the top. A line of one point is seen by its end alone.
    end_x: float
    end_y: float
    # The radius of the end: wider where another line ends at the same place, so that both are seen.
    end_r: int = 3


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart, WIDTH wide and `height` pixels high."""

    height: int
    lines: list[Drawn] = field(default_factory=list)
    rows: list[Tick] = field(default_factory=list)
    columns: list[Tick] = field(default_factory=list)
    summary: str = ""
    width: int = WIDTH
    # The zone that the times are of: "PDT".
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Another price on the interval's axis."""

    value: Decimal
    label: str
    css: str = "market"


@dataclass(frozen=True, slots=True)
class Spark:
    """A sparkline in a viewBox of 96 by 20."""

    path: str = ""
    x: float = 0
    y: float = 0
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark with its place in percent of the axis."""

    at: float
    label: str
    css: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """An interval on an axis, all places in percent."""

    low: float
    width: float
    value: float
    marks: list[Placed]


def spark(values: Sequence[Decimal | float]) -> Spark:
    """A sparkline; fewer than two values draw nothing."""
    if len(values) < 2:
        return Spark()
    numbers = [float(v) for v in values]
    low, high = min(numbers), max(numbers)
    gap = high - low or 1
    points = [(i * 92 / (len(numbers) - 1) + 2, 17 - (v - low) / gap * 14) for i, v in enumerate(numbers)]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Spark(path, points[-1][0], points[-1][1], f"from {values[0]} to {values[-1]}, {low:g} to {high:g}")


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values that span low to high, about `wanted` of them."""
    gap = (high - low) or max(abs(high), 1)
    raw = gap / wanted
    power = 10.0 ** (len(str(int(raw))) - 1) if raw >= 1 else 0.1
    size = next((step * power for step in (*_STEPS, 10) if step * power >= raw), 10 * power)
    # Rounded first: 70 is 699.99 steps of a dime where floats divide.
    first = floor(round(low / size, 6)) * size
    count = int((high - first) // size) + 2
    return [first + size * i for i in range(count)]


def line_chart(lines: Sequence[Line], height: int = 190, *, zone: str = "UTC", currency: str = "USD") -> Chart:
    """Lay out prices over time, in a zone's own time; nothing to draw gives a chart without lines."""
    shown = [line for line in lines if line.points]
    moments = [at for line in shown for at, _ in line.points]
    if not moments or len(set(moments)) < 2:
        return Chart(height)
    start, end = min(moments), max(moments)
    values = [float(v) for line in shown for _, v in line.points]
    ticks = nice_ticks(min(values), max(values))
    base = height - _BOTTOM
    # Cents where whole amounts would read the same, and where they are much of it.
    places = 0 if ticks[-1] >= 10 and ticks[1] - ticks[0] >= 1 else 2

    def x(at: datetime) -> float:
        return _LEFT + (at - start) / (end - start) * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return base - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (base - _TOP)

    return Chart(
        height=height,
        lines=_apart([_drawn(line, x, y, end) for line in shown]),
        rows=[Tick(round(y(v), 1), money_text(Decimal(str(v)), currency, places)) for v in ticks],
        columns=[Tick(round(x(at) * 100 / WIDTH, 2), text) for at, text in _time_ticks(start, end, zone)],
        summary="; ".join(_say(line) for line in shown),
        zone=f"{local(end, zone):%Z}",
    )


def _apart(drawn: list[Drawn]) -> list[Drawn]:
    """Lines that end at one place get rings around each other."""
    seen: dict[tuple[int, int], int] = {}
    rings = []
    for line in drawn:
        place = (round(line.end_x), round(line.end_y / 4))
        rings.append(replace(line, end_r=3 + 4 * seen.get(place, 0)))
        seen[place] = seen.get(place, 0) + 1
    return rings


def _drawn(line: Line, x: Callable[[datetime], float], y: Callable[[float], float], end: datetime) -> Drawn:
    at, value = line.points[-1]
    ends = x(end if line.step else at) * 100 / WIDTH
    return Drawn(line.label, line.css, _path(line, x, y, end), value, round(ends, 2), round(y(float(value)), 1))


def _path(line: Line, x: Callable[[datetime], float], y: Callable[[float], float], end: datetime) -> str:
    points = list(line.points)
    if line.step:
        points.append((end, points[-1][1]))
    parts = [f"M{x(points[0][0]):.1f} {y(float(points[0][1])):.1f}"]
    for at, value in points[1:]:
        place = f"{x(at):.1f}"
        parts.append(f"H{place} V{y(float(value)):.1f}" if line.step else f"L{place} {y(float(value)):.1f}")
    return " ".join(parts)


def _say(line: Line) -> str:
    values = [v for _, v in line.points]
    return f"{line.label}: from {values[0]} to {values[-1]}, lowest {min(values)}, highest {max(values)}"


def _time_ticks(start: datetime, end: datetime, zone: str) -> list[tuple[datetime, str]]:
    gap = end - start
    form = "%H:%M" if gap < timedelta(days=1) else "%-d %b" if gap < timedelta(days=300) else "%b %Y"
    if gap < timedelta(minutes=8):
        form = "%H:%M:%S"
    moments = [start + gap * i / 4 for i in range(4)]
    # Each is said once, where it is first true.
    words = {local(at, zone).strftime(form): at for at in reversed(moments)}
    return sorted((at, text) for text, at in words.items())


def interval(low: Decimal, value: Decimal, high: Decimal, marks: Sequence[Mark]) -> Scale:
    """Place an interval, its middle and other prices on one axis with a little room at both ends."""
    every = [float(v) for v in (low, value, high, *(mark.value for mark in marks))]
    first, last = min(every), max(every)
    pad = (last - first or 1) * 0.06
    first, last = first - pad, last + pad

    def at(number: Decimal) -> float:
        return round((float(number) - first) / (last - first) * 100, 2)

    return Scale(
        at(low), round(at(high) - at(low), 2), at(value), [Placed(at(m.value), m.label, m.css, m.value) for m in marks]
    )
