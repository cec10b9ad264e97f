"""The drawn market: one history whenever it is looked at, asks that live and are bought, prices as the record has."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, median, pvariance
from typing import Any

import pytest

from intelligence.management.commands.fit_paper_market import observations
from intelligence.market_model.fit import Observation, fitted
from intelligence.market_model.lead import EDGES, MIDDLES, bin_of
from intelligence.market_model.model import PaperGame, PaperMarket, PaperPoint, shipped_parameters
from seatsync.demo.facts import facts
from tests.intelligence.records import RECORD, needs_record

GAME = PaperGame("2024-07-01-KC", "KC", 0)
LEADS = (60.0, 30.0, 14.0, 7.0, 3.0, 1.0, 0.5, 0.1)


@pytest.fixture(scope="module")
def season() -> list[PaperGame]:
    return [PaperGame(game.key, game.opponent, game.local_start.weekday()) for game in facts().games]


def market(seed: int = 0) -> PaperMarket:
    return PaperMarket(facts().sections, shipped_parameters(), seed)


def book(points: list[PaperPoint]) -> dict[str, PaperPoint]:
    return {point.key: point for point in points}


def test_the_market_at_a_moment_is_the_same_whenever_it_is_asked_for() -> None:
    """One market is looked at once, another at every moment before; sales known early stay as they were."""
    late, watched = market(), market()
    whole = late.sales(GAME, until_days=0)
    for days in LEADS:
        assert watched.sales(GAME, until_days=days) == [point for point in whole if point.days >= days]
        watched.asks(GAME, days=days)
    assert watched.asks(GAME, days=1.0) == late.asks(GAME, days=1.0) == market().asks(GAME, days=1.0)
    assert market(seed=1).sales(GAME, until_days=0) != whole


def test_sales_come_in_order_of_time_and_prices_are_money() -> None:
    points = market().sales(GAME, until_days=0)
    assert [point.days for point in points] == sorted((point.days for point in points), reverse=True)
    assert all(point.price >= 3 and point.price == point.price.quantize(Decimal("0.01")) for point in points)
    assert all(facts().sections[point.section] == point.zone for point in points)


def test_asks_appear_and_disappear_and_change_their_price_each_at_its_own_pace() -> None:
    paper = market()
    month, week = book(paper.asks(GAME, days=30.0)), book(paper.asks(GAME, days=7.0))
    assert month.keys() - week.keys()
    assert week.keys() - month.keys()
    prices: dict[str, list[Decimal]] = defaultdict(list)
    for step in range(60, 0, -1):
        for point in paper.asks(GAME, days=step / 10 + 2):
            prices[point.key].append(point.price)
    changes = [sum(a != b for a, b in pairwise(row)) for row in prices.values() if len(row) == 60]
    assert len(changes) > 20
    assert min(changes) <= 2
    assert max(changes) >= 10


def test_a_print_takes_its_ask_away_at_the_price_that_stood() -> None:
    paper = market()
    for sale in paper.sales(GAME, until_days=0):
        before, after = book(paper.asks(GAME, days=sale.days + 1e-6)), book(paper.asks(GAME, days=sale.days))
        assert sale.key not in after
        ask = before[sale.key]
        assert (ask.section, ask.row, ask.quantity, ask.price) == (sale.section, sale.row, sale.quantity, sale.price)


def test_what_is_bought_is_the_cheapest_for_its_place(season: list[PaperGame]) -> None:
    """At each sale every other ask of the zone stands further above what its row and section are worth."""
    for game in season[:5]:
        paper = market()
        drawn = paper.book(game)
        for sale in paper.sales(game, until_days=0):
            number = int(sale.key)
            moment = sale.days + 1e-6
            mark_up = drawn.mark_up(drawn.last_look(drawn.gone * 0 + moment))
            others = [int(p.key) for p in paper.asks(game, days=moment) if p.zone == sale.zone and p.key != sale.key]
            assert all(mark_up[other] >= mark_up[number] for other in others)


def test_the_cheapest_ask_of_a_game_does_not_rise_towards_it_on_average(season: list[PaperGame]) -> None:
    paper = market()
    get_in = [fmean(float(min(p.price for p in paper.asks(game, days=days))) for game in season) for days in LEADS]
    far = get_in[LEADS.index(30.0)]
    assert all(later <= earlier * 1.02 for earlier, later in pairwise(get_in[1:]))
    assert get_in[-1] < far


def test_asks_stand_above_what_sells_and_undercut_each_other_towards_the_game(season: list[PaperGame]) -> None:
    paper = market()

    def above(days: float) -> float:
        drawn = [(paper.book(game), game) for game in season]
        return fmean(
            float(entries.mark_up(entries.last_look(entries.gone * 0 + days))[standing].mean())
            for entries, _ in drawn
            for standing in [(entries.gone < days) & (days <= entries.born)]
        )

    assert above(30.0) > above(7.0) > above(1.0) > 0


def test_games_differ_in_how_much_they_sell_and_cost(season: list[PaperGame]) -> None:
    """Sales scatter as in the record (200 to 613 a game), far beyond chance; and so do prices of one opponent."""
    paper = market()
    counts = [len(paper.sales(game, until_days=0)) for game in season]
    assert pvariance(counts) > 10 * fmean(counts)
    assert min(counts) < 300 < 600 < max(counts)
    effects = [paper.effect(game) for game in season]
    assert 0.05 < pvariance(effects) ** 0.5 < 0.25


def rising(games: int = 8) -> list[Observation]:
    """Upper falls from $30 a month before to $20 on the day, Box rises from $60 to $80; game g is dearer than g - 1."""
    start = datetime(2025, 6, 1, tzinfo=UTC)
    return [
        Observation(
            f"g{game}", zone, f"O{game % 3}", game % 7, days, price * (0.9 + 0.025 * game) * wobble,
            start + timedelta(days=game - days),
        )
        for game in range(games)
        for zone, prices in (("Upper", (20.0, 24.0, 30.0)), ("Box", (80.0, 70.0, 60.0)))
        for days, price in zip((0.1, 5.0, 20.0), prices, strict=True)
        for wobble in (0.8, 0.9, 1.0, 1.1, 1.25)
    ]  # fmt: skip


def test_each_zone_follows_its_own_curve() -> None:
    parameters = fitted(rising(), observed_until=datetime(2026, 1, 1, tzinfo=UTC))
    curves = parameters["curves"]
    near, far = bin_of(0.1), bin_of(20.0)
    assert curves["Upper"][far] - curves["Upper"][near] > 0.2
    assert curves["Box"][near] - curves["Box"][far] > 0.15
    assert parameters["errors_leave_one_game_out"]["all"]["n"] == len(rising())
    assert len(MIDDLES) == len(EDGES) - 1


def test_a_game_whose_end_lies_after_the_record_counts_for_the_days_that_were_seen() -> None:
    """The record ends at noon before the last game's day: that game says nothing of last days, the others as before."""
    rows, end = rising(), datetime(2025, 6, 7, 12, tzinfo=UTC)
    whole, cut = (
        fitted([row for row in rows if row.sold_at < until], observed_until=until)
        for until in (datetime(2026, 1, 1, tzinfo=UTC), end)
    )
    assert (whole["n"], cut["n"]) == (len(rows), len(rows) - 10)
    assert cut["sales_per_game_day"] == pytest.approx(whole["sales_per_game_day"])


