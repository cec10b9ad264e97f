"""The broker baseline: as defined, its intervals as stated, and nothing from after the moment asked about."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean, median
from typing import Any

import pytest

from intelligence.contracts import ArtifactRefused, Comparable, NoAnswer, PriceAnswer, PriceQuestion, TrainingSale
from intelligence.judging import answers, judged
from intelligence.predictors.price_broker import LOWER, PREDICTOR, UPPER
from intelligence.registry import artifact_shipped
from intelligence.training_data import training_sales
from tests.intelligence.records import RECORD, needs_record

AT = datetime(2027, 5, 1, tzinfo=UTC)
HOME = "T-Mobile Park"


def sold(section: str, zone: str, price: int, *, hours: float = 1, count: int = 1) -> list[Comparable]:
    return [
        Comparable(section, zone, Decimal(price), AT - timedelta(hours=hours, minutes=number))
        for number in range(count)
    ]


def ask(
    section: str, zone: str, comparables: Sequence[Comparable], artifact: bytes | None = None, **more: Any
) -> PriceAnswer | NoAnswer:
    question = PriceQuestion(section, zone, AT, tuple(comparables), **more)
    return PREDICTOR.predict([question], artifact or artifact_shipped("price_broker"))[0]


def test_a_dear_sections_own_sales_count_whatever_the_other_zones_cost() -> None:
    comparables = sold("301", "Upper", 28, count=60) + sold("130", "Diamond Club", 400, count=15)
    answer = ask("130", "Diamond Club", comparables)
    assert isinstance(answer, PriceAnswer)
    assert (answer.value, answer.level, answer.n) == (Decimal("400.00"), "section", 15)
    assert answer.evidence.dropped == (("elsewhere", tuple(comparables[:60])),)


def test_the_levels_follow_one_another() -> None:
    upper, club = sold("301", "Upper", 20, count=2), sold("131", "Diamond Club", 300)
    for section, zone, level, value in (
        ("301", "Upper", "section", "20.00"),
        ("302", "Upper", "zone", "20.00"),
        ("150", "Field", "game", "113.33"),
    ):
        answer = ask(section, zone, upper + club)
        assert isinstance(answer, PriceAnswer)
        assert (answer.level, answer.value) == (level, Decimal(value))
    assert isinstance(ask("150", "Field", [], venue="Nowhere Park"), NoAnswer)


def test_one_sale_has_a_visibly_wider_interval_than_thirty() -> None:
    one, thirty = ask("301", "Upper", sold("301", "Upper", 50)), ask("301", "Upper", sold("301", "Upper", 50, count=30))
    assert isinstance(one, PriceAnswer)
    assert isinstance(thirty, PriceAnswer)
    assert one.value == thirty.value
    assert one.upper - one.lower > (thirty.upper - thirty.lower) * Decimal("1.2")


def season(games: int = 12, sales: int = 60) -> list[TrainingSale]:
    """One game a week, sold over the five weeks before it."""
    rows = []
    for game in range(games):
        for number in range(sales):
            section = str(301 + (game + number) % 4)
            price = Decimal(20 + (number * 7 + game * 11) % 17)
            at = datetime(2025, 3, 3, tzinfo=UTC) + timedelta(weeks=game, hours=14 * number + game)
            rows.append(TrainingSale(f"g{game}", HOME, section, "Upper", price, at))
    return rows


def test_i34_what_was_sold_later_changes_neither_value_nor_interval() -> None:
    """The same question, answered with a record that goes on after the moment and with one that ends before it."""
    rows = season()
    moment = rows[-1].sold_at - timedelta(weeks=6)
    wild = [row if row.sold_at < moment else replace(row, price=row.price * 9) for row in rows]
    comparables = tuple(Comparable(row.section, row.zone, row.price, row.sold_at) for row in wild if row.game == "g5")
    for sales in (comparables, ()):
        questions = [PriceQuestion("301", "Upper", moment, sales, HOME)]
        calm, later = (PREDICTOR.predict(questions, PREDICTOR.fit(record)) for record in (rows, wild))
        assert isinstance(calm[0], PriceAnswer)
        assert calm == later
        assert calm[0].data_as_of is not None
        assert calm[0].data_as_of < moment
        assert calm[0].level == ("section" if sales else "history")


def test_i34_a_replayed_game_is_asked_about_as_of_then() -> None:
    """Asked two years later about a game moved by two years: history is what was known at the original moment."""
    rows, moved = season(), timedelta(weeks=104)
    moment = rows[-1].sold_at - timedelta(weeks=6)
    artifact = PREDICTOR.fit(rows)
    then = PREDICTOR.predict([PriceQuestion("301", "Upper", moment, (), HOME)], artifact)[0]
    replayed, today = PREDICTOR.predict(
        [
            PriceQuestion("301", "Upper", moment + moved, (), HOME, known_by=moment),
            PriceQuestion("301", "Upper", moment + moved, (), HOME),
        ],
        artifact,
    )
    assert isinstance(then, PriceAnswer)
    assert isinstance(replayed, PriceAnswer)
    assert isinstance(today, PriceAnswer)
    assert (replayed.value, replayed.n, replayed.quantiles) == (then.value, then.n, then.quantiles)
    assert then.data_as_of is not None
    assert replayed.data_as_of == then.data_as_of + moved
    assert today.n > replayed.n


def test_before_the_records_a_sale_is_answered_with_a_stated_interval_and_history_with_none() -> None:
    artifact = PREDICTOR.fit(season())
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    sale = (Comparable("301", "Upper", Decimal(40), moment - timedelta(days=1)),)
    answer, nothing = PREDICTOR.predict(
        [PriceQuestion("301", "Upper", moment, sale, HOME), PriceQuestion("301", "Upper", moment, (), HOME)], artifact
    )
    assert isinstance(answer, PriceAnswer)
    assert answer.value == Decimal("40.00")
    assert answer.measured is None
    assert "stated, not learned" in answer.reasons[-1]
    assert answer.lower < 20 < 80 < answer.upper
    assert isinstance(nothing, NoAnswer)


def test_a_sale_of_the_very_moment_is_not_used() -> None:
    now = [Comparable("301", "Upper", Decimal(99), AT)]
    answer = ask("301", "Upper", sold("301", "Upper", 50) + now)
    assert isinstance(answer, PriceAnswer)
    assert (answer.value, answer.n) == (Decimal("50.00"), 1)


def test_measured_coverage_is_told_where_enough_was_scored_and_never_else() -> None:
    answer = ask("301", "Upper", sold("301", "Upper", 50))
    assert isinstance(answer, PriceAnswer)
    assert answer.measured is not None
    assert Decimal("0.6") < answer.measured < 1
    few = PREDICTOR.fit(season(games=3, sales=20))
    unknown = ask("301", "Upper", sold("301", "Upper", 50), few)
    assert isinstance(unknown, PriceAnswer)
    assert unknown.measured is None


@pytest.mark.parametrize("change", [{"version": "broker-2"}, {"known": [{"levels": {}}]}, {"cutoffs": ["soon"]}])
def test_another_artifact_is_refused(change: dict) -> None:
    artifact = json.dumps(json.loads(artifact_shipped("price_broker")) | change).encode()
    with pytest.raises(ArtifactRefused):
        ask("301", "Upper", sold("301", "Upper", 50), artifact)


@pytest.fixture(scope="module")
def record() -> tuple[list[TrainingSale], list[TrainingSale]]:
    """The recorded sales, 70 % and 30 % in time."""
    rows = sorted(training_sales(RECORD), key=lambda sale: sale.sold_at)
    return rows[: int(len(rows) * 0.7)], rows[int(len(rows) * 0.7) :]


def defined(sale: TrainingSale, earlier: Sequence[TrainingSale], train: Sequence[TrainingSale]) -> float | None:
    """Mean of earlier sales of the same game and section, else zone, else game, else training section median."""
    game = [row for row in earlier if row.game == sale.game and row.sold_at < sale.sold_at]
    for same in (
        [float(row.price) for row in game if row.section == sale.section],
        [float(row.price) for row in game if row.zone == sale.zone],
        [float(row.price) for row in game],
    ):
        if same:
            return fmean(same)
    past = [float(row.price) for row in train if (row.venue, row.section) == (sale.venue, sale.section)]
    return median(past) if past else None


@needs_record
def test_every_later_recorded_sale_is_answered_as_the_baseline_is_defined(
    record: tuple[list[TrainingSale], list[TrainingSale]],
) -> None:
    train, later = record
    of_game: dict[str, list[TrainingSale]] = {}
    for row in train + later:
        of_game.setdefault(row.game, []).append(row)
    seen = 0
    for sale, answer in answers(PREDICTOR, PREDICTOR.fit(train), train, later):
        wanted = defined(sale, of_game[sale.game], train)
        if wanted is None:
            assert isinstance(answer, NoAnswer)
            continue
        assert isinstance(answer, PriceAnswer)
        assert abs(float(answer.value) - wanted) <= 0.0051
        assert answer.lower <= answer.value <= answer.upper or answer.level == "game"
        seen += 1
    assert seen == len(later) == 2735


@needs_record
def test_the_stated_interval_covers_what_it_says_on_later_recorded_sales(
    record: tuple[list[TrainingSale], list[TrainingSale]],
) -> None:
    found = judged(PREDICTOR, *record, home_venue=HOME)
    assert abs(found["all"]["coverage_80"] - 0.8) <= 0.03
    assert found["all"]["mae"] <= 14.92
    assert found["home"]["mae"] <= 13.16
    for segment in ("home", "away", "section", "zone"):
        assert abs(found[segment]["coverage_80"] - 0.8) <= 0.1, segment


def test_bounds_are_quantiles_of_the_answer() -> None:
    answer = ask("301", "Upper", sold("301", "Upper", 50))
    assert isinstance(answer, PriceAnswer)
    assert (answer.lower, answer.upper) == (answer.quantiles[LOWER], answer.quantiles[UPPER])
    assert answer.coverage == Decimal("0.800")
