"""StubHub's dialect: OAuth2, HAL, sellerlistings, sales, webhooks."""

import base64
import hashlib
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from marketplaces.simulator.state import Account, Listing, Sale, utc_now
from marketplaces.simulator.web import Answer, Refused, Request

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator

PLATFORM = "stubhub"
SPLITS = ("Any", "None", "AvoidOne", "AvoidOneAndThree", "Pairs")
TICKET_TYPES = ("MobileTransfer", "ElectronicTransfer", "ETicket")
ACCESS_LIFE_S = 3600
LOWEST, HIGHEST = Decimal("1.00"), Decimal("50000.00")


def handle(sim: "Simulator", request: Request, path: str) -> Answer:
    """One request below /stubhub."""
    if path == "/authorize":
        return _authorize(sim, request)
    if path == "/oauth2/token":
        return _token(sim, request)
    if "user-agent" not in request.headers:
        raise _error(400, "user_agent_required", "A User-Agent is required.")
    account = sim.state.account_by_token(PLATFORM, request.bearer)
    if account is None:
        raise _error(401, "unauthorized", "This request requires authentication.")
    parts = [unquote(part) for part in path.strip("/").split("/")]
    return _route(sim, request, account, parts)


def _route(sim: "Simulator", request: Request, account: Account, parts: list[str]) -> Answer:
    match (request.method, parts):
        case ("GET", ["v2", "user"]):
            return Answer(body={"id": int(account.id), "_links": {}})
        case ("GET", ["catalog", "events", "search"]):
            return _search(sim, request)
        case ("GET", ["catalog", "events", event_id]):
            return _event(sim, event_id)
        case ("GET", ["v2", "events", _, "listingconstraints"]):
            return Answer(body=_constraints())
        case ("POST", ["v2", "events", event_id, "sellerlistingpreview"]):
            draft = _draft(sim, request, account, event_id)
            return Answer(body=_listing_body(sim, draft))
        case ("POST", ["v2", "events", event_id, "sellerlistings"]):
            return _create(sim, request, account, event_id)
        case ("POST", ["v2", "sellerlistings"]):
            return _create(sim, request, account, _requested_event(sim, request))
        case ("GET", ["v2", "sellerlistings"]):
            return _listings(sim, request, account)
        case (("GET" | "PATCH" | "DELETE"), ["v2", "externalsellerlistings" | "sellerlistings", key]):
            return _listing(sim, request, account, key)
        case ("GET", ["v2", "sales"]):
            return _sales(sim, request, account)
        case (("GET" | "PATCH" | "DELETE"), ["v2", "sales", sale_id]):
            return _sale(sim, request, account, sale_id)
        case ("GET", ["v2", "payments"]):
            return Answer(body=_page(request, []))
        case ("POST", ["v2", "webhooks"]):
            return _subscribe(request, account)
    raise Refused(404, {"type": "about:blank", "title": "Not Found", "status": 404})


def _error(status: int, code: str, message: str, errors: dict[str, list[str]] | None = None) -> Refused:
    return Refused(status, {"code": code, "message": message, "errors": errors or {}})


# Sign-in.
def _authorize(sim: "Simulator", request: Request) -> Answer:
    """A seller who always consents: straight back with a code."""
    query = request.query
    if not query.get("redirect_uri") or query.get("response_type") != "code":
        raise _error(400, "invalid_request", "redirect_uri and response_type=code are required")
    code = uuid.uuid4().hex
    sim.state.codes[code] = {
        "redirect_uri": query["redirect_uri"], "challenge": query.get("code_challenge", ""),
        "client_id": query.get("client_id", ""),
    }  # fmt: skip
    target = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query.get('state', '')})}"
    return Answer(302, None, {"Location": target})


def _token(sim: "Simulator", request: Request) -> Answer:
    form = request.form()
    if not request.headers.get("authorization", "").startswith("Basic "):
        raise _error(401, "invalid_client", "client authentication failed")
    if form.get("grant_type") == "authorization_code":
        account = _by_code(sim, form)
    elif form.get("grant_type") == "refresh_token":
        account = _by_refresh(sim, form.get("refresh_token", ""))
    else:
        raise _error(400, "unsupported_grant_type", "use authorization_code or refresh_token")
    return Answer(
        body={
            "access_token": account.access_token, "token_type": "bearer", "expires_in": ACCESS_LIFE_S,
            "refresh_token": account.refresh_token, "scope": "",
        }
    )  # fmt: skip


