"""Ticketmaster's dialect: consent, Discovery and Inventory Status as published, and a selling port of our own."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from marketplaces.simulator import delivery, oauth, sales
from marketplaces.simulator.desk import Desk, routes
from marketplaces.simulator.dialects.ticketmaster import views
from marketplaces.simulator.http import Refusal, Request, Response, render
from marketplaces.simulator.rules import PayoutRule, Rules, Words
from marketplaces.simulator.state import Account, Event, Ledger, Listing, Sale, Subscription, stamp, to_cents
from marketplaces.simulator.webhooks import Outbox

PLATFORM = "ticketmaster"
_RULES = Rules(
    key=PLATFORM,
    words=Words("new", "new", "confirmed", "transferring", "completed", "rejected", "cancelled"),
    # The seller's fee is not published.
    fee_percent=10.0, fee_per_ticket=True, knows_provisional=False, webhook_retries=5, webhook_retry_s=30.0,
    payout=PayoutRule("after_delivery", 7),
)  # fmt: skip
_SPLITS = {"any": "Any", "none": "None", "pairs": "Pairs", "avoid_one": "AvoidOne",
           "avoid_one_and_three": "AvoidOneAndThree"}  # fmt: skip
_REQUIRED = ("section", "row", "seats", "price", "split")
_WRITABLE = frozenset({*_REQUIRED, "event_id", "event", "delivery", "in_hand_on", "face_value", "notes"})
_TYPES = {"sold": "order.created", "cancelled": "order.cancelled", "retransfer": "order.transfer_problem"}
_STANDING = frozenset({"active", "hidden"})
_KEYED = ("/discovery/", "/inventory-status/")
# Discovery's, as published: events of a page, how deep its pages go, and calls of a key a day.
_LARGEST_PAGE, _DEEPEST, _CALLS_A_DAY = 500, 1000, 5000
_QUOTA, _DAY_S = "policies.ratelimit.QuotaViolation", 86_400


class Ticketmaster(Desk):
    """Answers requests under /ticketmaster. The caller holds the lock."""

    rules: ClassVar[Rules] = _RULES

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        super().__init__(ledger, outbox)
        # Calls of each key, by the day.
        self._calls: Counter[tuple[str, int]] = Counter()

    def grant(self, account: Account, client_id: str, now: float, *, scope: str) -> dict[str, Any]:
        """Fresh tokens, as the token endpoint answers them."""
        return oauth.grant(self.ledger, account.id, client_id, now, scope=scope)

    def account_of(self, request: Request, now: float) -> Account | None:
        """The account whose grant the request carries; None where a key or nothing is asked for. Raises Refusal."""
        if request.path.startswith("/oauth/"):
            return None
        if request.path.startswith(_KEYED):
            if not request.query.get("apikey"):
                raise Refusal(401, "Invalid ApiKey", code="oauth.v2.InvalidApiKey")
            return None
        return oauth.bearer(self.ledger, PLATFORM, request, now)

    def handle(self, request: Request, account: Account | None, now: float) -> Response:
        """Carry out one request. Raises Refusal."""
        if request.path == "/oauth/authorize" and request.method == "GET":
            return oauth.authorize(self.ledger, PLATFORM, request, now)
        if request.path == "/oauth/token" and request.method == "POST":
            return oauth.token(self.ledger, request, now, single_use=False)
        if request.path.startswith("/discovery/v2/events") and request.method == "GET":
            told = self._counted(request, now)
            response = self._discovered(request)
            response.headers.update(told)
            return response
        if request.path == "/inventory-status/v1/availability" and request.method == "GET":
            return self.availability(request)
        return self._routed(_ROUTES, request, account, now)

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """Every listing has a key there; one of the platform's own where its seller gave none."""
        listing.external_id = listing.external_id or f"tm-{listing.id}"
        super().by_hand(listing, event, now)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """The refusal: OAuth's words for consent, the gateway's for published services, the port's own else."""
        if request.path.startswith("/oauth/"):
            return Response(refusal.status, {"error": refusal.code, "error_description": refusal.message})
        if request.path.startswith(_KEYED):
            detail = {"errorcode": refusal.code}
            return Response(refusal.status, {"fault": {"faultstring": refusal.message, "detail": detail}})
        error = {"code": refusal.code or "refused", "message": refusal.message, "fields": refusal.errors}
        return Response(refusal.status, {"error": error})

    # What is published.
    def _counted(self, request: Request, now: float) -> dict[str, str]:
        """Count a call of a key, and say how many of its day are left. Raises Refusal(429) where none was."""
        day = int(now // _DAY_S)
        key = request.query["apikey"]
        if self._calls[key, day] >= _CALLS_A_DAY:
            # With two spaces, as published.
            raise Refusal(429, f"Rate limit quota violation. Quota limit  exceeded. Identifier : {key}", code=_QUOTA)
        self._calls[key, day] += 1
        return {
            "Rate-Limit": f"{_CALLS_A_DAY}", "Rate-Limit-Available": f"{_CALLS_A_DAY - self._calls[key, day]}",
            "Rate-Limit-Over": "0", "Rate-Limit-Reset": f"{(day + 1) * _DAY_S * 1000}",
        }  # fmt: skip

    def _discovered(self, request: Request) -> Response:
        if request.path == "/discovery/v2/events.json":
            return self.discover(request)
        key = request.path.rpartition("/")[2].removesuffix(".json")
        return Response(200, views.event(self._event(key)))

    def discover(self, request: Request) -> Response:
        """Events whose name or venue shares a word with `keyword`, that start between two moments."""
        query = request.query
        first, last = query.get("startDateTime", ""), query.get("endDateTime", "") or "9999"
        liked = self._events_like(query.get("keyword", ""), "", "")
        found = [item for item in liked if first <= stamp(item.starts_at) <= last]
        size, number = min(_LARGEST_PAGE, int(query.get("size") or 20)), int(query.get("page") or 0)
        if size * number >= _DEEPEST:
            raise Refusal(400, f"size * page must be less than {_DEEPEST}", code="TooDeep")
        shown = found[number * size : (number + 1) * size]
        page = {"size": size, "totalElements": len(found), "totalPages": -(-len(found) // size), "number": number}
        # An answer without events has no _embedded at all.
        events = {"_embedded": {"events": [views.event(item) for item in shown]}} if shown else {}
        return Response(200, {**events, "page": page})

    def availability(self, request: Request) -> Response:
        """Whether primary tickets are left; nobody here sells any."""
        known = {str(item.id) for item in self._events()}
        asked = [key for key in request.query.get("events", "").split(",") if key]
        if len(asked) > 1000:
            raise Refusal(400, "at most 1000 events", code="TooManyEvents")
        return Response(
            200,
            [{"eventId": key, "status": "TICKETS_NOT_AVAILABLE" if key in known else "UNKNOWN"} for key in asked],
        )  # fmt: skip

    # The port: listings.
    def constraints(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Of an event, by its id or in words; of one that nobody knows, the usual ones."""
        return Response(200, views.constraints(self._meant(request.json())))

    def preview(self, request: Request, account: Account, now: float, _: str) -> Response:
        """What a listing would bring; nothing is kept."""
        return Response(200, views.listing(self.ledger, self._listing(request.json(), account, "", now, None)))

    def put(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Create or replace under the seller's key."""
        old = self.ledger.listing_find(PLATFORM, account.id, key)
        if old is not None and old.state == "sold":
            raise Refusal(409, "a listing with this key was sold", code="sold")
        standing = old if old is not None and old.state in _STANDING else None
        made = self._listing(request.json(), account, key, now, standing)
        self.ledger.listing_add(made)
        return Response(200 if standing else 201, views.listing(self.ledger, made))

    def patch(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Change price or seats."""
        listing, body = self._own(account, key), request.json()
        if not body or set(body) - {"price", "seats"}:
            raise _bad(_unknown(body, {"price", "seats"}) or {"price": ["nothing to change"]})
        event = self.ledger.event_at(PLATFORM, listing.event_id)
        price = _price(body["price"], event) if "price" in body else listing.price_cents
        if "seats" in body:
            listing.seats = _seats(body["seats"])
            listing.quantity = len(listing.seats)
        listing.price_cents, listing.updated_at = price, now
        return Response(200, views.listing(self.ledger, listing))

    def delete(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Take down."""
        listing = self._own(account, key)
        listing.state, listing.updated_at = "deleted", now
        return Response(204)

    def show(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One listing that stands."""
        listing = self.ledger.listing_find(PLATFORM, account.id, key)
        if listing is None or listing.state not in _STANDING:
            raise Refusal(404, "no such listing", code="not_found")
        return Response(200, views.listing(self.ledger, listing))

    def listings(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's standing listings, by cursor."""
        own = [i for i in self.ledger.listings.values() if i.account_id == account.id and i.state in _STANDING]
        return self._page(request, "listings", own, lambda item: views.listing(self.ledger, item))

    # The port: orders and payouts.
    def orders(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Orders that changed since a moment, by cursor."""
        since = request.query.get("updated_since", "")
        own = [
            item for item in self.ledger.sales.values()
            if item.account_id == account.id and datetime.fromisoformat(stamp(item.updated_at)) >= _moment(since)
        ]  # fmt: skip
        return self._page(request, "orders", own, views.order)

    def order(self, request: Request, account: Account, now: float, key: str) -> Response:
        """One order."""
        return Response(200, views.order(self._order(account, key)))

    def act(self, request: Request, account: Account, now: float, path: str) -> Response:
        """Confirm, reject or hand over."""
        key, _, what = path.partition("/")
        sale = self._order(account, key)
        if what == "confirm":
            sales.confirm(sale, now)
        elif what == "reject":
            sales.reject(sale, now)
        elif not request.json().get("confirmation"):
            raise _bad({"confirmation": ["is missing"]})
        else:
            proof = {"confirmation": str(request.json()["confirmation"])}
            delivery.hand_over(sale, "mobile_transfer", proof, now)
        return Response(200, views.order(sale))

    def payouts(self, request: Request, account: Account, now: float, _: str) -> Response:
        """Payouts since a day, by cursor."""
        since = request.query.get("since", "")
        own = [
            item for item in self.ledger.payments.values()
            if item.account_id == account.id and stamp(item.created_at)[:10] >= since
        ]  # fmt: skip
        return self._page(request, "payouts", own, lambda item: views.payout(self.ledger, item))

    def subscribe(self, request: Request, account: Account, now: float, _: str) -> Response:
        """The account's one webhook."""
        body = request.json()
        made = Subscription(
            self.ledger.new_id(), PLATFORM, account.id, str(body["url"]), str(body["secret"]), sorted(_TYPES.values()),
            created_at=now,
        )  # fmt: skip
        for old in [key for key, item in self.ledger.subscriptions.items() if item.account_id == account.id]:
            del self.ledger.subscriptions[old]
        self.ledger.subscriptions[made.id] = made
        return Response(200, {"id": str(made.id)})

    def unsubscribe(self, request: Request, account: Account, now: float, key: str) -> Response:
        """Remove the account's webhook, if it is still that one."""
        held = self.ledger.subscriptions.get(int(key))
        if held is None or held.account_id != account.id:
            raise Refusal(404, "no such webhook", code="not_found")
        del self.ledger.subscriptions[held.id]
        return Response(204)

    def tell(self, sale: Sale, what: str, now: float) -> None:
        """Queue an order's webhook, signed."""
        kind = _TYPES.get(what)
        for held in self.ledger.subscriptions.values():
            if held.account_id != sale.account_id or kind is None:
                continue
            body = render({"id": str(self.ledger.new_id()), "type": kind, "order": views.order(sale)})
            proof = hmac.new(held.secret.encode(), body.encode(), hashlib.sha256).hexdigest()
            headers = {"Content-Type": "application/json", "X-Resale-Signature": f"sha256={proof}"}
            self.outbox.put(
                platform=PLATFORM, account_id=sale.account_id, url=held.url, headers=headers, body=body, topic=kind,
                now=now,
            )  # fmt: skip

    # Finding and reading.

    def _event(self, key: str) -> Event:
        found = next((item for item in self._events() if str(item.id) == key), None)
        if found is None:
            raise Refusal(404, "no such event", code="not_found")
        return found

    def _page(
        self, request: Request, key: str, items: Sequence[Any], view: Callable[[Any], dict[str, Any]]
    ) -> Response:
        size = min(200, max(1, int(request.query.get("limit") or 100)))
        after = int(request.query.get("cursor") or 0)
        left = sorted((item for item in items if item.id > after), key=lambda item: int(item.id))
        following = str(left[size - 1].id) if len(left) > size else None
        return Response(200, {key: [view(item) for item in left[:size]], "next": following})

    def _own(self, account: Account, key: str) -> Listing:
        found = self.ledger.listing_find(PLATFORM, account.id, key)
        if found is not None and found.state == "sold":
            raise Refusal(409, "the listing is sold", code="sold")
        if found is None or found.state not in _STANDING:
            raise Refusal(404, "no such listing", code="not_found")
        return found

    def _order(self, account: Account, key: str) -> Sale:
        return self._sale_of(account, key, Refusal(404, "no such order", code="not_found"))

    def _listing(self, body: dict[str, Any], account: Account, key: str, now: float, old: Listing | None) -> Listing:
        missing = {name: ["is missing"] for name in _REQUIRED if body.get(name) in (None, "", [])}
        if missing or set(body) - _WRITABLE:
            raise _bad({**missing, **_unknown(body, _WRITABLE)})
        event = self._meant(body)
        seats = _seats(body["seats"])
        if body["split"] not in _SPLITS:
            raise _bad({"split": [f"is one of {', '.join(_SPLITS)}"]})
        return Listing(
            id=old.id if old else self.ledger.new_id(), platform=PLATFORM, account_id=account.id, external_id=key,
            event_id=event.id if event else 0, section=str(body["section"]), row=str(body["row"]), seats=seats,
            quantity=len(seats), price_cents=_price(body["price"], event), currency="USD",
            split=_SPLITS[body["split"]], created_at=old.created_at if old else now, updated_at=now,
            looks=old.looks if old else 0, extra={name: body[name] for name in ("in_hand_on",) if name in body},
        )  # fmt: skip

    def _meant(self, body: dict[str, Any]) -> Event | None:
        """The event that is meant, by id or by name and day; None while nobody has mapped it."""
        if body.get("event_id"):
            return self._event(str(body["event_id"]))
        named = body.get("event") or {}
        return self._event_called(str(named.get("name", "")), str(named.get("local_start", ""))[:10])


def _bad(errors: dict[str, list[str]]) -> Refusal:
    return Refusal(422, "the request is not valid", code="invalid", errors=errors)


def _unknown(body: dict[str, Any], known: frozenset[str] | set[str]) -> dict[str, list[str]]:
    return {name: ["is not known"] for name in sorted(set(body) - known)}


def _price(value: Any, event: Event | None) -> int:
    cents = to_cents(value["amount"])
    lowest, highest = (event.min_price_cents, event.max_price_cents) if event else (1, 10_000_000)
    if value.get("currency") != "USD" or not lowest <= cents <= highest:
        raise _bad({"price": [f"is in USD, from {lowest / 100:.2f} to {highest / 100:.2f}"]})
    return cents


def _seats(value: Any) -> list[int]:
    seats = sorted(int(seat) for seat in value)
    if not seats or seats != list(range(seats[0], seats[0] + len(seats))):
        raise _bad({"seats": ["are numbers side by side"]})
    return seats


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text or "1970-01-01T00:00:00Z")


_ROUTES = routes(
    ("POST", r"/constraints", Ticketmaster.constraints),
    ("POST", r"/listings/preview", Ticketmaster.preview),
    ("GET", r"/listings", Ticketmaster.listings),
    ("PUT", r"/listings/([^/]+)", Ticketmaster.put),
    ("PATCH", r"/listings/([^/]+)", Ticketmaster.patch),
    ("DELETE", r"/listings/([^/]+)", Ticketmaster.delete),
    ("GET", r"/listings/([^/]+)", Ticketmaster.show),
    ("GET", r"/orders", Ticketmaster.orders),
    ("GET", r"/orders/([^/]+)", Ticketmaster.order),
    ("POST", r"/orders/([^/]+)/(confirm|reject|transfer)", Ticketmaster.act),
    ("GET", r"/payouts", Ticketmaster.payouts),
    ("PUT", r"/webhook", Ticketmaster.subscribe),
    ("DELETE", r"/webhook/(\d+)", Ticketmaster.unsubscribe),
    under="/resale/v1",
)
