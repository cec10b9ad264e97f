"""Gametime's inventory file: a CSV that is the whole account. Rows that are not ours are carried as they came."""

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from marketplaces.adapters import _wire
from marketplaces.contracts import Draft, EventWords, RemoteListing, RemoteListingState
from marketplaces.delivery import DeliveryType
from marketplaces.errors import PermanentError, TemporaryError

HEADER = (
    "Edit", "Event", "Venue", "EventDate", "EventTime", "Quantity", "Section", "Row", "SeatFrom", "SeatThru", "Notes",
    "Cost", "TicketID", "edelivery_ind", "InHandDate", "Instant", "Splittype", "Splitvalue", "FaceValue", "Stock",
    "Discount", "ZonePrice",
)  # fmt: skip
_SPLITS = {"any": "ANY", "none": "NOSPLIT", "avoid_one": "NEVERLEAVEONE"}
_LONGEST_SIZE_LIST = 100
Row = dict[str, str]
# The ticket ids that we give; nobody's hand makes such a row.
_OURS = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Bought:
    """One purchase of a row: how many seats, which (empty where that is not told), and when (aware UTC)."""

    sale_id: str
    quantity: int
    seats: frozenset[int]
    at: datetime


# The purchases of each ticket id.
Sold = Mapping[str, Sequence[Bought]]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The file as parsed: `columns` in the order in which they came, and the rows."""

    columns: tuple[str, ...] = HEADER
    rows: tuple[Row, ...] = ()

    def row(self, ticket_id: str) -> Row | None:
        """The row of a ticket id; None where there is none."""
        return next((row for row in self.rows if row["TicketID"] == ticket_id), None)

    @property
    def ticket_ids(self) -> frozenset[str]:
        """The ids of its rows; a row of somebody's hand may have none."""
        return frozenset(row["TicketID"] for row in self.rows) - {""}

    def with_row(self, made: Row) -> "Inventory":
        """With this row in the place of the one of its ticket id, or at the end."""
        columns = (*self.columns, *(name for name in made if name not in self.columns))
        if self.row(made["TicketID"]) is None:
            return Inventory(columns, (*self.rows, made))
        return Inventory(
            columns, tuple(made if row["TicketID"] == made["TicketID"] else row for row in self.rows)
        )  # fmt: skip

    def without(self, ticket_id: str) -> "Inventory":
        """Without the row of a ticket id."""
        return Inventory(self.columns, tuple(row for row in self.rows if row["TicketID"] != ticket_id))

    def with_changes_by_hand(self, *, sent: "Inventory", there: "Inventory") -> "Inventory":
        """With what a hand has done there since we sent: rows put in, taken out, or changed where we want no change.

        Rows without a ticket id are nobody's but that hand's. A row with an id of ours that we did not know to have
        arrived was sent by us and taken down since: it is not put in again.
        """
        gone = sent.ticket_ids - there.ticket_ids
        added = {name for name in there.ticket_ids - sent.ticket_ids - self.ticket_ids if not is_ours(name)}
        kept = [
            there.row(row["TicketID"]) or row if row == sent.row(row["TicketID"]) else row
            for row in self.rows
            if row["TicketID"] and row["TicketID"] not in gone
        ]
        columns = (*self.columns, *(name for name in there.columns if name not in self.columns))
        new = [row for row in there.rows if row["TicketID"] in added or not row["TicketID"]]
        return Inventory(columns, (*kept, *new))

    def without_sold(self, sold: Sold, counted: Collection[str] = ()) -> "Inventory":
        """Without what was bought.

        Gametime takes the file at its word: a row that still offers sold seats would sell them twice. A row that is
        bought up is left out, and so is one of ours of which it is not told which seats are left side by side. One of
        somebody's hand stays with as many as are left, and names no seats. `counted`: ids of the purchases that rows
        which name no seats have in their number already.
        """
        left = (_left(row, sold.get(row["TicketID"], ()), counted) for row in self.rows)
        return Inventory(self.columns, tuple(row for row in left if row is not None))

    def put_by_hand(self, *, sent: "Inventory", there: "Inventory") -> frozenset[str]:
        """The ticket ids of its rows that are as a hand has written them there since we sent."""
        return frozenset(
            row["TicketID"]
            for row in self.rows
            if row["TicketID"] and row == there.row(row["TicketID"]) != sent.row(row["TicketID"])
        )


