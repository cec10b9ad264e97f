"""Deadlines around an event are reckoned at its venue: shipping days skip Sundays, rules say by when to hand over."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketplaces.adapters.gametime import ADAPTER as GAMETIME
from marketplaces.adapters.seatgeek import ADAPTER as SEATGEEK
from marketplaces.adapters.vividseats import ADAPTER as VIVID
from marketplaces.contracts import MarketplaceAdapter
from marketplaces.deadlines import CutOff, HandOverKind, HandOverRule, rule_of
from marketplaces.delivery import DeliveryType
from seatsync.core.venue_time import local

SEATTLE = "America/Los_Angeles"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("starts", "days", "ends"),
    [
        # Saturday: Friday to Monday are five with it, and no Sunday lies between.
        ("2026-05-09T19:10-07:00", 5, "2026-05-04T19:10-07:00"),
        # Wednesday: over a Sunday.
        ("2026-05-06T19:10-07:00", 5, "2026-04-30T19:10-07:00"),
        # Late in the evening there it is the next day in UTC: the day counts that it is at the venue.
        ("2026-05-04T23:30-07:00", 1, "2026-05-02T23:30-07:00"),
        # Clocks were put forward on 8 March: the hour stays the venue's.
        ("2026-03-10T19:10-07:00", 3, "2026-03-06T19:10-08:00"),
    ],
)
def test_shipping_days_are_monday_to_saturday_at_the_venue(starts: str, days: int, ends: str) -> None:
    assert CutOff(shipping_days=days).before(at(starts), SEATTLE) == at(ends)


def test_no_cut_off_is_longer_before_its_event_than_it_says_at_most() -> None:
    for days in (1, 2, 5, 6, 7, 13):
        cut = CutOff(shipping_days=days)
        for day in range(370):
            starts = at("2026-01-01T12:00-08:00") + timedelta(days=day, hours=7)
            assert timedelta() < starts - cut.before(starts, SEATTLE) <= cut.at_most
    assert CutOff(Decimal("1.5")).at_most == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("sold_ahead", "due_ahead"),
    [
        (timedelta(hours=100), timedelta(hours=36)), (timedelta(hours=61), timedelta(hours=36)),
        (timedelta(hours=60), timedelta(hours=36)), (timedelta(hours=26), timedelta(hours=2)),
        (timedelta(hours=40), timedelta(hours=16)), (timedelta(hours=25, minutes=59), timedelta(hours=2)),
        (timedelta(hours=1), timedelta(hours=2)),
    ],
)  # fmt: skip
def test_seatgeeks_rule_goes_by_how_long_before_the_game_it_sold(sold_ahead: timedelta, due_ahead: timedelta) -> None:
    starts = at("2026-05-09T19:10-07:00")
    assert due(SEATGEEK, starts - sold_ahead, starts) == starts - due_ahead


@pytest.mark.parametrize("adapter", [GAMETIME, VIVID])
def test_by_the_in_hand_day_is_until_it_ends_at_the_venue(adapter: MarketplaceAdapter) -> None:
    starts, sold = at("2026-05-09T19:10-07:00"), at("2026-05-01T12:00-07:00")
    assert due(adapter, sold, starts, date(2026, 5, 6)) == at("2026-05-07T00:00-07:00")
    assert due(adapter, sold, starts, date(2026, 5, 9)) == starts
    # Tickets that are in hand have no day of their own, and neither have those of a day that is over.
    assert due(adapter, sold, starts) is None
    assert due(adapter, sold, starts, date(2026, 4, 30)) is None


def due(
    adapter: MarketplaceAdapter, sold_at: datetime, starts_at: datetime, in_hand_on: date | None = None
) -> datetime | None:  # fmt: skip
    known = adapter.traits.hand_over_by
    assert known is not None
    return known.rule.due(sold_at=sold_at, starts_at=starts_at, in_hand_on=in_hand_on, zone=SEATTLE)


def test_what_vivid_seats_publishes_is_declared_with_its_source() -> None:
    told = {(known.deliveries, known.uploaded): known.cut_off.words for known in VIVID.traits.list_until}
    assert told == {
        ((DeliveryType.PAPER,), False): "5 shipping days", ((DeliveryType.PDF,), False): "48 h",
        ((DeliveryType.PDF,), True): "6 h",
    }  # fmt: skip
    assert all("11000033567" in known.source for known in VIVID.traits.list_until)


def test_a_rule_is_kept_as_it_was_declared() -> None:
    for adapter in (SEATGEEK, GAMETIME, VIVID):
        known = adapter.traits.hand_over_by
        assert known is not None
        assert rule_of(known.rule.kind, known.rule.stored()) == known.rule


@pytest.mark.parametrize(
    "steps",
    [
        [], "61", [[61, "before", 36]], [[26, "within", 24], [61, "before", 36], [0, "before", 2]],
        [[26, "later", 24], [0, "before", 2]], [["x", "before", 1]], [[0, "before", -1]], [[0, "before"]],
        [[0, "before", "NaN"]], [3],
    ],
)  # fmt: skip
def test_steps_that_are_no_rule_are_refused(steps: Any) -> None:
    with pytest.raises(ValueError, match="step"):
        rule_of(HandOverKind.STEPS, steps)


def test_a_rule_by_the_in_hand_day_has_no_steps() -> None:
    with pytest.raises(ValueError, match="no steps"):
        rule_of(HandOverKind.IN_HAND, [[0, "before", 2]])
    assert rule_of(HandOverKind.IN_HAND, []) == HandOverRule(HandOverKind.IN_HAND)


def test_no_day_is_told_in_words_but_by_the_venues_clock() -> None:
    assert f"{local(CutOff(Decimal(48)).before(at('2026-11-28T18:00-08:00'), SEATTLE), SEATTLE):%-d %b %H:%M %Z}" == (
        "26 Nov 18:00 PST"
    )
