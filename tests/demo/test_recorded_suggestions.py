"""A replayed season's suggestions know nothing of what was sold at or after the moment they were asked at (I-34)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from intelligence.predictors.price_broker import PREDICTOR
from intelligence.services import suggest
from intelligence.training_data import FILE_ZONE, eastern, training_sales
from portfolios.models import Game, Seat
from portfolios.services.groups import seat_group_for
from seatsync.core.clock import now
from seatsync.core.models import SystemFact
from seatsync.demo import recorded
from seatsync.demo.people import People, people_load
from seatsync.demo.reference import reference_load
from tests.demo.test_recorded import GAMES, record, sale

pytestmark = pytest.mark.django_db
WEEK = timedelta(weeks=1)


@pytest.fixture
def people(settings: Any, tmp_path: Path) -> People:
    settings.STATE_DIR = tmp_path / "state"
    return people_load(reference_load())


def season(*, sections: tuple[str, ...]) -> list[dict[str, str]]:
    """Sixty sales of each of three games in the four weeks before it; the last game sells in `sections` only."""
    rows = []
    for game, start in enumerate(GAMES):
        for number in range(60):
            at = (eastern(start) - timedelta(hours=11 * (60 - number), minutes=game)).astimezone(FILE_ZONE)
            section = sections[number % len(sections)] if game == 2 else str(131 + number % 3)
            price = f"{40 + (number * 7) % 19}.00"
            rows.append(sale(game, f"{at:%Y-%m-%d %H:%M:%S}", section=section, price=price))
    return rows


@pytest.mark.parametrize(("sections", "level"), [(("131", "132"), "section"), ((), "history")])
def test_i34_later_sales_of_the_record_change_nothing(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sections: tuple[str, ...], level: str
) -> None:
    """Once with the record as it went on, once with every sale since then at nine times its price."""
    rows = season(sections=sections or ("131",))
    if not sections:
        rows = [row for row in rows if row["event_id"] != "game-2"] + [sale(2, "2025-06-27 21:00:00")]
    path = record(tmp_path, rows)
    # Now lies ten days before the last game: some of the record is behind us, some ahead.
    middle = eastern(GAMES[2]) - timedelta(days=10)
    SystemFact.objects.create(key=recorded.SHIFT_FACT, value=round((now() - middle) / WEEK))
    recorded.recorded_load(path, people=people, speed=None)
    game = Game.objects.get(source=recorded.SOURCE, source_key="game-2")
    then = now() - game.shifted_weeks * WEEK
    later = [{**row, "price_usd": "450.00"} if eastern(row["sold_at"]) >= then else row for row in rows]
    assert 0 < sum(row["price_usd"] == "450.00" for row in later) < len(rows)
    group = seat_group_for(seats=list(Seat.objects.filter(game=game, section=recorded.SECTION)))
    said = []
    for fitted_on in (rows, later):
        artifact = PREDICTOR.fit(training_sales(record(tmp_path, fitted_on)))
        monkeypatch.setattr(suggest, "artifact_shipped", lambda key, artifact=artifact: artifact)
        kept = suggest.price_suggest(actor=people.actor, seat_group=group)
        assert kept is not None
        assert kept.level == level
        said.append((kept.model_version_id, (kept.predicted_value, kept.sample_size, kept.quantiles, kept.reasons)))
    assert said[0][0] != said[1][0]
    assert said[0][1] == said[1][1]
