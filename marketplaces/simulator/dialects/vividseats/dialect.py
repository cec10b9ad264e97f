"""Vivid Seats' dialect: the Broker Portal. It calls nobody; orders are asked for, each list at its own pace."""

import base64
from typing import Any, ClassVar

from marketplaces.simulator import delivery, sales
from marketplaces.simulator.desk import TokenDesk, routes
from marketplaces.simulator.dialects.vividseats import views
from marketplaces.simulator.http import Refusal, Request, Response
from marketplaces.simulator.rules import PayoutRule, Rules, Words
from marketplaces.simulator.state import Account, Event, Ledger, Listing, Sale, stamp, to_cents
from marketplaces.simulator.webhooks import Outbox

PLATFORM = "vividseats"
_RULES = Rules(
    key=PLATFORM,
    # An order that is refused or taken back is told no more: the last two words are the simulator's own.
    words=Words("UNCONFIRMED", "UNCONFIRMED", "PENDING_SHIPMENT", "COMPLETED", "COMPLETED", "REJECTED", "CANCELLED"),
    fee_percent=10.0, fee_per_ticket=True, knows_provisional=False, webhook_retries=0, webhook_retry_s=1.0,
    payout=PayoutRule("after_game", 10),
    delivery_of={
        # Transfers and barcodes have no stock type there: these two words are the simulator's own.
        "ELECTRONIC": "pdf", "HARD": "paper", "BARCODES": "barcode", "TRANSFER": "mobile_transfer",
    },
)  # fmt: skip
_REQUIRED = ("eventName", "venue", "eventDate", "quantity", "price", "section", "row", "ticketId")
_WRITABLE = frozenset({
    *_REQUIRED, "id", "productionId", "seatFrom", "seatThru", "notes", "electronic", "electronicTransfer",
    "inHandDate", "listDate", "splitType", "splitValue", "spec", "instantDownload", "passThrough", "stockType",
    "seatNumbers", "faceValue", "unitTaxedCost", "instantTransfer", "hideSeats", "ownerEmail", "lastUpdate",
    "attributes", "tickets", "hasBarcodes",
})  # fmt: skip
_KEPT = ("eventName", "venue", "eventDate", "inHandDate", "faceValue")
_SPLITS = {"DEFAULT": "Any", "ANY": "Any", "NEVERLEAVEONE": "AvoidOne"}
# Seconds between two reads of one list, as published.
_EVERY_S = {"/events/search": 5.0, "/v1/getCompletedOrders": 10.0, "/v1/getAirbill": 2.0}
_ORDERS_EVERY_S = {"UNCONFIRMED": 10.0, "PENDING_SHIPMENT": 60.0}
# Requests a second, as published: a bucket of as many.
_A_SECOND = {
    "/listings/v2/create": 50.0, "/listings/v2/update": 50.0, "/listings/v2/delete": 50.0, "/listings/v2/get": 10.0,
}  # fmt: skip
# How many orders one answer has at most, and of completed ones where nothing is asked for, as published.
_ORDERS_AT_ONCE, _COMPLETED, _COMPLETED_AT_MOST = 10_000, 1_000, 5_000
_HIDDEN = {"REJECTED", "CANCELLED"}


