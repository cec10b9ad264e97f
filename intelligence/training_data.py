"""Reading recorded sales from files in the published schema (a path given on the command line)."""

import csv
import gzip
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from intelligence.contracts import TrainingSale

FILE_ZONE = ZoneInfo("America/New_York")
SALES_FILE = "sales_mlb_2025.csv.gz"


def sales_path(data: Path) -> Path:
    """The sales file below (or at) a path; raises FileNotFoundError naming it."""
    path = data if data.is_file() else data / SALES_FILE
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Give the folder that holds {SALES_FILE}.")
    return path


def sales_read(path: Path, *, home: str = "") -> list[dict[str, str]]:
    """The rows as text, in file order; `home` keeps one team's home games."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as lines:
        return [row for row in csv.DictReader(lines) if not home or row["home_team"] == home]


def eastern(text: str) -> datetime:
    """The files' local US Eastern time as aware UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=FILE_ZONE).astimezone(ZoneInfo("UTC"))


def training_sales(path: Path, *, home: str = "") -> list[TrainingSale]:
    """Every sale that is not marked suspect and has a price."""
    sales = []
    for row in sales_read(path, home=home):
        try:
            price = Decimal(row["price_usd"])
        except InvalidOperation:
            continue
        if row["suspect"] == "1" or price <= 0:
            continue
        sales.append(
            TrainingSale(row["event_id"], row["venue"], row["section"], row["zone"], price, eastern(row["sold_at"]))
        )
    return sales
