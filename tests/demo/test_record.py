"""A record that cannot be replayed whole is refused with one sentence, and nothing at all is loaded."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from seatsync.demo.record import COLUMNS, RecordError, record_read

GOOD = {
    "event_id": "game-1", "home_team": "SEA", "away_team": "PIT", "event_dt": "2025-06-13 22:10:00",
    "sold_at": "2025-06-01 10:00:00", "zone": "Lower Box", "section": "131", "row": "10", "quantity": "2",
    "price_usd": "60.00", "suspect": "0",
}  # fmt: skip
LATER = GOOD | {"sold_at": "2025-06-02 10:00:00"}


def text(*rows: dict[str, str], without: str = "") -> str:
    head = [column for column in COLUMNS if column != without]
    return "\n".join([",".join(head), *(",".join(row[column] for column in head) for row in rows)]) + "\n"


def write(folder: Path, content: str | bytes, name: str = "sales_mlb_2025.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def tables() -> dict[str, int]:
    """How many rows each table has."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}"')
            found[model._meta.db_table] = cursor.fetchone()[0]
    return found


VALUES = [
    ("price_usd", "0"), ("price_usd", "-5.00"), ("price_usd", "NaN"), ("price_usd", "sNaN"), ("price_usd", "Infinity"),
    ("price_usd", "much"), ("price_usd", ""), ("price_usd", "1e9"), ("quantity", "-2"), ("quantity", "two"),
    ("quantity", "2.5"), ("quantity", "99999999999"), ("sold_at", "yesterday"), ("sold_at", ""),
    ("event_dt", "2025-06-31 10:00:00"), ("event_dt", "2025-06-13T22:10:00Z"), ("event_dt", "2025-06-14 22:10:00"),
    ("event_id", ""), ("event_id", "x" * 81), ("away_team", ""), ("away_team", "SEA"), ("away_team", "TOOLONG"),
    ("section", ""), ("section", "s" * 41), ("row", "r" * 21), ("zone", "z" * 61), ("suspect", "maybe"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), VALUES, ids=lambda value: str(value)[:20])
def test_a_value_that_cannot_be_is_named_with_its_row_and_column(tmp_path: Path, column: str, value: str) -> None:
    path = write(tmp_path, text(GOOD, LATER | {column: value}))
    with pytest.raises(RecordError, match=rf"^sales_mlb_2025.csv, row 3, column {column}: .*Mend it"):
        record_read(path, home="SEA")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_missing_is_named(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, text(GOOD, without=column))
    with pytest.raises(RecordError, match=rf"^sales_mlb_2025.csv lacks the column {column}\. Give a file with"):
        record_read(path, home="SEA")


WHOLE = gzip.compress(text(GOOD, LATER).encode())
FILES: list[tuple[str, str | bytes, str, str]] = [
    ("a value", text(GOOD, LATER | {"price_usd": "NaN"}), "sales_mlb_2025.csv", "row 3, column price_usd"),
    ("a column", text(GOOD, without="zone"), "sales_mlb_2025.csv", "lacks the column zone"),
    ("twice", text(GOOD).replace("zone", "row", 1), "sales_mlb_2025.csv", "more than one column row|lacks the column"),
    ("cut off", WHOLE[:-20], "sales_mlb_2025.csv.gz", "cannot be unpacked .*Copy or download it again"),
    ("no gzip", b"event_id,home_team\n", "sales_mlb_2025.csv.gz", "cannot be unpacked"),
    ("damaged", WHOLE[:12] + b"\xff\xff\xff" + WHOLE[15:], "sales_mlb_2025.csv.gz", "cannot be unpacked"),
    ("encoding", text(GOOD).encode() + b"\xff\xfe\n", "sales_mlb_2025.csv", "row 3 is no UTF-8 text"),
    ("quotes", text(GOOD) + '"game-1,SEA\n', "sales_mlb_2025.csv", "row 3: .*Mend it"),
    ("nul", text(GOOD) + "\0\n", "sales_mlb_2025.csv", "row 3: "),
    ("short row", text(GOOD) + "game-1,SEA\n", "sales_mlb_2025.csv", "row 3: 2 cells under a head of 11 columns"),
    ("empty", "", "sales_mlb_2025.csv", "is empty"),
    ("empty gzip", b"", "sales_mlb_2025.csv.gz", "is empty"),
    ("head alone", text(), "sales_mlb_2025.csv", "holds no sale of SEA's home games"),
    ("suspect alone", text(GOOD | {"suspect": "1"}), "sales_mlb_2025.csv", "holds no sale of SEA's home games"),
    ("another team", text(GOOD | {"home_team": "XXX"}), "sales_mlb_2025.csv", "holds no sale of SEA's home games"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "name", "words"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_nothing_is_loaded_from_a_bad_record(
    settings: Any, tmp_path: Path, content: str | bytes, name: str, words: str
) -> None:
    settings.STATE_DIR = tmp_path / "state"
    path = write(tmp_path, content, name)
    before = tables()
    with pytest.raises(CommandError, match=rf"^--data: {name}.*({words})") as refused:
        call_command("demo", data=path, verbosity=0)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == 1
    assert tables() == before
    assert not settings.STATE_DIR.exists()


@pytest.mark.django_db
def test_a_path_that_does_not_exist_is_named(settings: Any, tmp_path: Path) -> None:
    before = tables()
    with pytest.raises(CommandError, match="does not exist"):
        call_command("demo", data=tmp_path / "nowhere", verbosity=0)
    assert tables() == before


def test_a_price_that_is_marked_as_broken_may_be_anything(tmp_path: Path) -> None:
    path = write(tmp_path, text(GOOD, LATER | {"price_usd": "-1", "suspect": "1"}))
    (bought,) = record_read(path, home="SEA").purchases
    assert (bought.price, bought.sold_at) == (Decimal("60.00"), datetime(2025, 6, 1, 14, tzinfo=UTC))


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    first = record_read(write(tmp_path, text(GOOD)), home="SEA")
    second = record_read(write(tmp_path, text(GOOD, LATER)), home="SEA")
    assert (len(first.purchases), len(second.purchases)) == (1, 2)
    assert first.sha256 != second.sha256
