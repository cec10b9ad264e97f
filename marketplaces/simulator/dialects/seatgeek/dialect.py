"""SeatGeek's dialect: Seller Direct, and beside it event search and broker data, which live on other hosts there."""

from typing import Any, ClassVar

from marketplaces.simulator import delivery, payments, sales
from marketplaces.simulator.desk import TokenDesk, routes
from marketplaces.simulator.dialects.seatgeek import views
from marketplaces.simulator.http import Refusal, Request, Response, render
from marketplaces.simulator.rules import PayoutRule, Rules, Words
from marketplaces.simulator.state import Account, Event, Listing, Sale, from_cents, stamp, to_cents

PLATFORM = "seatgeek"
_RULES = Rules(
    key=PLATFORM,
    words=Words("submitted", "submitted", "confirmed", "fulfilled", "fulfilled", "denied", "void"),
    fee_percent=5.0, fee_per_ticket=False, knows_provisional=False, webhook_retries=3, webhook_retry_s=1.0,
    payout=PayoutRule("weekly", 0, 2),
    delivery_of={"mobile": "mobile_transfer", "pdf": "pdf", "barcode": "barcode"}, seller_allocates=True,
)  # fmt: skip
_REQUIRED = ("event", "venue", "event_date", "quantity", "cost", "section", "row")
_WRITABLE = frozenset({
    *_REQUIRED, "seller_listing_id", "event_time", "event_id", "seat_from", "seat_thru", "notes", "in_hand_date",
    "is_edelivery", "is_instant", "split_type", "splits", "stock_type", "tokens_type", "tokens",
    "seller_previously_paid_price_per_ticket", "seller_subaccount_id", "ticket_id",
})  # fmt: skip
# As measured by one operator: what came without a token, or with one where none is looked for.
_WITHOUT = "400113"
_SPLITS = {"ANY": "Any", "DONTLEAVEONE": "AvoidOne", "DEFAULT": "Any"}
_TYPES = {
    "sold": "order.created", "cancelled": "order.broken", "retransfer": "order.retransfer",
    "barcode_failed": "order.fulfillment.error",
}  # fmt: skip


