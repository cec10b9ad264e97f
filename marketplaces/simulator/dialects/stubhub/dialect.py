"""StubHub's dialect: seller listings, sales, payments, webhooks and the catalog."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from marketplaces.simulator import delivery, oauth, payments, sales
from marketplaces.simulator.desk import Desk, routes
from marketplaces.simulator.dialects.stubhub import hal
from marketplaces.simulator.dialects.stubhub.read import (
    SALE_WRITABLE,
    WRITABLE,
    known_keys,
    listing_of,
    price_of,
    seating_of,
    since_of,
)
from marketplaces.simulator.http import Refusal, Request, Response, render
from marketplaces.simulator.rules import PayoutRule, Rules, Words
from marketplaces.simulator.state import Account, Event, Listing, Sale, Subscription

PLATFORM = "stubhub"
_RULES = Rules(
    key=PLATFORM,
    words=Words(
        "UnderReview", "ConfirmSale", "TransferTDT", "ProcessingTransfer", "GetPaid", "Cancelled", "Cancelled",
        paid="Complete",
    ),
    fee_percent=10.0, fee_per_ticket=True, knows_provisional=True, webhook_retries=5, webhook_retry_s=30.0,
    payout=PayoutRule("after_game", 5),
    delivery_of={
        "MobileTransfer": "mobile_transfer", "ETicket": "pdf", "ElectronicTransfer": "barcode",
        "MobileQRCode": "qr_code", "PaperTicket": "paper", "ETicketUrl": "links",
    },
    waits={
        "links": "UploadTicketsLinks", "pdf": "UploadETickets", "qr_code": "UploadQRCodes", "barcode": "UploadBarcodes",
        "paper": "PrintShippingLabels", "tracking": "EnterTrackingNumbers", "drop_off": "DropOffTickets",
        "reservation_code": "UploadReservationCode", "later": "WaitUntil2DaysBeforeTheEvent",
        "address": "WaitForShippingDetails",
    },
    waits_again={"barcode": "ReenterBarcodes"},
    sent={"paper": "OnTheWay", "tracking": "OnTheWay", "drop_off": "WaitingForBuyerPickup"},
)  # fmt: skip
# (our word for what happened) -> (subscription topic, topic in the payload, action).
_TOPICS = {
    "sold": ("sales", "Sales", "Created"),
    "provisional": ("provisional-sale", "ProvisionalSale", "Created"),
    "provisional_cancelled": ("cancel-provisional-sale", "CancelProvisionalSale", "Cancelled"),
    "cancelled": ("sale-updates", "SaleUpdates", "Cancelled"),
    "barcode_failed": ("sale-updates", "SaleUpdates", "FailedBarcodeValidation"),
    "retransfer": ("re-transfer-ticket", "ReTransferTicket", "ReTransferTicket"),
    "undeliverable": ("sellerlisting-updates", "SellerListingUpdates", "ListingDeliverabilityExpired"),
}


class StubHub(Desk):
    """Answers requests under /stubhub. The caller holds the lock."""

    rules: ClassVar[Rules] = _RULES

    def grant(self, account: Account, client_id: str, now: float, *, scope: str) -> dict[str, Any]:
        """Fresh tokens, as the token endpoint answers them."""
        return oauth.grant(self.ledger, account.id, client_id, now, scope=scope)

    def account_of(self, request: Request, now: float) -> Account | None:
        """The account whose grant the request carries; None on the account host. Raises Refusal."""
        if not request.headers.get("user-agent"):
            raise Refusal(400, "User-Agent is required", code="user_agent_required")
        if request.path in {"/authorize", "/oauth2/token"}:
            return None
        return oauth.bearer(self.ledger, PLATFORM, request, now, scope=_scope_of(request))

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """Carry out one request. Raises Refusal."""
        if request.path == "/authorize" and request.method == "GET":
            return oauth.authorize(self.ledger, PLATFORM, request, now)
        if request.path == "/oauth2/token" and request.method == "POST":
            return oauth.token(self.ledger, request, now, single_use=True)
        return self._routed(_ROUTES, request, account, now)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """The refusal in StubHub's words, or OAuth's on the account host."""
        if request.path == "/oauth2/token":
            return Response(refusal.status, {"error": refusal.code, "error_description": refusal.message})
        return Response(
            refusal.status, {"code": refusal.code or None, "message": refusal.message, "errors": refusal.errors}
        )

    def no_route(self) -> Response:
        """RFC 7807, as recorded, and not StubHub's own Error."""
        problem = {
            "type": "https://tools.ietf.org/html/rfc7231#section-6.5.4", "title": "Not Found", "status": 404,
            "traceId": "00-0-0-00",
        }  # fmt: skip
        return Response(404, problem, {"Content-Type": "application/problem+json"})

    def pass_time(self, now: float) -> None:
        """Events that sellers asked for are there after a while, and their listings say so."""
        for item in self.ledger.events.values():
            if item.coming and item.platform == PLATFORM and now >= item.asked_at + self.ledger.settings.add_event_s:
                item.coming = False
                for listing in self.ledger.listings.values():
                    if listing.event_id == item.id:
                        listing.updated_at = now

    # Catalog and constraints.
    def search(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Events whose name or venue shares a word with `q`, on `dateLocal`."""
        day = request.query.get("dateLocal", "")
        found = [one for one in self._events_like(request.query.get("q", ""), day, day) if not one.coming]
        return Response(200, hal.page(request, [hal.event(self.ledger, item) for item in found]))

    def show_event(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One event."""
        return Response(200, hal.event(self.ledger, self._event(key)))

    def show_constraints(self, request: Request, account: Account, now: float, key: str) -> Response:
        """The constraints of a known event."""
        return Response(200, hal.constraints(self._event(key)))

    def put_constraints(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The constraints of an event in words; an unknown one has the usual ones."""
        return Response(200, hal.constraints(self._requested(request.json(), now, keep=False)))

    # Listings.
    def create(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Publish; a listing with the same external id is deleted first."""
        body = request.json()
        event = self._event(key) if key else self._requested(body, now, keep=True)
        listing = listing_of(self.ledger, body, event, account, now)
        old = self.ledger.listing_find(PLATFORM, account.id, listing.external_id) if listing.external_id else None
        if old is not None and old.state in {"active", "hidden"}:
            old.state, old.updated_at = "deleted", now
        self.ledger.listing_add(listing)
        return Response(201, hal.listing(self.ledger, listing, request.base))

    def preview(self, request: Request, account: Account, now: float, key: str) -> Response:
        """What a listing would bring; nothing is kept."""
        body = request.json()
        event = self._event(key) if key else self._requested(body, now, keep=False)
        return Response(200, hal.listing(self.ledger, listing_of(self.ledger, body, event, account, now), request.base))

    def show(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One listing, sold out ones too."""
        return Response(200, hal.listing(self.ledger, self._own(request, account, key), request.base))

    def change(self, request: Request, account: Account, now: float, key: str) -> Response:
        """PATCH. A sold-out listing takes no change."""
        listing, body = self._own(request, account, key), request.json()
        if listing.state == "sold":
            raise Refusal(403, "the listing is sold", code="invalid_seller_listing_action")
        known_keys(body, WRITABLE)
        event = self.ledger.events[listing.event_id]
        if "ticket_price" in body:
            listing.price_cents = price_of(body, event)
        if "seating" in body or "number_of_tickets" in body:
            quantity = int(body.get("number_of_tickets", listing.quantity))
            seating = body.get("seating") or hal.seating(listing.section, listing.row, listing.seats[:quantity])
            listing.section, listing.row, listing.seats = seating_of(seating, quantity)
            listing.quantity = quantity
        if "published" in body:
            listing.state = "active" if body["published"] else "hidden"
        etickets = [listing.extra.get(f"eticket {number}") for number in body.get("eticket_ids") or []]
        if None in etickets or (etickets and etickets != list(map(str, listing.seats))):
            unknown = {"seller_listing.eticket_ids": ["Unknown"]}
            raise Refusal(400, "eticket_ids", code="validation_failed", errors=unknown)
        if (body.get("barcodes") or etickets) and listing.undeliverable:
            listing.undeliverable, listing.state = False, "active"
        listing.split = str(body.get("split_type", listing.split))
        listing.updated_at = now
        return Response(200, hal.listing(self.ledger, listing, request.base))

    def delete(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Take down what is left; a listing that is sold stays sold."""
        listing = self._own(request, account, key)
        if listing.state == "sold":
            raise Refusal(403, "the listing is sold", code="invalid_delete")
        listing.state, listing.updated_at = "deleted", now
        return Response(204)

    def listings(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's listings that still stand."""
        own = [
            item for item in self.ledger.listings.values()
            if item.account_id == account.id and item.state in {"active", "hidden"}
            and item.updated_at >= since_of(request)
        ]  # fmt: skip
        own.sort(key=lambda item: (item.created_at, item.id))
        return Response(200, hal.page(request, [hal.listing(self.ledger, item, request.base) for item in own]))

    # Sales and payments.
    def list_sales(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's sales, by last change."""
        own = [
            item for item in self.ledger.sales.values()
            if item.account_id == account.id and item.updated_at >= since_of(request)
        ]  # fmt: skip
        own.sort(key=lambda item: (item.updated_at, item.id))
        return Response(200, hal.page(request, [hal.sale(self.ledger, item, request.base) for item in own]))

    def show_sale(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One sale."""
        return Response(200, hal.sale(self.ledger, self._sale(account, key), request.base))

    def change_sale(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Confirm, or hand over."""
        sale, body = self._sale(account, key), request.json()
        known_keys(body, SALE_WRITABLE)
        if body.get("confirmed"):
            sales.confirm(sale, now)
        if body.get("barcodes"):
            codes = {str(item.get("seat")): str(next(iter(item["barcode_values"]))) for item in body["barcodes"]}
            delivery.hand_in(self.ledger, sale, "barcode", codes, now)
        elif body.get("eticket_ids"):
            # Uploaded before, in the order of the seats.
            way = "qr_code" if body.get("eticket_type") == "MobileQRCode" else "pdf"
            kept = [sale.proof.get(f"eticket {number}") for number in body["eticket_ids"]]
            if None in kept or len(kept) != sale.quantity:
                raise Refusal(400, "eticket_ids", code="validation_failed", errors={"sale.eticket_ids": ["Unknown"]})
            delivery.hand_in(self.ledger, sale, way, {str(seat): delivery.FILE for seat in kept}, now)
        elif body.get("eticket_urls"):
            delivery.hand_over(sale, "transfer_url", body, now)
        elif body.get("tracking_number"):
            delivery.hand_over(sale, "tracking", body, now)
        elif body.get("transfer_confirmation_number"):
            delivery.hand_over(sale, "mobile_transfer", body, now)
        return Response(200, hal.sale(self.ledger, sale, request.base))

    def upload(self, request: Request, account: Account, now: float, key: str) -> Response:
        """A file of a sale's tickets, one ticket each; the file's name says which seat's it is."""
        sale = self._sale(account, key)
        made, seat, answer = self._eticket(request, sale.delivery)
        sale.proof = {**sale.proof, made: seat}
        return answer

    def upload_early(self, request: Request, account: Account, now: float, key: str) -> Response:
        """A file of a listing's tickets, as of a sale's."""
        listing = self._own(request, account, key)
        made, seat, answer = self._eticket(request, self.rules.delivery_of.get(listing.ticket_type, ""))
        listing.extra = {**listing.extra, made: seat}
        return answer

    def _eticket(self, request: Request, kind: str) -> tuple[str, str, Response]:
        """What an uploaded file is kept as, the seat that its name says, and the answer."""
        name, content = request.file("file")
        if not content.startswith(b"%PDF-" if kind == "pdf" else b"\x89PNG"):
            raise Refusal(400, "file", code="validation_failed", errors={"eticket_upload.file": ["Unreadable"]})
        made = self.ledger.new_id()
        seat = name.removeprefix("seat-").partition(".")[0]
        upload = {"id": self.ledger.new_id(), "file_name": name, "_embedded": {"etickets": [{"id": made}]}}
        return f"eticket {made}", seat, Response(200, hal.page(request, [upload]))

    def shipments(self, request: Request, account: Account, now: float, key: str) -> Response:
        """The parcel of a sale of paper tickets; PUT makes it."""
        sale = self._sale(account, key)
        if sale.delivery != "paper":
            raise Refusal(403, "these tickets are not shipped", code="invalid_sale_action")
        if request.method == "PUT":
            sale.proof = {**sale.proof, "shipment": self.ledger.new_id()}
            return Response(200, {"id": sale.proof["shipment"]})
        made = [{"id": sale.proof["shipment"]}] if "shipment" in sale.proof else []
        return Response(200, hal.page(request, made))

    def ship(self, request: Request, account: Account, now: float, path: str) -> Response:
        """The label of a parcel, or its number."""
        key, _, shipment = path.partition("/")
        sale = self._sale(account, key)
        if str(sale.proof.get("shipment")) != shipment:
            raise Refusal(404, "no such shipment")
        if request.method == "GET":
            return Response(200, f"%PDF-1.4 label of {sale.id}\n%%EOF", {"Content-Type": "application/pdf"})
        if not request.json().get("tracking_number"):
            raise Refusal(400, "tracking_number", code="validation_failed")
        delivery.hand_over(sale, "tracking", {**sale.proof, **request.json()}, now)
        return Response(200, {"id": int(shipment), "tracking_number": request.json()["tracking_number"]})

    def reject_sale(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Refuse a sale."""
        sales.reject(self._sale(account, key), now)
        return Response(204)

    def payments(self, request: Request, account: Account, now: float, key: str) -> Response:
        """The account's payments, or one."""
        own = [item for item in self.ledger.payments.values() if item.account_id == account.id]
        if not key:
            return Response(200, hal.page(request, [hal.payment(self.ledger, item, request.base) for item in own]))
        found = next((item for item in own if str(item.id) == key), None)
        if found is None:
            raise Refusal(404, "no such payment")
        return Response(200, hal.payment(self.ledger, found, request.base))

    def next_payment(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The next payment as it would be by now."""
        coming = payments.upcoming(self.ledger, account, now)
        if coming is None:
            raise Refusal(404, "no payment is coming")
        return Response(200, hal.payment(self.ledger, coming, request.base))

    def user(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's owner."""
        return Response(200, {"full_name": account.id, "email": f"{account.id}@example.com", "email_optin": False})

    # Webhooks.
    def subscribe(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Register a webhook."""
        body = request.json()
        known_keys(body, frozenset({"name", "url", "authorization_header", "topics"}))
        if not str(body.get("url", "")).startswith("http"):
            raise Refusal(400, "url", code="validation_failed", errors={"webhook.url": ["The url is required"]})
        made = Subscription(
            self.ledger.new_id(), PLATFORM, account.id, str(body["url"]), str(body.get("authorization_header") or ""),
            list(body.get("topics") or []), str(body.get("name") or ""), now,
        )  # fmt: skip
        self.ledger.subscriptions[made.id] = made
        return Response(201, hal.webhook(made, request.base))

    def subscriptions(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's webhooks."""
        own = [item for item in self.ledger.subscriptions.values() if item.account_id == account.id]
        return Response(200, hal.page(request, [hal.webhook(item, request.base) for item in own]))

    def unsubscribe(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Remove a webhook."""
        held = self.ledger.subscriptions.get(int(key))
        if held is None or held.account_id != account.id:
            raise Refusal(404, "no such webhook")
        del self.ledger.subscriptions[held.id]
        return Response(204)

    def ping(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Deliver a ping."""
        held = self.ledger.subscriptions.get(int(key))
        if held is None or held.account_id != account.id:
            raise Refusal(404, "no such webhook")
        self._put(held, "Ping", "Ping", {}, now)
        return Response(202, hal.webhook(held, request.base))

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Queue the webhooks of what happened to a sale, one for each subscription to its topic."""
        topic, name, action = _TOPICS[what]
        event = self.ledger.event_at(PLATFORM, sale.event_id)
        body = hal.sale(self.ledger, sale, "")
        listing = hal.listing(self.ledger, self.ledger.listings[sale.listing_id], "")
        shown = ("id", "created_at", "number_of_tickets", "seating", "display_seating", "ticket_price", "external_id")
        embedded: dict[str, Any] = {
            "sale": {key: body[key] for key in ("id", "created_at", "seating", "proceeds", "number_of_tickets")},
            "seller_listing": {key: listing[key] for key in shown},
        }
        embedded |= hal.about(event)
        for held in list(self.ledger.subscriptions.values()):
            if held.account_id == sale.account_id and topic in held.topics:
                self._put(held, name, action, embedded, now)

    def tell_of_listing(self, listing: Listing, now: float) -> None:
        """Queue the webhook of a listing whose tickets must be there before it is shown again."""
        topic, name, action = _TOPICS["undeliverable"]
        shown = hal.listing(self.ledger, listing, "")
        embedded = {"seller_listing": {key: shown[key] for key in ("id", "external_id", "number_of_tickets")}}
        for held in list(self.ledger.subscriptions.values()):
            if held.account_id == listing.account_id and topic in held.topics:
                self._put(held, name, action, embedded, now)

    def _put(self, held: Subscription, topic: str, action: str, embedded: dict[str, Any], now: float) -> None:
        about = {**embedded, "webhook": {"id": held.id, "name": held.name, "url": held.url, "topics": held.topics}}
        headers = {
            "Content-Type": "application/json", "Authorization": held.secret, "User-Agent": "stubhub-simulator",
            "X-Topic": topic, "X-Delivery-Id": str(self.ledger.new_id()),
        }  # fmt: skip
        body = render({"topic": topic, "action": action, "barcodes": [], "_links": {}, "_embedded": about})
        self.outbox.put(
            platform=PLATFORM, account_id=held.account_id, url=held.url, headers=headers, body=body,
            topic=topic, now=now,
        )  # fmt: skip

    # Finding and checking.

    def _event(self, key: str) -> Event:
        item = self.ledger.event_at(PLATFORM, int(key)) if key.isdecimal() else None
        if item is None or item.coming or item.platform not in {"", PLATFORM}:
            raise Refusal(404, "no such event")
        return item

    def _requested(self, body: dict[str, Any], now: float, *, keep: bool) -> Event:
        """The event that the words mean: the one of that name at that time, or a new one that is added later."""
        told, venue = body.get("event") or {}, body.get("venue") or {}
        missing = {key: ["Required"] for key in ("name", "start_date") if not told.get(key)}
        if missing or not venue.get("name"):
            raise Refusal(400, "event", code="validation_failed", errors={"seller_listing.event": ["Required"]})
        try:
            start = datetime.fromisoformat(str(told["start_date"]))
        except ValueError as error:
            raise Refusal(400, "start_date is no date", code="validation_failed") from error
        starts_at = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
        for item in self._events():
            if item.name.lower() == str(told["name"]).lower() and abs(item.starts_at - starts_at) < 1:
                return item
        made = Event(
            self.ledger.new_id(), str(told["name"]), str(venue["name"]), starts_at, start.date().isoformat(),
            start.strftime("%H:%M:%S"), PLATFORM, str(venue.get("city") or ""), str(venue.get("state_province") or ""),
            coming=True, asked_at=now,
        )  # fmt: skip
        if keep:
            self.ledger.events[made.id] = made
        return made

    def _own(self, request: Request, account: Account, key: str) -> Listing:
        """The account's listing by external id or id, unless it was taken down. Raises Refusal(404)."""
        if "/external" in request.path:
            found = self.ledger.listing_find(PLATFORM, account.id, key)
        else:
            found = self.ledger.listings.get(int(key)) if key.isdecimal() else None
        if found is None or found.account_id != account.id or found.state == "deleted":
            raise Refusal(404, "no such listing")
        return found

    def _sale(self, account: Account, key: str) -> Sale:
        return self._sale_of(account, key, Refusal(404, "no such sale"))


# By what the path is about; reading asks for "read:", all else for "write:".
_SCOPES = (
    (r"/catalog/", "events"), (r"/v2/(?:external)?sellerlistings|/v2/events/\d+/sellerlisting|/v2/sellerlistingpreview",
    "sellerlistings"), (r"/v2/sales", "sales"), (r"/v2/payments", "payment"), (r"/v2/webhooks", "webhooks"),
    (r"/v2/user", "user"),
)  # fmt: skip


def _scope_of(request: Request) -> str:
    """The scope that a request needs, as published; empty where none is."""
    about = next((name for pattern, name in _SCOPES if re.match(pattern, request.path)), "")
    return about and f"{'read' if request.method == 'GET' else 'write'}:{about}"


_ROUTES = routes(
    ("GET", r"/catalog/events/search", StubHub.search),
    ("GET", r"/catalog/events/(\d+)", StubHub.show_event),
    ("GET", r"/v2/events/(\d+)/listingconstraints", StubHub.show_constraints),
    ("PUT", r"/v2/listingconstraints", StubHub.put_constraints),
    ("POST", r"/v2/sellerlistings", StubHub.create),
    ("POST", r"/v2/events/(\d+)/sellerlistings", StubHub.create),
    ("POST", r"/v2/sellerlistingpreview", StubHub.preview),
    ("POST", r"/v2/events/(\d+)/sellerlistingpreview", StubHub.preview),
    ("GET", r"/v2/sellerlistings(?:/recentupdates)?", StubHub.listings),
    ("GET", r"/v2/(?:external)?sellerlistings/([^/]+)", StubHub.show),
    ("PATCH", r"/v2/(?:external)?sellerlistings/([^/]+)", StubHub.change),
    ("DELETE", r"/v2/(?:external)?sellerlistings/([^/]+)", StubHub.delete),
    ("GET", r"/v2/sales(?:/recentupdates)?", StubHub.list_sales),
    ("GET", r"/v2/sales/(\d+)", StubHub.show_sale),
    ("PATCH", r"/v2/sales/(\d+)", StubHub.change_sale),
    ("DELETE", r"/v2/sales/(\d+)", StubHub.reject_sale),
    ("POST", r"/v2/sales/(\d+)/eticketuploads", StubHub.upload),
    ("POST", r"/v2/sellerlistings/(\d+)/eticketuploads", StubHub.upload_early),
    ("GET", r"/v2/sales/(\d+)/shipments", StubHub.shipments),
    ("PUT", r"/v2/sales/(\d+)/shipments", StubHub.shipments),
    ("PATCH", r"/v2/sales/(\d+)/shipments/(\d+)", StubHub.ship),
    ("GET", r"/v2/sales/(\d+)/shipments/(\d+)/label", StubHub.ship),
    ("GET", r"/v2/payments/next", StubHub.next_payment),
    ("GET", r"/v2/payments(?:/(\d+))?", StubHub.payments),
    ("GET", r"/v2/user", StubHub.user),
    ("POST", r"/v2/webhooks", StubHub.subscribe),
    ("GET", r"/v2/webhooks", StubHub.subscriptions),
    ("DELETE", r"/v2/webhooks/(\d+)", StubHub.unsubscribe),
    ("POST", r"/v2/webhooks/(\d+)/ping", StubHub.ping),
)