@needs_record
def test_the_shipped_parameters_are_those_of_the_record() -> None:
    rows = observations(RECORD, home="SEA", zone="America/Los_Angeles")
    again = fitted(rows, observed_until=datetime.fromisoformat("2025-07-29T00:51:00+00:00"))
    known = shipped_parameters()
    for name in ("curves", "spread", "opponent", "weekday", "crowd"):
        for key, value in known[name].items():
            assert again[name][key] == pytest.approx(value, abs=2e-4), (name, key)
    assert again["sales_per_game_day"] == pytest.approx(known["sales_per_game_day"], abs=2e-4)


Prices = dict[tuple[str, int], list[float]]


@pytest.fixture(scope="module")
def prices() -> tuple[Prices, Prices]:
    """By zone and bin: recorded prices, and those of thirty drawings of the record's games."""
    recorded: Prices = defaultdict(list)
    drawn: Prices = defaultdict(list)
    rows = observations(RECORD, home="SEA", zone="America/Los_Angeles")
    for row in rows:
        recorded[row.zone, bin_of(row.days)].append(row.price)
    games = [PaperGame(*key) for key in sorted({(row.game, row.opponent, row.weekday) for row in rows})]
    for seed in range(30):
        paper = market(seed)
        for point in (point for game in games for point in paper.sales(game, until_days=0)):
            drawn[point.zone, bin_of(point.days)].append(float(point.price))
    return recorded, drawn


@needs_record
def test_drawn_sales_cost_what_recorded_ones_did_by_zone_and_time_to_game(prices: tuple[Prices, Prices]) -> None:
    recorded, drawn = prices
    cells = {
        cell: (len(known), median(drawn[cell]) / median(known) - 1)
        for cell, known in recorded.items()
        if len(known) >= 30 and cell in drawn
    }
    assert len(cells) > 40
    assert all(abs(off) <= 0.2 for _, off in cells.values()), cells
    assert all(abs(off) <= 0.15 for n, off in cells.values() if n >= 60), cells
    assert fmean(abs(off) for _, off in cells.values()) <= 0.07


@needs_record
def test_the_second_largest_zone_is_cheaper_on_the_last_day_than_a_week_before(prices: tuple[Prices, Prices]) -> None:
    for found in prices:
        last = [price for place in range(bin_of(1.0)) for price in found["Upper", place]]
        assert median(last) < median(found["Upper", bin_of(10.0)])


@needs_record
def test_drawn_games_scatter_as_recorded_ones() -> None:
    rows = observations(RECORD, home="SEA", zone="America/Los_Angeles")
    counts = list(Counter(row.game for row in rows).values())
    games = sorted({(row.game, row.opponent, row.weekday) for row in rows})
    drawn: list[Any] = [len(market(s).sales(PaperGame(*key), until_days=0)) for s in range(10) for key in games]
    assert 0.5 < (pvariance(drawn) ** 0.5 / fmean(drawn)) / (pvariance(counts) ** 0.5 / fmean(counts)) < 1.5
