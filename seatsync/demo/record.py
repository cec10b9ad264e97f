"""Reading a record of sales: whole and in order, or refused with one sentence before anything is loaded."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from intelligence.training_data import eastern, sales_path

COLUMNS = (
    "event_id", "home_team", "away_team", "event_dt", "sold_at", "zone", "section", "row", "quantity", "price_usd",
    "suspect",
)  # fmt: skip
# What the tables hold: longest texts, most seats of one sale, and the first price (USD) that is too high.
LONGEST = {"event_id": 80, "away_team": 5, "zone": 60, "section": 40, "row": 20}
NEEDED = ("event_id", "away_team", "section")
MOST_SEATS = 1000
TOO_DEAR = Decimal(1_000_000)
REMEDY = "Mend it, or leave the row out, and load the record again."


class RecordError(ValueError):
    """A record that cannot be replayed; the text names file, row and column, and the remedy."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One recorded sale of a home game. Moments are aware UTC, as played; price per ticket in USD; 0 seats: unknown."""

    event_id: str
    away_team: str
    starts_at: datetime
    sold_at: datetime
    zone: str
    section: str
    row: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record: where it lies, its SHA-256 (hex), and its purchases in the order in which they were made."""

    path: Path
    sha256: str
    purchases: tuple[Purchase, ...]


def record_read(data: Path, *, home: str) -> Record:
    """The home games' sales of a file (or of the folder that holds it), without those marked suspect.

    Raises FileNotFoundError, OSError or RecordError; every row is checked before any is given.
    """
    path = sales_path(data)
    found = path.stat()
    return _read(path, home, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read(path: Path, home: str, _changed: int, _size: int) -> Record:
    """The parsed file; read again where it has changed."""
    raw = path.read_bytes()
    purchases: list[Purchase] = []
    starts: dict[str, datetime] = {}
    for number, row in _rows(path, raw):
        if row["home_team"] != home:
            continue
        bought = _purchase(path.name, number, row)
        if starts.setdefault(bought.event_id, bought.starts_at) != bought.starts_at:
            raise _wrong(path.name, number, "event_dt", f"differs from that of another row of {bought.event_id}")
        if row["suspect"] != "1":
            purchases.append(bought)
    if not purchases:
        raise RecordError(
            f"{path.name} holds no sale of {home}'s home games that can be replayed. Give a record of that team."
        )
    return Record(path, hashlib.sha256(raw).hexdigest(), tuple(sorted(purchases, key=lambda bought: bought.sold_at)))


def _rows(path: Path, raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its number; the head is row 1."""
    reader = csv.reader(io.StringIO(_text(path, raw), newline=""), strict=True)
    number = 0
    head: list[str] = []
    try:
        for number, cells in enumerate(reader, start=1):
            if number == 1:
                head = _head(path, cells)
            elif cells and len(cells) != len(head):
                raise RecordError(
                    f"{path.name}, row {number}: {len(cells)} cells under a head of {len(head)} columns. {REMEDY}"
                )
            elif cells:
                yield number, dict(zip(head, cells, strict=True))
    except csv.Error as error:
        raise RecordError(f"{path.name}, row {number + 1}: {error}. {REMEDY}") from error
    if number == 0:
        raise RecordError(f"{path.name} is empty. Give a record with a head and at least one sale.")


def _text(path: Path, raw: bytes) -> str:
    if path.suffix == ".gz" and raw:
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise RecordError(
                f"{path.name} cannot be unpacked ({error}): it is damaged or was cut off. Copy or download it again."
            ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise RecordError(
            f"{path.name}, row {row} is no UTF-8 text. Save the file as UTF-8 and load it again."
        ) from error


def _head(path: Path, cells: list[str]) -> list[str]:
    for column in COLUMNS:
        if cells.count(column) != 1:
            what = "lacks the column" if column not in cells else "has more than one column"
            raise RecordError(f"{path.name} {what} {column}. Give a file with the columns {', '.join(COLUMNS)}.")
    return cells


def _purchase(name: str, number: int, row: dict[str, str]) -> Purchase:
    for column, most in LONGEST.items():
        if len(row[column]) > most or (column in NEEDED and not row[column].strip()):
            raise _wrong(name, number, column, f"has no text of 1 to {most} characters")
    if row["away_team"] == row["home_team"]:
        raise _wrong(name, number, "away_team", "is the home team itself")
    if row["suspect"] not in {"", "0", "1"}:
        raise _wrong(name, number, "suspect", f"{row['suspect']!r} is neither 0 nor 1")
    return Purchase(
        event_id=row["event_id"], away_team=row["away_team"], starts_at=_moment(name, number, "event_dt", row),
        sold_at=_moment(name, number, "sold_at", row), zone=row["zone"], section=row["section"], row=row["row"],
        quantity=_quantity(name, number, row), price=_price(name, number, row),
    )  # fmt: skip


def _moment(name: str, number: int, column: str, row: dict[str, str]) -> datetime:
    try:
        naive = datetime.fromisoformat(row[column]).tzinfo is None
        moment = eastern(row[column])
    except (ValueError, OverflowError) as error:
        raise _wrong(name, number, column, f"{row[column]!r} is no moment ({error})") from error
    if not naive:
        raise _wrong(
            name, number, column, f"{row[column]!r} has a UTC offset, and the times are US Eastern without one"
        )
    return moment


def _quantity(name: str, number: int, row: dict[str, str]) -> int:
    text = row["quantity"]
    if text and not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MOST_SEATS):
        raise _wrong(name, number, "quantity", f"{text!r} is no number of seats from 0 to {MOST_SEATS}")
    return int(text or 0)


def _price(name: str, number: int, row: dict[str, str]) -> Decimal:
    try:
        price = Decimal(row["price_usd"])
        good = price.is_finite() and 0 < price < TOO_DEAR
    except InvalidOperation:
        price, good = Decimal(0), False
    # A price that is marked as broken may be anything: it is not replayed.
    if not good and row["suspect"] != "1":
        raise _wrong(name, number, "price_usd", f"{row['price_usd']!r} is no amount above 0 and below {TOO_DEAR:,}")
    return price


def _wrong(name: str, number: int, column: str, what: str) -> RecordError:
    return RecordError(f"{name}, row {number}, column {column}: {what}. {REMEDY}")
