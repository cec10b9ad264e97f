"""Charts say their currency and their zone, and show every line."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from seatsync.core.charts import Line, line_chart

START = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
POINTS = [(START, Decimal("80.00")), (START + timedelta(hours=4), Decimal("84.00"))]


def test_i33_the_axis_says_its_currency_and_the_times_are_the_venues() -> None:
    chart = line_chart([Line("a", POINTS)], zone="America/Los_Angeles")
    assert all(row.text.startswith("$") for row in chart.rows)
    assert (chart.columns[0].text, chart.zone) == ("19:00", "PDT")
    assert line_chart([Line("a", POINTS)], currency="EUR").rows[0].text.startswith("€")


def test_lines_that_end_at_one_place_are_both_seen() -> None:
    own, other, apart = line_chart(
        [Line("a", POINTS, "own"), Line("b", POINTS, "c2"), Line("c", [(at, v - 3) for at, v in POINTS], "c3")]
    ).lines
    assert (own.end_x, own.end_y) == (other.end_x, other.end_y)
    assert own.end_r < other.end_r
    assert apart.end_r == own.end_r


def test_markers_stay_inside_the_plot_and_off_the_labels_at_its_left() -> None:
    one, _ = line_chart([Line("one", POINTS[:1]), Line("all", POINTS, "own")]).lines
    assert one.end_x >= 5
    assert max(line.end_x for line in line_chart([Line("a", POINTS, step=True)]).lines) <= 98.5


@pytest.mark.parametrize(("low", "high", "first"), [
    ("70.00", "70.01", "$70.00"), ("70.00", "70.90", "$70.00"), ("70.10", "71.40", "$70.00"), ("9.99", "12.00", "$9"),
    ("70.00", "74.00", "$70"), ("0.10", "0.40", "$0.10"), ("80.00", "640.00", "$0"), ("70.00", "70.00", "$60"),
])  # fmt: skip
def test_no_two_labels_of_the_axis_read_the_same(low: str, high: str, first: str) -> None:
    points = [(START, Decimal(low)), (START + timedelta(hours=4), Decimal(high))]
    said = [row.text for row in line_chart([Line("a", points)]).rows]
    assert (len(set(said)), said[0]) == (len(said), first), said