class VividSeats(TokenDesk):
    """Answers requests under /vividseats. The caller holds the lock."""

    rules: ClassVar[Rules] = _RULES

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        super().__init__(ledger, outbox)
        self._asked: dict[tuple[str, str], float] = {}
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def account_of(self, request: Request, now: float) -> Account:
        """The account whose token the request carries, in a header, its query or its form. Raises Refusal."""
        older = request.path.startswith("/v1/")
        given = request.query.get("apiToken", "") if older else request.headers.get("api-token", "")
        if older and request.method == "POST":
            given = request.form().get("apiToken", "")
        return self._account_with(given, Refusal(200 if older else 401, "Invalid API token"))

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """Carry out one request. Raises Refusal."""
        if account is not None:
            self._pace(request, account, now)
        return self._routed(_ROUTES, request, account, now)

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """A listing that names its event in words too."""
        listing.extra = {"eventName": event.name, "venue": event.venue, "eventDate": f"{event.local_date}T00:00:00"}
        super().by_hand(listing, event, now)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """The refusal in Vivid Seats' words: XML for orders, else JSON."""
        wait = {"Retry-After": refusal.code} if refusal.status == 429 else {}
        if request.path.startswith("/v1/") and "payments" not in request.path:
            return _xml(views.said(False, refusal.message), refusal.status, wait)
        errors = [error for found in refusal.errors.values() for error in found]
        return Response(refusal.status, {"success": False, "message": refusal.message, "errors": errors}, wait)

    def _pace(self, request: Request, account: Account, now: float) -> None:
        self._pace_second(request.path, account, now)
        status = request.query.get("status", "")
        every = _ORDERS_EVERY_S.get(status, 10.0) if request.path == "/v1/getOrders" else _EVERY_S.get(request.path, 0)
        if every <= 0:
            return
        key = account.id, f"{request.path} {status}"
        wait = self._asked.get(key, now - every) + every - now
        if wait > 0:
            raise Refusal(429, "Too many requests", code=str(max(1, round(wait))))
        self._asked[key] = now

    def _pace_second(self, path: str, account: Account, now: float) -> None:
        most = _A_SECOND.get(path)
        if most is None:
            return
        tokens, seen = self._buckets.get((account.id, path), (most, now))
        tokens = min(most, tokens + (now - seen) * most)
        if tokens < 1:
            raise Refusal(429, "Too many requests", code="1")
        self._buckets[account.id, path] = (tokens - 1, now)

    def search(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Events whose venue or name shares a word with the keyword, between two local days."""
        query = request.query
        if query.get("fromDate") and not query.get("toDate"):
            raise Refusal(400, "fromDate requires toDate.")
        text = f"{query.get('eventKeyword', '')} {query.get('venueKeyword', '')}"
        found = self._events_like(text, query.get("fromDate", ""), query.get("toDate", ""))
        return Response(200, [views.event(self.ledger, item) for item in found])

    # Listings.
    def create(self, request: Request, account: Account, now: float, _: str) -> Response:
        """A new listing under the seller's own key."""
        body = request.json()
        missing = [name for name in _REQUIRED if body.get(name) in {None, ""}]
        if missing or set(body) - _WRITABLE:
            _failed([f"Missing {name}." for name in missing] + [f"Unknown {n}." for n in sorted(set(body) - _WRITABLE)])
        old = self.ledger.listing_find(PLATFORM, account.id, str(body["ticketId"]))
        if old is not None and old.state == "active":
            raise Refusal(200, "A listing with this ticketId already exists.")
        made = self._listing(body, account, now, self.ledger.new_id())
        self.ledger.listing_add(made)
        return _done({"listing": views.listing(made)})

    def update(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Replace a listing as a whole, by Vivid Seats' own id."""
        body = request.json()
        old = self.ledger.listings.get(int(body.get("id") or 0))
        if old is None or old.account_id != account.id or old.state != "active":
            raise Refusal(200, "Listing not found.")
        made = self._listing(body, account, now, old.id)
        made.created_at, made.last_order_at, made.looks = old.created_at, old.last_order_at, old.looks
        self.ledger.listing_add(made)
        return _done({})

    def delete(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Take one down, by either id."""
        found = self._own(request, account)
        if not found:
            raise Refusal(200, "Listing not found.")
        for listing in found:
            listing.state, listing.updated_at = "deleted", now
        return _done({})

    def listings(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's standing listings, or one by either id."""
        return _done({"listings": [views.listing(item) for item in self._own(request, account)], "attribute": None})

    def _own(self, request: Request, account: Account) -> list[Listing]:
        ours, theirs = request.query.get("internalTicketId"), request.query.get("listingId")
        return [
            item for item in self.ledger.listings.values()
            if item.account_id == account.id and item.state == "active"
            and ours in {None, item.external_id} and theirs in {None, str(item.id)}
        ]  # fmt: skip

    # Orders.
    def orders(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Orders that wait for the seller, after the bookmark."""
        status, after = request.query.get("status"), int(request.query.get("bookmark") or 0)
        own = [
            item for item in self._told(account)
            if item.status in _ORDERS_EVERY_S and status in {None, item.status} and item.id > after
        ]  # fmt: skip
        return self._listed(own[: min(_ORDERS_AT_ONCE, int(request.query.get("pageSize") or _ORDERS_AT_ONCE))])

    def completed(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Completed orders by the day they were placed."""
        query = request.query
        own = [
            item for item in self._told(account)
            if item.status == "COMPLETED" and query["startDate"] <= stamp(item.updated_at)[:10] <= query["endDate"]
        ]  # fmt: skip
        first, limit = int(query.get("offset") or 0), min(_COMPLETED_AT_MOST, int(query.get("limit") or _COMPLETED))
        return self._listed(own[first : first + limit])

    def order(self, request: Request, account: Account, now: float, _: str) -> Response:
        """One order."""
        return _xml(views.order(self.ledger, self._order(account, request.query.get("orderId", ""))))

    def act(self, request: Request, account: Account, now: float, what: str) -> Response:
        """Confirm, refuse or hand over an order; what is refused comes with HTTP 200 too."""
        form = request.form()
        sale = self._order(account, form.get("orderId", ""))
        if form.get("orderToken") != views.token(sale):
            raise Refusal(200, "The order's token is wrong.")
        try:
            if what == "confirmOrder":
                sales.confirm(sale, now)
            elif what == "rejectOrder":
                sales.reject(sale, now)
            else:
                self._hand_over(sale, what, form, now)
        except Refusal as refusal:
            raise Refusal(200, refusal.message) from refusal
        return _xml(views.said(True))

    def _hand_over(self, sale: Sale, what: str, form: dict[str, str], now: float) -> None:
        seats = [seat for seat in form.get("seatNumbers", "").split(",") if seat]
        if what == "transferOrderViaURL":
            links = [url for url in form.get("transferURLList", "").split(",") if url]
            if len(links) != sale.quantity:
                raise Refusal(422, "transferURLList has not one address a ticket.")
            delivery.hand_over(sale, "transfer_url", {"transfer_url": form["transferURLList"]}, now)
        elif what == "transferOrder":
            if not form.get("invoiceNumber"):
                raise Refusal(422, "invoiceNumber is missing.")
            delivery.hand_over(sale, "mobile_transfer", {"confirmation": form["invoiceNumber"]}, now)
        elif form.get("barcodes"):
            codes = form["barcodes"].split(",")
            if len(codes) != len(seats):
                raise Refusal(422, "There is not one barcode a seat.")
            delivery.hand_in(self.ledger, sale, "barcode", dict(zip(seats, codes, strict=True)), now)
        elif form.get("ticketFile"):
            if not base64.b64decode(form["ticketFile"]).startswith(b"%PDF-"):
                raise Refusal(422, "The file is no PDF.")
            delivery.hand_in(self.ledger, sale, "pdf", dict.fromkeys(seats, delivery.FILE), now)
        else:
            # The airbill is theirs: that the parcel went is all that is said.
            delivery.hand_over(sale, "tracking", {}, now)

    def airbill(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The label of a parcel."""
        sale = self._order(account, request.query.get("orderId", ""))
        if sale.delivery != "paper":
            raise Refusal(200, "The order is not shipped.")
        label = base64.b64encode(f"%PDF-1.4 airbill of {sale.id}\n%%EOF".encode()).decode()
        return _xml(f"<response><success>true</success><airbillBase64String>{label}</airbillBase64String></response>")

    def _listed(self, found: list[Sale]) -> Response:
        return _xml(f"<orders>{''.join(views.order(self.ledger, item) for item in found)}</orders>")

    def _told(self, account: Account) -> list[Sale]:
        return [s for s in self.ledger.sales.values() if s.account_id == account.id and s.status not in _HIDDEN]

    def _order(self, account: Account, key: str) -> Sale:
        unknown = Refusal(200, "Order not found.")
        found = self._sale_of(account, key, unknown)
        if found.status in _HIDDEN and not found.shown:
            raise unknown
        return found

    def payments(self, request: Request, account: Account, now: float, key: str) -> Response:
        """The account's payments, or one with its ledger."""
        own = [item for item in self.ledger.payments.values() if item.account_id == account.id]
        if not key:
            return Response(200, [views.payment(self.ledger, item) for item in own])
        found = next((item for item in own if str(item.id) == key), None)
        if found is None:
            raise Refusal(404, "Payment not found")
        return Response(200, views.ledger_of(self.ledger, found))

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Nobody is told: the seller asks."""

    def _listing(self, body: dict[str, Any], account: Account, now: float, listing_id: int) -> Listing:
        quantity = int(body["quantity"])
        return Listing(
            id=listing_id, platform=PLATFORM, account_id=account.id, external_id=str(body["ticketId"]),
            event_id=self._event_id(body), section=_section(body), row=str(body["row"]),
            seats=_seats(body, quantity), quantity=quantity, price_cents=_price(body), currency="USD",
            split=_split(body, quantity), created_at=now, updated_at=now,
            ticket_type=_ticket_type(body),
            extra={name: body[name] for name in _KEPT if name in body},
        )  # fmt: skip

    def _event_id(self, body: dict[str, Any]) -> int:
        """The production that is meant, by id or by name and day; 0 while nobody has mapped it."""
        if body.get("productionId"):
            return int(body["productionId"])
        found = self._event_called(str(body["eventName"]), str(body["eventDate"])[:10])
        return found.id if found else 0


def _failed(errors: list[str]) -> None:
    raise Refusal(200, "Create parameters failed validation, see errors.", errors={"": errors})


def _done(body: dict[str, Any]) -> Response:
    return Response(200, {"success": True, "message": None, **body})


def _xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, text, {"Content-Type": "application/xml", **(headers or {})})


def _ticket_type(body: dict[str, Any]) -> str:
    """Electronic tickets are barcodes where the listing came, or has come, with them, else files."""
    if body.get("tickets") or body.get("hasBarcodes"):
        return "BARCODES"
    return "TRANSFER" if body.get("electronicTransfer") else str(body.get("stockType") or "")


def _section(body: dict[str, Any]) -> str:
    section = str(body["section"])
    if len(section) > 45:
        _failed(["Invalid section. Cannot be longer than 45 characters."])
    return section


def _price(body: dict[str, Any]) -> int:
    cents = to_cents(body["price"])
    if cents <= 0:
        _failed(["Invalid price. Must be positive."])
    return cents


def _seats(body: dict[str, Any], quantity: int) -> list[int]:
    first, last = body.get("seatFrom"), body.get("seatThru")
    if first in {None, ""}:
        return []
    seats = list(range(int(str(first)), int(str(last if last not in {None, ""} else first)) + 1))
    if len(seats) != quantity or quantity < 1:
        _failed(["Invalid seats. They do not make up the quantity."])
    return seats


def _split(body: dict[str, Any], quantity: int) -> str:
    """StubHub's word or a list of quantities, as the buyers understand it."""
    kind, sizes = str(body.get("splitType") or "DEFAULT"), str(body.get("splitValue") or "")
    if kind == "CUSTOM":
        return sizes if sizes[:1].isdecimal() else str(quantity)
    if kind not in _SPLITS:
        _failed(["Invalid split type. Must be one of: DEFAULT,ANY,CUSTOM,NEVERLEAVEONE."])
    return _SPLITS[kind]


_ROUTES = routes(
    ("GET", r"/events/search", VividSeats.search),
    ("POST", r"/listings/v2/create", VividSeats.create),
    ("PUT", r"/listings/v2/update", VividSeats.update),
    ("DELETE", r"/listings/v2/delete", VividSeats.delete),
    ("GET", r"/listings/v2/get", VividSeats.listings),
    ("GET", r"/v1/getOrders", VividSeats.orders),
    ("GET", r"/v1/getCompletedOrders", VividSeats.completed),
    ("GET", r"/v1/getOrder", VividSeats.order),
    ("GET", r"/v1/getAirbill", VividSeats.airbill),
    ("POST", r"/v1/(confirmOrder|rejectOrder|transferOrderViaURL|transferOrder|shipOrder)", VividSeats.act),
    ("GET", r"/v1/payments(?:/(\d+))?", VividSeats.payments),
)
