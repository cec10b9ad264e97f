"""Gametime's dialect: an inventory file that is the whole account, and an API for purchases.

The real drop is an FTP server; here it is an address that is read and written over HTTP. What lies in it is taken at
its word: seats that it still offers after a sale are sold again, and what it leaves out is off sale.
"""

import base64
import csv
import io
from collections.abc import Iterable
from datetime import date
from email.utils import formatdate
from typing import ClassVar

from marketplaces.simulator import delivery, sales
from marketplaces.simulator.desk import TokenDesk, routes
from marketplaces.simulator.dialects.gametime import views
from marketplaces.simulator.http import Refusal, Request, Response, render
from marketplaces.simulator.rules import PayoutRule, Rules, Words
from marketplaces.simulator.state import Account, Event, Listing, Sale, from_cents, to_cents

PLATFORM = "gametime"
_RULES = Rules(
    key=PLATFORM,
    words=Words("unconfirmed", "unconfirmed", "unfulfilled", "completed", "completed", "rejected", "rejected"),
    # No fee is published: the file's Cost is what the seller is paid. How often a webhook is sent again is not said.
    fee_percent=0.0, fee_per_ticket=True, knows_provisional=False, webhook_retries=0, webhook_retry_s=1.0,
    payout=PayoutRule("after_delivery", 3),
    delivery_of={"mobile_transfer": "mobile_transfer", "eticket": "pdf"},
)  # fmt: skip
_REQUIRED = (
    "Event", "Venue", "EventDate", "EventTime", "Quantity", "Section", "Row", "Cost", "TicketID", "edelivery_ind",
    "Instant",
)  # fmt: skip
_SPLITS = {"": "Any", "ANY": "Any", "NEVERLEAVEONE": "AvoidOne", "NOSPLIT": "None", "TOGETHER": "None"}
# Without a file in this time the account's listings are not shown.
SILENT_S = 6 * 3600.0