def _by_code(sim: "Simulator", form: dict[str, str]) -> Account:
    kept = sim.state.codes.pop(form.get("code", ""), None)
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if kept is None or kept["redirect_uri"] != form.get("redirect_uri"):
        raise _error(400, "invalid_grant", "the code is not good")
    if kept["challenge"] and kept["challenge"] != challenge:
        raise _error(400, "invalid_grant", "the code verifier does not fit")
    return sim.state.account_make(PLATFORM, life_s=ACCESS_LIFE_S)


def _by_refresh(sim: "Simulator", token: str) -> Account:
    """Single use: a spent one is refused."""
    account = next((a for a in sim.state.accounts if a.platform == PLATFORM and a.refresh_token == token), None)
    if not token or account is None:
        raise _error(400, "invalid_grant", "the refresh token is spent or unknown")
    sim.state.spent_refresh.append(token)
    account.access_token, account.refresh_token = uuid.uuid4().hex, uuid.uuid4().hex
    account.expires_at = (utc_now() + timedelta(seconds=ACCESS_LIFE_S)).isoformat()
    return account


# Events.
def _event_body(sim: "Simulator", event_id: str) -> dict[str, Any]:
    event = sim.state.events[event_id]
    asks = [Decimal(str(row["price"])) for row in sim.state.market.get(event_id, ())]
    asks += [
        Decimal(x.price) for x in sim.state.listings if x.platform == PLATFORM and x.event_id == event_id and x.shown
    ]
    lowest = {"min_ticket_price": _money(min(asks))} if asks else {}
    return {
        "id": int(event.id), "name": event.name, "start_date": event.starts_at, "date_confirmed": True, **lowest,
        "_embedded": {"venue": {"name": event.venue}}, "_links": {},
    }  # fmt: skip


def _search(sim: "Simulator", request: Request) -> Answer:
    words = set(request.query.get("q", "").casefold().split())
    day = request.query.get("dateLocal", "")[:10]
    found = [
        _event_body(sim, event.id)
        for event in sim.state.events.values()
        if (not day or event.local_date == day) and words & set(event.name.casefold().split())
    ]
    return Answer(body=_page(request, found))


def _event(sim: "Simulator", event_id: str) -> Answer:
    if event_id not in sim.state.events:
        raise Refused(404, {"title": "Not Found", "status": 404})
    return Answer(body=_event_body(sim, event_id))


def _requested_event(sim: "Simulator", request: Request) -> str:
    """A listing that names its event in words: found, or refused (the real platform would map it later)."""
    body = request.json()
    name = str((body.get("event") or {}).get("name", ""))
    for event in sim.state.events.values():
        if event.name.casefold() == name.casefold():
            return event.id
    raise _error(400, "validation_failed", "unknown event", {"event.name": ["The event is not known."]})


def _constraints() -> dict[str, Any]:
    return {
        "min_ticket_price": _money(LOWEST), "max_ticket_price": _money(HIGHEST), "min_number_of_tickets": 1,
        "max_number_of_tickets": 50, "seats_required": True, "ticket_location_required": False,
        "_embedded": {
            "split_types": [{"type": split} for split in SPLITS],
            "ticket_types": [{"type": kind} for kind in TICKET_TYPES],
        },
        "_links": {},
    }  # fmt: skip


# Listings.
def _money(value: Decimal) -> dict[str, Any]:
    return {"amount": value.quantize(Decimal("0.01")), "currency_code": "USD"}