def parse(content: bytes, *, torn: bool = False) -> Inventory:
    """The inventory in a file. Raises TemporaryError for what is none: it must not be written over.

    `torn`: it is the beginning of one, of which there may be nothing.
    """
    if torn and not content:
        return Inventory()
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), restkey="", restval="")
        columns = tuple(reader.fieldnames or ())
        rows = tuple({name: row[name] for name in columns} for row in reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TemporaryError(f"Gametime's inventory file cannot be read: {error}") from error
    if "TicketID" not in columns:
        raise TemporaryError("what lies in the place of Gametime's inventory file is no inventory")
    return Inventory(columns, rows)


def render(inventory: Inventory) -> bytes:
    """The file."""
    written = io.StringIO(newline="")
    # Columns that a hand-made file lacks are added behind those that it has.
    columns = (*inventory.columns, *(name for name in HEADER if name not in inventory.columns))
    writer = csv.DictWriter(written, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(inventory.rows)
    return written.getvalue().encode()


# Their name for a kind of ticket; barcodes have none: they are asked for with the purchase.
STOCKS = {
    DeliveryType.MOBILE_TRANSFER: "mobile_transfer", DeliveryType.BARCODE: "eticket", DeliveryType.PDF: "eticket",
}  # fmt: skip


def row_of(draft: Draft) -> Row:
    """A listing as a row. Raises PermanentError for what the file cannot say."""
    if draft.delivery not in STOCKS:
        raise PermanentError(f"Gametime takes no {draft.delivery.replace('_', ' ')} tickets")
    starts = time.fromisoformat(draft.local_time or "00:00:00")
    row = dict.fromkeys(HEADER, "")
    row |= {
        "Edit": "Y", "Event": draft.event_name, "Venue": draft.venue.partition(",")[0].strip(),
        "EventDate": _us_date(date.fromisoformat(draft.local_date)), "EventTime": f"{starts:%I:%M %p}".lstrip("0"),
        "Section": draft.section, "Row": draft.row, "Cost": str(_wire.cents(draft.price)),
        "TicketID": draft.external_id, "edelivery_ind": "Y" if draft.delivery is DeliveryType.PDF else "N",
        "Instant": "N", "Stock": STOCKS[draft.delivery], "Notes": "; ".join(draft.disclosures),
    }  # fmt: skip
    if draft.in_hand_at is not None:
        row["InHandDate"] = f"{draft.in_hand_at:%Y-%m-%d}"
    if draft.face_value is not None:
        row["FaceValue"] = str(_wire.cents(draft.face_value))
    return row | seats_in(draft.seats, draft.split)


def seats_in(seats: Iterable[int], split: str) -> Row:
    """The columns that say which seats, and how they may be bought."""
    offered = sorted(seats)
    first, last = _wire.adjacent(offered)
    word = _SPLITS.get(split)
    sizes = "" if word else ":".join(map(str, _wire.split_sizes(split, len(offered))))
    return {
        "Quantity": str(len(offered)), "SeatFrom": str(first), "SeatThru": str(last), "Splittype": word or "CUSTOM",
        "Splitvalue": sizes[:_LONGEST_SIZE_LIST],
    }  # fmt: skip


def quantity_of(row: Row) -> int:
    """How many seats a row offers; 0 where it does not say."""
    return _wire.int_of(row.get("Quantity")) or 0


def number_in(row: Row) -> dict[str, Any]:
    """What a row offers as the API says it: how many, and of how many at a time, which is not said where it is open."""
    quantity, kind = quantity_of(row), row.get("Splittype", "").upper()
    lots = {
        "ANY": list(range(1, quantity + 1)),
        "NEVERLEAVEONE": [*(taken for taken in range(1, quantity) if quantity - taken != 1), quantity],
        "CUSTOM": [int(size) for size in row.get("Splitvalue", "").split(":") if size.isdecimal()],
    }.get(kind, [quantity])
    return {"quantity": quantity, "lots": lots} if kind and lots else {"quantity": quantity}


def listing_of(row: Row) -> RemoteListing:
    """A row as a listing; it has no id there but its ticket id, or without one what it says as a whole.

    Raises PermanentError where it has no price.
    """
    price = _wire.decimal_of(row.get("Cost"))
    if price is None:
        raise PermanentError(f"the row {row['TicketID']} of Gametime's inventory has no price")
    quantity = quantity_of(row)
    return RemoteListing(
        listing_id=row["TicketID"] or _name_of(row), external_id=row["TicketID"], event_id="",
        section=row.get("Section", ""), row=row.get("Row", ""), seat_from=row.get("SeatFrom", ""),
        seat_to=row.get("SeatThru", ""), quantity=quantity, price=price, currency="USD",
        state=RemoteListingState.ACTIVE if quantity > 0 else RemoteListingState.GONE,
        event=EventWords(row.get("Event", ""), row.get("Venue", ""), iso_date(row.get("EventDate", ""))),
        delivery=_delivery(row),
    )  # fmt: skip


def _delivery(row: Row) -> DeliveryType | None:
    """What a row's tickets are; e-tickets that are not said to be sent as files may be barcodes."""
    stock, files = row.get("Stock", ""), row.get("edelivery_ind", "").upper() == "Y"
    if stock == "eticket":
        return DeliveryType.PDF if files else None
    return DeliveryType.MOBILE_TRANSFER if stock == "mobile_transfer" else None


def _name_of(row: Row) -> str:
    """A name for a row without a ticket id, which lasts as long as its event and seats do."""
    said = "|".join(row.get(name, "") for name in ("Event", "EventDate", "Section", "Row", "SeatFrom", "SeatThru"))
    return f"row {hashlib.sha256(said.encode()).hexdigest()[:16]}"


def has_price(row: Row) -> bool:
    """Whether a row says what it costs."""
    return _wire.decimal_of(row.get("Cost")) is not None


def seats_of(row: Row) -> set[int]:
    """The seats of a row; empty where it names none."""
    first, last = _wire.int_of(row.get("SeatFrom")), _wire.int_of(row.get("SeatThru") or row.get("SeatFrom"))
    return set(range(first, last + 1)) if first is not None and last is not None else set()


def is_ours(ticket_id: str) -> bool:
    """Whether we have given this ticket id, and no hand has."""
    return _OURS.fullmatch(ticket_id) is not None


def _left(row: Row, bought: Sequence[Bought], counted: Collection[str]) -> Row | None:
    if not bought:
        return row
    before, ours = seats_of(row), is_ours(row["TicketID"])
    if not before:
        fewer = sum(one.quantity for one in bought if one.sale_id not in counted)
        return None if ours else _only(row, quantity_of(row) - fewer)
    # A row that is written smaller already names none of the seats that were sold.
    left = sorted(before.difference(*(one.seats for one in bought)))
    untold = sum(abs(one.quantity - len(one.seats)) for one in bought if ours or one.sale_id not in counted)
    together = bool(left) and left == list(range(left[0], left[-1] + 1))
    if ours and (untold or not together):
        return None
    if untold or not together:
        # Which are left nobody knows, or they are apart: no two of them are sold as seats side by side.
        return _only(row, len(left) - untold, Splittype="CUSTOM", Splitvalue="1")
    if len(left) == len(before):
        return row
    return {
        **row, "Quantity": str(len(left)), "SeatFrom": str(left[0]), "SeatThru": str(left[-1]),
        **_split_left(row, len(left)),
    }  # fmt: skip


def _only(row: Row, quantity: int, **how: str) -> Row | None:
    """A row with fewer seats that are not named; None where there are none."""
    if quantity <= 0:
        return None
    if quantity == quantity_of(row) and not seats_of(row):
        return row
    number = {"Quantity": str(quantity), "SeatFrom": "", "SeatThru": ""}
    return {**row, **number, **_split_left(row, quantity), **how}


def _split_left(row: Row, quantity: int) -> Row:
    """Listed sizes that are larger than what is left fall away, and all that is left is one of them."""
    if row.get("Splittype") != "CUSTOM":
        return {}
    sizes = [int(size) for size in row.get("Splitvalue", "").split(":") if size.isdecimal() and int(size) < quantity]
    return {"Splitvalue": ":".join(map(str, [*sizes, quantity]))}


def _us_date(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def iso_date(text: str) -> str:
    """A day as the file writes it (7/4/2026, or 2026-07-04) as YYYY-MM-DD; "" for anything else."""
    parts = text.strip().split("/")
    try:
        if len(parts) == 3:
            month, day, year = map(int, parts)
            return date(year if year > 99 else 2000 + year, month, day).isoformat()
        return date.fromisoformat(text.strip()[:10]).isoformat()
    except ValueError:
        return ""