class Gametime(TokenDesk):
    """Answers requests under /gametime. The caller holds the lock."""

    rules: ClassVar[Rules] = _RULES

    def account_of(self, request: Request, now: float) -> Account:
        """The account whose key the query carries. Raises Refusal(401)."""
        return self._account_with(request.query.get("source", ""), Refusal(401, "The source is not known"))

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """Carry out one request. Raises Refusal."""
        return self._routed(_ROUTES, request, account, now)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """The refusal; how Gametime words one is not published."""
        return Response(refusal.status, {"error": refusal.message})

    def pass_time(self, now: float) -> None:
        """Hide what belongs to accounts that were silent for too long."""
        for account in self.ledger.accounts.values():
            if account.platform == PLATFORM and account.file and now - account.file_at > SILENT_S:
                for listing in self._own(account, {"active"}):
                    listing.state = "hidden"

    # The file.
    def file(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The file as it lies there."""
        if not account.file:
            raise Refusal(404, "There is no file")
        written = formatdate(account.file_at, usegmt=True)
        return Response(200, account.file, {"Content-Type": "text/csv", "Last-Modified": written})

    def put_file(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Take a file over: its rows are what is on sale from now on."""
        text = request.body.decode()
        reader = csv.DictReader(io.StringIO(text, newline=""))
        lacking = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
        if lacking:
            raise Refusal(422, f"the file has no columns {', '.join(lacking)}")
        standing = {item.external_id: item for item in self._own(account, {"active", "hidden"})}
        refused: list[str] = []
        for row in reader:
            try:
                made = self._listing(row, account, now, standing.pop(row["TicketID"], None))
            except (Refusal, ValueError) as error:
                refused.append(f"{row['TicketID']}: {error}")
                continue
            self.ledger.listing_add(made)
        for listing in standing.values():
            listing.state, listing.updated_at = "deleted", now
        account.file, account.file_at = text, now
        return Response(200, {"refused": refused})

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """A row that the seller wrote into the file with his own hand."""
        account = self.ledger.accounts[listing.account_id]
        rows = list(csv.DictReader(io.StringIO(account.file, newline=""))) if account.file else []
        listing.external_id = listing.external_id or f"hand-{listing.id}"
        month, day = int(event.local_date[5:7]), int(event.local_date[8:])
        rows.append({
            "Event": event.name, "Venue": event.venue, "EventDate": f"{month}/{day}/{event.local_date[:4]}",
            "EventTime": "7:10 PM", "Quantity": str(listing.quantity), "Section": listing.section, "Row": listing.row,
            "SeatFrom": str(listing.seats[0]) if listing.seats else "",
            "SeatThru": str(listing.seats[-1]) if listing.seats else "",
            "Cost": f"{from_cents(listing.price_cents):.2f}", "TicketID": listing.external_id,
            "edelivery_ind": "Y" if listing.ticket_type == "eticket" else "N", "Instant": "N", "Splittype": "ANY",
            "Stock": listing.ticket_type,
        })  # fmt: skip
        written = io.StringIO(newline="")
        writer = csv.DictWriter(written, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)
        account.file, account.file_at = written.getvalue(), now
        self.ledger.listing_add(listing)

    # Listings by the API.
    def set_quantity(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Offer fewer tickets, from the lowest seat on; none takes the listing down."""
        listing, body = self._named(account, key), request.json()
        quantity = int(body["quantity"])
        if not 0 <= quantity <= listing.quantity:
            raise Refusal(422, "quantity may only become smaller")
        listing.seats, listing.quantity, listing.updated_at = listing.seats[:quantity], quantity, now
        if body.get("lots"):
            listing.split = ",".join(str(int(size)) for size in body["lots"])
        if not quantity:
            listing.state = "deleted"
        return Response(200, {})

    def delete(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Take one down at once."""
        listing = self._named(account, key)
        listing.state, listing.updated_at = "deleted", now
        return Response(200, {})

    # Purchases.
    def purchases(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's purchases, newest first where asked for, by page."""
        query = request.query
        status, number = query.get("status"), query.get("order_number")
        own = [
            item for item in self.ledger.sales.values()
            if item.account_id == account.id and status in {None, item.status} and number in {None, str(item.id)}
        ]  # fmt: skip
        own.sort(key=lambda item: (item.created_at, item.id), reverse=query.get("sort_by_created_at") == "desc")
        page, size = max(1, int(query.get("page") or 1)), int(query.get("per_page") or 20)
        shown = own[(page - 1) * size : page * size]
        results = [views.purchase(self.ledger, item) for item in shown]
        return Response(200, {"results": results, "page": page, "per_page": size, "page_size": len(results)})

    def act(self, request: Request, account: Account, now: float, path: str) -> Response:
        """Confirm, refuse or hand over a purchase."""
        key, _, what = path.partition("/")
        sale = self._sale_of(account, key, Refusal(404, "Purchase not found"))
        if what == "confirm":
            sales.confirm(sale, now)
        elif what == "reject":
            sales.reject(sale, now)
        else:
            self._hand_over(request, sale, what, now)
        return Response(200, {})

    def _hand_over(self, request: Request, sale: Sale, what: str, now: float) -> None:
        """Raises Refusal(422) where what was handed in does not fit the seats that were bought."""
        if what == "confirm_transfer":
            form = request.form()
            if not form.get("transaction_id") and not form.get("transfer_url[]"):
                raise Refusal(422, "transaction_id or transfer_url is missing")
            delivery.hand_over(sale, "mobile_transfer" if form.get("transaction_id") else "transfer_url", form, now)
            return
        given = request.json()
        if what == "barcode_upload":
            codes = {str(seat): str(told.get("barcode")) for seat, told in dict(given.get("seats") or {}).items()}
            delivery.hand_in(self.ledger, sale, "barcode", codes, now)
            return
        seats = [str(seat) for seat in given.get("seats") or ()]
        if not base64.b64decode(str(given.get("pdf") or "")).startswith(b"%PDF-"):
            raise Refusal(422, "pdf is no PDF")
        delivery.hand_in(self.ledger, sale, "pdf", dict.fromkeys(seats, delivery.FILE), now)

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Queue the webhook of a sale, where an address was noted down; nothing else is told."""
        account = self.ledger.accounts[sale.account_id]
        if not account.webhook_url or what != "sold":
            return
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {account.webhook_secret}"}
        self.outbox.put(
            platform=PLATFORM, account_id=account.id, url=account.webhook_url, headers=headers,
            body=render(views.told(self.ledger, sale)), topic="sale", now=now,
        )  # fmt: skip

    # Finding and reading.
    def _own(self, account: Account, states: Iterable[str]) -> list[Listing]:
        wanted = set(states)
        return [i for i in self.ledger.listings.values() if i.account_id == account.id and i.state in wanted]

    def _named(self, account: Account, key: str) -> Listing:
        found = self.ledger.listing_find(PLATFORM, account.id, key)
        if found is None or found.state not in {"active", "hidden"}:
            raise Refusal(404, "Listing not found")
        return found

    def _listing(self, row: dict[str, str], account: Account, now: float, old: Listing | None) -> Listing:
        quantity, cents = int(row["Quantity"]), to_cents(row["Cost"])
        if quantity < 1 or cents <= 0:
            raise Refusal(422, "Quantity and Cost must be positive")
        return Listing(
            id=old.id if old else self.ledger.new_id(), platform=PLATFORM, account_id=account.id,
            external_id=row["TicketID"], event_id=self._event_id(row), section=row["Section"], row=row["Row"],
            seats=_seats(row, quantity), quantity=quantity, price_cents=cents, currency="USD",
            split=_split(row, quantity), created_at=old.created_at if old else now, updated_at=now,
            ticket_type=row.get("Stock", ""), last_order_at=old.last_order_at if old else 0.0,
            looks=old.looks if old else 0,
        )  # fmt: skip

    def _event_id(self, row: dict[str, str]) -> int:
        """The event that is meant, by name and day; 0 while nobody has mapped it."""
        found = self._event_called(row["Event"], _day(row["EventDate"]).isoformat())
        return found.id if found else 0


def _day(text: str) -> date:
    """M/D/YY or M/D/YYYY."""
    month, day, year = map(int, text.split("/"))
    return date(year if year > 99 else 2000 + year, month, day)


def _seats(row: dict[str, str], quantity: int) -> list[int]:
    if not row.get("SeatFrom"):
        return []
    seats = list(range(int(row["SeatFrom"]), int(row.get("SeatThru") or row["SeatFrom"]) + 1))
    if len(seats) != quantity:
        raise Refusal(422, "SeatFrom and SeatThru do not make up the quantity")
    return seats


def _split(row: dict[str, str], quantity: int) -> str:
    """StubHub's word or a list of quantities, as the buyers understand it."""
    kind, sizes = row.get("Splittype", "").upper(), row.get("Splitvalue", "").replace(":", ",")
    if kind == "CUSTOM":
        return sizes if sizes[:1].isdecimal() else str(quantity)
    if kind not in _SPLITS:
        raise Refusal(422, f"Splittype {kind} is unknown")
    return _SPLITS[kind]


_ROUTES = routes(
    ("GET", r"/drop", Gametime.file),
    ("PUT", r"/drop", Gametime.put_file),
    ("POST", r"/listings/([^/]+)", Gametime.set_quantity),
    ("DELETE", r"/listings/([^/]+)/delete", Gametime.delete),
    ("GET", r"/purchases", Gametime.purchases),
    ("POST", r"/purchases/(\d+)/(confirm|reject|confirm_transfer|barcode_upload|pdf_upload)", Gametime.act),
)