class SeatGeek(TokenDesk):
    """Answers requests under /seatgeek. The caller holds the lock."""

    rules: ClassVar[Rules] = _RULES

    def account_of(self, request: Request, now: float) -> Account | None:
        """The account whose token the request carries; None for the Platform API. Raises Refusal(401)."""
        if request.path.startswith("/2/"):
            return None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        token = given.strip() if scheme.lower() in {"bearer", "token"} else request.query.get("token", "")
        if not token:
            raise Refusal(400, "Token is required", code=_WITHOUT)
        return self._account_with(token, Refusal(401, "Token is not valid"))

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """Carry out one request. Raises Refusal."""
        if request.path == "/2/events" and request.method == "GET":
            return self.search(request)
        if request.path.startswith("/2/events/") and request.method == "GET":
            return self.show_event(request)
        return self._routed(_ROUTES, request, account, now)

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """A listing that names its event in words too, and has the seller's own number."""
        listing.external_id = listing.external_id or f"hand-{listing.id}"
        listing.extra = {"event": event.name, "venue": event.venue, "event_date": event.local_date}
        super().by_hand(listing, event, now)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """The refusal in SeatGeek's words."""
        if refusal.code == _WITHOUT:
            return Response(refusal.status, {"code": int(refusal.code), "message": refusal.message})
        if request.path.startswith("/brokerdata"):
            return Response(refusal.status, {"code": refusal.code, "message": refusal.message})
        return Response(refusal.status, {"error": {"message": refusal.message}, "meta": {"status": refusal.status}})

    def search(self, request: Request) -> Response:
        """Platform events whose name or venue shares a word with `q`, between two local moments."""
        query = request.query
        if not query.get("client_id"):
            raise Refusal(403, "client_id is required")
        first, last = query.get("datetime_local.gte", ""), query.get("datetime_local.lte", "")
        found = self._events_like(query.get("q", ""), first, last)
        meta = {"total": len(found), "took": 1, "page": 1, "per_page": len(found)}
        return Response(
            200, {"events": [views.event(self.ledger, item) for item in found], "meta": meta, "in_hand": {}}
        )

    def show_event(self, request: Request) -> Response:
        """One Platform event."""
        if not request.query.get("client_id"):
            raise Refusal(403, "client_id is required")
        key = request.path.rpartition("/")[2]
        found = next((item for item in self._events() if str(item.id) == key), None)
        if found is None:
            raise Refusal(404, "Event not found")
        return Response(200, views.event(self.ledger, found))

    def market(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Broker data: everyone's listings of an event, ours among them."""
        if not self.ledger.settings.broker_data:
            raise Refusal(401, "insufficient scope", code="421004")
        event_id = int(request.query.get("event_id") or 0)
        rows: list[dict[str, Any]] = [
            {"sglid": item.id, "bp": from_cents(item.price_cents), "q": item.quantity, "s": item.section, "r": item.row}
            for item in self.ledger.on_sale(PLATFORM, event_id)
        ]
        rows += [
            {"sglid": item.id, "bp": from_cents(item.price_cents), "q": item.quantity, "s": item.section, "r": item.row}
            for item in self.ledger.offers_of(PLATFORM, event_id)
        ]
        return Response(200, {"listings": rows})

    # Listings.
    def put(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Create or replace under the seller's own key."""
        body = request.json()
        missing = [name for name in _REQUIRED if body.get(name) in {None, ""}]
        if missing or set(body) - _WRITABLE or len(key) > 32:
            raise Refusal(400, f"missing {missing}, unknown {sorted(set(body) - _WRITABLE)}")
        old = self.ledger.listing_find(PLATFORM, account.id, key)
        if old is not None and old.state == "sold" and self._just_sold(old, now):
            raise Refusal(409, "the listing sold out within the last 5 minutes")
        made = self._listing(body, account, key, now)
        if old is not None and old.state != "sold":
            made.id, made.created_at, made.last_order_at = old.id, old.created_at, old.last_order_at
            if made.quantity > old.quantity and self._just_sold(old, now):
                raise Refusal(409, "the quantity may not grow within 5 minutes of an order")
        self.ledger.listing_add(made)
        return Response(200, {"ok": True})

    def patch(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Change some fields of a listing that stands."""
        listing, body = self._own(account, key), request.json()
        if set(body) - _WRITABLE:
            raise Refusal(400, f"unknown {sorted(set(body) - _WRITABLE)}")
        quantity = int(body.get("quantity", listing.quantity))
        if quantity > listing.quantity and self._just_sold(listing, now):
            raise Refusal(409, "the quantity may not grow within 5 minutes of an order")
        if "quantity" in body or "seat_from" in body:
            first = body.get("seat_from", listing.seats[0] if listing.seats else None)
            listing.seats = _seats(first, body.get("seat_thru"), quantity)
            listing.quantity = quantity
        if "cost" in body:
            listing.price_cents = _cost(body)
        if "split_type" in body:
            listing.split = _split(body, quantity)
        listing.updated_at = now
        return Response(200, {"ok": True})

    def show(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One listing that stands."""
        return Response(200, {"listing": views.listing(self._own(account, key))})

    def listings(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's standing listings, paged by cursor."""
        own = [item for item in self.ledger.listings.values() if item.account_id == account.id and _stands(item)]
        own.sort(key=lambda item: item.id)
        size = min(2000, max(1, int(request.query.get("per_page") or 500)))
        after = int(request.query.get("page_cursor") or 0)
        shown = [item for item in own if item.id > after][:size]
        more = bool(shown) and shown[-1].id != own[-1].id
        meta = {"per_page": size, "total": len(own), "status": 200, "next_page": str(shown[-1].id) if more else None}
        return Response(200, {"listings": [views.listing(item) for item in shown], "meta": meta})

    def bulk_delete(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Mark inactive; a key that is unknown or sold is no error, and what is sold stays sold."""
        keys = request.json().get("seller_listing_ids")
        if not isinstance(keys, list):
            raise Refusal(400, "seller_listing_ids is required")
        for key in keys:
            listing = self.ledger.listing_find(PLATFORM, account.id, str(key))
            if listing is not None and _stands(listing):
                listing.state, listing.updated_at = "deleted", now
        return Response(200, {"ok": True})

    # Orders.
    def show_order(self, request: Request, account: Account, now: float, _: str) -> Response:
        """One order."""
        return Response(200, views.order(self.ledger, self._order(account, request.query.get("order_id", ""))))

    def customer(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The buyer of an order, until its event. How it is refused after that is not published."""
        sale = self._order(account, request.query.get("order_id", ""))
        known = self.ledger.event_at(PLATFORM, sale.event_id)
        if known is not None and known.starts_at < now:
            raise Refusal(404, "The customer is not available after the event")
        told = {"email": f"buyer-{sale.id}@example.com", "first_name": "A", "last_name": "Buyer", "phone": ""}
        return Response(200, {"customer": told})

    def orders(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's orders by the day they were placed."""
        query = request.query
        first, last, status = query.get("start_date", ""), query.get("end_date", "9999"), query.get("status")
        own = [
            item for item in self.ledger.sales.values()
            if item.account_id == account.id and first <= stamp(item.created_at)[:10] <= last
            and status in {None, item.status}
        ]  # fmt: skip
        number, size = int(query.get("page") or 1), int(query.get("per_page") or 200)
        meta = {"page": number, "per_page": size, "total": len(own), "status": 200}
        shown = own[(number - 1) * size : number * size]
        return Response(200, {"orders": [views.order(self.ledger, item) for item in shown], "meta": meta})

    def patch_order(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Confirm, deny or fulfil."""
        form = request.form()
        sale = self._order(account, form.get("order_id", ""))
        status = form.get("status", "")
        if status == "confirmed":
            sales.confirm(sale, now)
        elif status == "denied":
            sales.reject(sale, now)
        elif status == "fulfilled" and form.get("delivery_method") and form.get("stock_type"):
            self._fulfil(sale, form, now)
        else:
            raise Refusal(400, "status, or delivery_method and stock_type, are missing")
        return Response(200, views.order(self.ledger, sale))

    @staticmethod
    def _fulfil(sale: Sale, form: dict[str, str], now: float) -> None:
        if form["stock_type"] == "mobile":
            links = [url for url in form.get("transfer_url", "").split(",") if url]
            if len(links) != sale.quantity:
                raise Refusal(422, "transfer_url has not one link a ticket")
            delivery.hand_over(sale, "transfer_url", form, now)
        elif len(sale.tickets) != sale.quantity:
            raise Refusal(422, "the tickets are not there")
        else:
            delivery.hand_over(sale, form["stock_type"], form, now)

    def put_tickets(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The tickets of an order: barcodes as tokens, or files; `seats` says whose they are, in this order."""
        form = request.form()
        sale = self._order(account, form.get("order_id", ""))
        tokens, files = request.values("tokens[]"), request.files("files[]")
        if any(not content.startswith(b"%PDF-") for _, content in files):
            raise Refusal(422, "a file is no PDF")
        seats = [seat for seat in form.get("seats", "").split(",") if seat]
        given = tokens or [delivery.FILE] * len(files)
        if len(given) != sale.quantity or len(seats) != len(given):
            raise Refusal(422, "there is not one ticket a seat")
        way = "barcode" if tokens else "pdf"
        delivery.hand_in(self.ledger, sale, way, dict(zip(seats, given, strict=True)), now, ends=False)
        return Response(200, {"ok": True})

    def remittances(self, request: Request, account: Account, now: float, key: str) -> Response:
        """The account's invoices, or one with its charges."""
        own = [item for item in self.ledger.payments.values() if item.account_id == account.id]
        if not key:
            return Response(200, {"remittances": [views.invoice(self.ledger, item, charges=False) for item in own]})
        found = next((item for item in own if str(item.id) == key), None)
        if found is None:
            raise Refusal(404, "Invoice not found")
        return Response(200, views.invoice(self.ledger, found, charges=True))

    def current(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The invoice that is being made up, as it would be by now."""
        coming = payments.upcoming(self.ledger, account, now)
        if coming is None:
            raise Refusal(404, "Invoice not found")
        return Response(200, views.invoice(self.ledger, coming, charges=True))

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Queue the one webhook of an order, where the account has an address."""
        account = self.ledger.accounts[sale.account_id]
        if what in _TYPES:
            self._put(account, _TYPES[what], [views.order(self.ledger, sale)], now)

    def tell_event(self, event: Event, now: float) -> None:
        """Queue one webhook an account with listings of an event that is on no more, all of them in it."""
        if event.status not in {"Postponed", "Cancelled"}:
            return
        for account in self.ledger.accounts.values():
            own = [i for i in self.ledger.listings.values() if (i.account_id, i.event_id) == (account.id, event.id)]
            data = [{"seller_listing_id": i.external_id, "event_id": event.id} for i in own if _stands(i)]
            if account.platform == PLATFORM and data:
                self._put(account, "listing.event.inactive", data, now)

    def _put(self, account: Account, kind: str, data: list[dict[str, Any]], now: float) -> None:
        if not account.webhook_url:
            return
        delivery = self.ledger.new_id()
        metadata = {
            "notification_type": kind, "seller_id": account.id, "notification_id": str(delivery),
            "notification_generated_at": stamp(now), "schema_version": 1,
        }  # fmt: skip
        headers = {
            "Content-Type": "application/json", "User-Agent": "seatgeek-simulator",
            "Authorization": f"Bearer {account.webhook_secret or account.token}",
        }  # fmt: skip
        body = render({"metadata": metadata, "data": data})
        self.outbox.put(
            platform=PLATFORM, account_id=account.id, url=account.webhook_url, headers=headers, body=body,
            topic=kind, now=now,
        )  # fmt: skip

    # Finding and rendering.
    def _just_sold(self, listing: Listing, now: float) -> bool:
        return listing.last_order_at > 0 and now - listing.last_order_at < self.ledger.settings.after_order_s

    def _own(self, account: Account, key: str) -> Listing:
        found = self.ledger.listing_find(PLATFORM, account.id, key)
        if found is None or not _stands(found):
            raise Refusal(404, "Listing not found")
        return found

    def _order(self, account: Account, key: str) -> Sale:
        return self._sale_of(account, key, Refusal(404, "Order not found"))

    def _listing(self, body: dict[str, Any], account: Account, key: str, now: float) -> Listing:
        quantity = int(body["quantity"])
        if quantity < 1:
            raise Refusal(400, "quantity must be at least 1")
        if body.get("is_instant") and not body.get("is_edelivery"):
            raise Refusal(400, "is_instant needs is_edelivery")
        return Listing(
            id=self.ledger.new_id(), platform=PLATFORM, account_id=account.id, external_id=key,
            event_id=self._event_id(body), section=str(body["section"]), row=str(body["row"]),
            seats=_seats(body.get("seat_from"), body.get("seat_thru"), quantity), quantity=quantity,
            price_cents=_cost(body), currency="USD", split=_split(body, quantity), created_at=now, updated_at=now,
            ticket_type=str(body.get("stock_type") or ""),
            extra={name: body[name] for name in ("event", "venue", "event_date", "event_time") if name in body},
        )  # fmt: skip

    def _event_id(self, body: dict[str, Any]) -> int:
        """The event that is meant, by id or by name and day; 0 while nobody has mapped it."""
        if body.get("event_id"):
            return int(body["event_id"])
        found = self._event_called(str(body["event"]), str(body["event_date"]))
        return found.id if found else 0


def _stands(listing: Listing) -> bool:
    return listing.state in {"active", "hidden"}


def _cost(body: dict[str, Any]) -> int:
    try:
        cents = to_cents(body["cost"])
    except ValueError:
        cents = 0
    if cents <= 0:
        raise Refusal(400, "cost must be positive")
    return cents


def _seats(first: Any, last: Any, quantity: int) -> list[int]:
    if first in {None, ""}:
        return []
    seats = list(range(int(first), (int(last) if last not in {None, ""} else int(first) + quantity - 1) + 1))
    if len(seats) != quantity:
        raise Refusal(400, "seat_from and seat_thru do not make up the quantity")
    return seats


def _split(body: dict[str, Any], quantity: int) -> str:
    """StubHub's word or a list of quantities; a CUSTOM list that does not end at the quantity is DEFAULT."""
    kind, sizes = str(body.get("split_type") or "DEFAULT"), str(body.get("splits") or "")
    if kind == "CUSTOM":
        return sizes if sizes.rsplit(",", maxsplit=1)[-1] == str(quantity) else "Any"
    if kind not in _SPLITS:
        raise Refusal(400, "split_type is unknown")
    return _SPLITS[kind]


_ROUTES = routes(
    ("GET", r"/listings", SeatGeek.listings),
    ("PUT", r"/listings/single/([^/]+)", SeatGeek.put),
    ("PATCH", r"/listings/single/([^/]+)", SeatGeek.patch),
    ("GET", r"/listings/single/([^/]+)", SeatGeek.show),
    ("POST", r"/listings/bulk-delete", SeatGeek.bulk_delete),
    ("GET", r"/order", SeatGeek.show_order),
    ("PATCH", r"/order", SeatGeek.patch_order),
    ("PUT", r"/v3/order", SeatGeek.put_tickets),
    ("GET", r"/orders/customer", SeatGeek.customer),
    ("GET", r"/orders", SeatGeek.orders),
    ("GET", r"/remittances/current", SeatGeek.current),
    ("GET", r"/remittances(?:/(\d+))?", SeatGeek.remittances),
    ("GET", r"/brokerdata/listings", SeatGeek.market),
)
