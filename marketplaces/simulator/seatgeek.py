"""SeatGeek Seller Direct's dialect: token, listings by our id, orders."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marketplaces.simulator.state import Account, Listing, Sale, utc_now
from marketplaces.simulator.web import Answer, Refused, Request

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator

PLATFORM = "seatgeek"
# A sold-out listing may not be created again, nor grow, for five minutes after its last order.
QUIET = timedelta(minutes=5)
_REQUIRED = ("event", "venue", "event_date", "quantity", "cost", "section", "row")
_MOVES = {"confirmed": "confirmed", "denied": "denied", "fulfilled": "fulfilled"}


def handle(sim: "Simulator", request: Request, path: str) -> Answer:
    """One request below /seatgeek."""
    account = sim.state.account_by_token(PLATFORM, request.bearer or request.query.get("token", ""))
    if account is None:
        raise _error(401, "Token is not valid")
    match (request.method, path.strip("/").split("/")):
        case ("GET", ["listings"]):
            own = [x for x in sim.state.listings if x.platform == PLATFORM and x.account_id == account.id]
            bodies = [_listing_body(x) for x in own if x.shown]
            return Answer(body={"listings": bodies, "meta": {"total": len(bodies), "status": 200}})
        case ("PUT", ["listings", "single", key]):
            return _put(sim, request, account, key)
        case ("PATCH", ["listings", "single", key]):
            return _patch(sim, request, account, key)
        case ("GET", ["listings", "single", key]):
            return Answer(body={"listing": _listing_body(_found(sim, account, key))})
        case ("POST", ["listings", "bulk-delete"]):
            return _bulk_delete(sim, request, account)
        case ("GET", ["orders"]):
            return _orders(sim, request, account)
        case ("GET", ["order"]):
            return Answer(body={"order": order_body(sim, _order(sim, account, request.query.get("order_id", "")))})
        case ("PATCH", ["order"]):
            return _patch_order(sim, request, account)
        case ("GET", ["remittances"]):
            return Answer(body={"remittances": []})
    raise _error(404, "Not found")


def _error(status: int, message: str) -> Refused:
    return Refused(status, {"error": {"message": message}, "meta": {"status": status}})


def _found(sim: "Simulator", account: Account, key: str) -> Listing:
    listing = sim.state.listing_find(PLATFORM, key, account)
    if listing is None:
        raise _error(404, "Listing not found")
    return listing


def _listing_body(listing: Listing) -> dict[str, Any]:
    ends = {"seat_from": listing.seats[0], "seat_thru": listing.seats[-1]} if listing.seats else {}
    return {
        "seller_listing_id": listing.external_id, "sg_listing_id": listing.id, "quantity": len(listing.seats),
        "cost": Decimal(listing.price), "section": listing.section, "row": listing.row, "split_type": listing.split,
        "event_id": listing.event_id, "updated": listing.updated_at, **ends,
        "status": "active" if listing.shown else "inactive",
    }  # fmt: skip


def _put(sim: "Simulator", request: Request, account: Account, key: str) -> Answer:
    body = request.json()
    missing = [name for name in _REQUIRED if not body.get(name)]
    if missing:
        raise _error(400, f"missing: {', '.join(missing)}")
    if len(key) > 32:
        raise _error(400, "seller_listing_id is longer than 32 characters")
    old = sim.state.listing_find(PLATFORM, key, account)
    if old is not None and not old.seats and _recent_order(sim, old):
        raise _error(409, "the listing sold out less than five minutes ago")
    if old is not None:
        sim.state.listings.remove(old)
    first, moment = int(body.get("seat_from") or 1), utc_now().isoformat()
    seats = list(range(first, first + int(body["quantity"])))
    sim.state.listings.append(
        Listing(
            id=old.id if old else sim.state.new_id(), platform=PLATFORM, account_id=account.id, external_id=key,
            event_id=_event_id(sim, body), section=str(body["section"]), row=str(body["row"]),
            seats=[seat for seat in seats if not old or seat not in old.sold_seats], price=str(body["cost"]),
            split=str(body.get("split_type", "DEFAULT")), active=True, created_at=old.created_at if old else moment,
            updated_at=moment, sold_seats=old.sold_seats if old else [],
        )
    )  # fmt: skip
    return Answer(body={"ok": True})


def _event_id(sim: "Simulator", body: dict[str, Any]) -> str:
    """The event by id, else by name and day; an unknown one is taken in and stays unmapped."""
    if str(body.get("event_id") or "") in sim.state.events:
        return str(body["event_id"])
    for event in sim.state.events.values():
        if event.local_date == body["event_date"] and event.venue.casefold() == str(body["venue"]).casefold():
            return event.id
    return ""


def _recent_order(sim: "Simulator", listing: Listing) -> bool:
    orders = [s for s in sim.state.sales if s.platform == PLATFORM and s.external_id == listing.external_id]
    return any(datetime.fromisoformat(order.created_at) > utc_now() - QUIET for order in orders)


def _patch(sim: "Simulator", request: Request, account: Account, key: str) -> Answer:
    listing, body = _found(sim, account, key), request.json()
    if not listing.shown:
        raise _error(404, "Listing is not active")
    if "cost" in body:
        if Decimal(str(body["cost"])) <= 0:
            raise _error(400, "cost must be positive")
        listing.price = str(body["cost"])
    if "quantity" in body:
        if int(body["quantity"]) > len(listing.seats) and _recent_order(sim, listing):
            raise _error(409, "no growth within five minutes of an order")
        first = int(body.get("seat_from") or listing.seats[0])
        wanted = range(first, first + int(body["quantity"]))
        listing.seats = [seat for seat in wanted if seat not in listing.sold_seats]
    listing.split = str(body.get("split_type", listing.split))
    listing.updated_at = utc_now().isoformat()
    return Answer(body={"ok": True})


def _bulk_delete(sim: "Simulator", request: Request, account: Account) -> Answer:
    for key in request.json().get("seller_listing_ids", ()):
        listing = sim.state.listing_find(PLATFORM, key, account)
        if listing is not None:
            listing.active, listing.updated_at = False, utc_now().isoformat()
    return Answer(body={"ok": True})


# Orders.
def order_body(sim: "Simulator", sale: Sale) -> dict[str, Any]:
    """An order, as GET answers it and webhooks carry it. It does not say which seats: the seller allocates."""
    fees = sim.state.fee_of(PLATFORM, sale.gross)
    event = sim.state.events.get(sale.event_id)
    return {
        "id": sale.id, "status": sale.status, "created": sale.created_at, "updated": sale.updated_at,
        "event": {"seatgeek_event_id": sale.event_id, "name": event.name if event else ""},
        "listing": {"id": sale.external_id, "price": Decimal(sale.price), "quantity": len(sale.seats),
                    "section": sale.section, "row": sale.row},
        "subtotal": sale.gross, "fees": fees, "total": sale.gross - fees, "stock_type": "mobile",
    }  # fmt: skip


def _order(sim: "Simulator", account: Account, order_id: str) -> Sale:
    sale = sim.state.sale_find(PLATFORM, order_id, account)
    if sale is None:
        raise _error(404, "Order not found")
    return sale


def _orders(sim: "Simulator", request: Request, account: Account) -> Answer:
    start = request.query.get("start_date", "")
    page, size = int(request.query.get("page", "1")), int(request.query.get("per_page", "200"))
    own = [
        s for s in sim.state.sales if s.platform == PLATFORM and s.account_id == account.id and s.created_at >= start
    ]
    return Answer(body={"orders": [order_body(sim, sale) for sale in own[(page - 1) * size : page * size]]})


def _patch_order(sim: "Simulator", request: Request, account: Account) -> Answer:
    form = request.form()
    sale = _order(sim, account, form.get("order_id", ""))
    status = _MOVES.get(form.get("status", ""))
    if status is None:
        raise _error(400, "status must be confirmed, denied or fulfilled")
    if status == "fulfilled" and not form.get("delivery_method"):
        raise _error(400, "delivery_method is required to fulfil")
    sim.state.sale_move(sale, status)
    return Answer(body={"order": order_body(sim, sale)})


def sold(sim: "Simulator", listing: Listing, seats: list[int]) -> Sale:
    """A buyer bought: the order, and its webhook."""
    sale = sim.state.sale_make(listing, seats, "submitted", tells_seats=False)
    account = next(a for a in sim.state.accounts if a.id == sale.account_id)
    body = {
        "metadata": {
            "notification_type": "order.created", "seller_id": account.id, "notification_id": uuid.uuid4().hex,
            "notification_generated_at": utc_now().isoformat(), "schema_version": 1,
        },
        "data": [order_body(sim, sale)],
    }  # fmt: skip
    sim.notify(account, {"Authorization": f"Bearer {account.webhook_header}"}, body)
    return sale