def _draft(sim: "Simulator", request: Request, account: Account, event_id: str) -> Listing:
    body = request.json()
    errors = _errors(body)
    if event_id not in sim.state.events:
        raise _error(404, "not_found", "unknown event")
    if errors:
        raise _error(400, "validation_failed", "the listing is not valid", errors)
    seating, moment = body["seating"], utc_now().isoformat()
    first = int(seating["seat_from"])
    return Listing(
        id=sim.state.new_id(), platform=PLATFORM, account_id=account.id, external_id=body.get("external_id") or "",
        event_id=event_id, section=seating["section"], row=seating.get("row") or "",
        seats=list(range(first, first + int(body["number_of_tickets"]))), price=str(body["ticket_price"]["amount"]),
        split=body["split_type"], active=bool(body.get("published", True)), created_at=moment, updated_at=moment,
    )  # fmt: skip


def _errors(body: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if body.get("ticket_type") not in TICKET_TYPES:
        found["seller_listing.ticket_type"] = ["Invalid ticket type"]
    if body.get("split_type") not in SPLITS:
        found["seller_listing.split_type"] = ["Invalid split type"]
    price = Decimal(str((body.get("ticket_price") or {}).get("amount", 0)))
    if not LOWEST <= price <= HIGHEST:
        found["seller_listing.ticket_price"] = [f"Must be between {LOWEST} and {HIGHEST}"]
    seating = body.get("seating") or {}
    if not (seating.get("section") and str(seating.get("seat_from", "")).isdigit()):
        found["seller_listing.seating"] = ["Section and seats are required"]
    return found


def _create(sim: "Simulator", request: Request, account: Account, event_id: str) -> Answer:
    listing = _draft(sim, request, account, event_id)
    old = sim.state.listing_find(PLATFORM, listing.external_id, account) if listing.external_id else None
    if old is not None:
        old.active = False  # the real platform deletes and creates anew: a retry is not a no-op
    sim.state.listings.append(listing)
    return Answer(201, _listing_body(sim, listing))


def _listing_body(sim: "Simulator", listing: Listing) -> dict[str, Any]:
    price = Decimal(listing.price)
    return {
        "id": listing.id, "created_at": listing.created_at, "updated_at": listing.updated_at,
        "number_of_tickets": len(listing.seats), "external_id": listing.external_id,
        "seating": _seating(listing.section, listing.row, listing.seats), "ticket_price": _money(price),
        "ticket_proceeds": _money(price - sim.state.fee_of(PLATFORM, price)), "undeliverable": False,
        "_embedded": {"event": {"id": int(listing.event_id)}}, "_links": {},
    }  # fmt: skip


def _seating(section: str, row: str, seats: list[int]) -> dict[str, Any]:
    ends = {"seat_from": str(seats[0]), "seat_to": str(seats[-1])} if seats else {}
    return {"section": section, "row": row, **ends}


def _listing(sim: "Simulator", request: Request, account: Account, key: str) -> Answer:
    listing = sim.state.listing_find(PLATFORM, key, account)
    if listing is not None and request.method == "DELETE" and listing.sold_seats and not listing.seats:
        raise _error(403, "invalid_delete", "The listing has been sold.")
    if listing is None or not listing.shown:
        raise Refused(404, {"title": "Not Found", "status": 404})
    if request.method == "DELETE":
        listing.active, listing.updated_at = False, utc_now().isoformat()
        return Answer(204)
    if request.method == "PATCH":
        _patch(listing, request.json())
    return Answer(body=_listing_body(sim, listing))


def _patch(listing: Listing, body: dict[str, Any]) -> None:
    if "ticket_price" in body:
        price = Decimal(str(body["ticket_price"]["amount"]))
        if not LOWEST <= price <= HIGHEST:
            raise _error(400, "validation_failed", "price", {"seller_listing.ticket_price": ["Out of range"]})
        listing.price = str(price)
    if "number_of_tickets" in body:
        first = int(body["seating"]["seat_from"])
        wanted = list(range(first, first + int(body["number_of_tickets"])))
        listing.seats = [seat for seat in wanted if seat not in listing.sold_seats]
    if body.get("published") is False:
        listing.active = False
    listing.updated_at = utc_now().isoformat()


def _page(request: Request, items: list[dict[str, Any]]) -> dict[str, Any]:
    page, size = int(request.query.get("page", "1")), int(request.query.get("page_size", "100"))
    shown = items[(page - 1) * size : page * size]
    links = {"next": {"href": "?page", "templated": False}} if page * size < len(items) else {}
    return {
        "total_items": len(items), "page": page, "page_size": size, "_embedded": {"items": shown}, "_links": links,
    }  # fmt: skip


def _listings(sim: "Simulator", request: Request, account: Account) -> Answer:
    own = [x for x in sim.state.listings if x.platform == PLATFORM and x.account_id == account.id and x.shown]
    return Answer(body=_page(request, [_listing_body(sim, listing) for listing in own]))


# Sales.
def sale_body(sim: "Simulator", sale: Sale) -> dict[str, Any]:
    """A Sale resource, as GET answers it and webhooks embed it."""
    created = utc_now()
    return {
        "id": int(sale.id), "created_at": sale.created_at, "number_of_tickets": len(sale.seats), "status": sale.status,
        "seating": _seating(sale.section, sale.row, sale.seats if sale.tells_seats else []),
        "proceeds": _money(sale.gross - sim.state.fee_of(PLATFORM, sale.gross)),
        "external_listing_id": sale.external_id, "confirm_by": (created + timedelta(hours=24)).isoformat(),
        "ship_by": (created + timedelta(hours=48)).isoformat(),
        "_embedded": {
            "event": {"id": int(sale.event_id)},
            "seller_listing": {"id": sale.listing_id, "external_id": sale.external_id,
                               "ticket_price": _money(Decimal(sale.price))},
        },
        "_links": {},
    }  # fmt: skip


def _sales(sim: "Simulator", request: Request, account: Account) -> Answer:
    since = request.query.get("updated_since", "").replace(" ", "+")
    own = [
        s for s in sim.state.sales if s.platform == PLATFORM and s.account_id == account.id and s.updated_at >= since
    ]
    own.sort(key=lambda sale: sale.updated_at)
    return Answer(body=_page(request, [sale_body(sim, sale) for sale in own]))


def _sale(sim: "Simulator", request: Request, account: Account, sale_id: str) -> Answer:
    sale = sim.state.sale_find(PLATFORM, sale_id, account)
    if sale is None:
        raise Refused(404, {"title": "Not Found", "status": 404})
    if request.method == "DELETE":
        sim.state.sale_move(sale, "Cancelled")
        return Answer(204)
    if request.method == "PATCH":
        body = request.json()
        if body.get("confirmed") and sale.status == "ConfirmSale":
            sim.state.sale_move(sale, "TransferTDT")
        elif body.get("transfer_confirmation_number") or body.get("eticket_urls"):
            sim.state.sale_move(sale, "ProcessingTransfer")
    return Answer(body=sale_body(sim, sale))


def sold(sim: "Simulator", listing: Listing, seats: list[int], *, provisional: bool, tells_seats: bool) -> Sale:
    """A buyer bought: the sale, and its webhook."""
    status = "UnderReview" if provisional else "ConfirmSale"
    sale = sim.state.sale_make(listing, seats, status, tells_seats=tells_seats)
    announce(sim, sale, "ProvisionalSale" if provisional else "Sales")
    return sale


def announce(sim: "Simulator", sale: Sale, topic: str) -> None:
    """Send a sale's webhook under a topic."""
    account = next(a for a in sim.state.accounts if a.id == sale.account_id)
    body = {
        "topic": topic, "action": "Created", "_links": {}, "barcodes": [],
        "_embedded": {"sale": sale_body(sim, sale), "seller_listing": {"external_id": sale.external_id}},
    }  # fmt: skip
    sim.notify(account, {"Authorization": account.webhook_header}, body)


def advance(sim: "Simulator", sale: Sale, *, cancel: bool) -> None:
    """A provisional sale is paid, or falls through."""
    sim.state.sale_move(sale, "Cancelled" if cancel else "ConfirmSale")
    announce(sim, sale, "CancelProvisionalSale" if cancel else "Sales")


def _subscribe(request: Request, account: Account) -> Answer:
    body = request.json()
    account.webhook_url = body.get("url") or ""
    account.webhook_header = body.get("authorization_header") or ""
    account.webhook_topics = list(body.get("topics") or ())
    return Answer(201, {"id": int(account.id), "url": account.webhook_url, "topics": account.webhook_topics})
