"""The control addresses under /_sim: what a test or a demonstration does to the simulated world."""

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketplaces.simulator import delivery, endings, moves, payments, prints, sales
from marketplaces.simulator.dialects import platforms, rules_of
from marketplaces.simulator.http import MALFORMED, Refusal, Request, Response
from marketplaces.simulator.journal import journal_id
from marketplaces.simulator.state import (
    Account,
    Event,
    Listing,
    Offer,
    Sale,
    Settings,
    as_row,
    from_cents,
    to_cents,
)

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator

PREFIX = "/_sim"
_AMOUNTS = ("min_price", "max_price")
# Settings that are told platform by platform, with what their values are.
_BY_PLATFORM: dict[str, Callable[[Any], Any]] = {
    "fee_percent": float, "webhook_retries": int, "webhook_retry_s": float, "payout": payments.rule_read,
}  # fmt: skip


def handle(simulator: "Simulator", request: Request, now: float) -> Response:
    """One control request. Raises Refusal."""
    if request.method == "GET":
        reader = _READS.get(request.path)
        if reader is None:
            raise Refusal(404, f"read one of: {', '.join(_READS)}")
        try:
            return Response(200, reader(simulator, request))
        except MALFORMED as error:
            raise Refusal(400, str(error)) from error
    action = _ACTIONS.get(request.path)
    if action is None or request.method != "POST":
        raise Refusal(404, f"post to one of: {', '.join(_ACTIONS)}")
    # A page in a browser cannot send this type to another origin unasked.
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal(415, "control requests are application/json")
    try:
        return Response(200, action(simulator, request.json(), now))
    except MALFORMED as error:
        raise Refusal(400, f"{type(error).__name__}: {error}") from error


def _reset(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    simulator.reset(int(body.get("seed", 1)))
    return {"ok": True}


def _seed(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    simulator.ledger.seed = int(body["seed"])
    simulator.ledger.random.seed(simulator.ledger.seed)
    return {"seed": simulator.ledger.seed}


def _settings(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    current = simulator.ledger.settings
    kinds = {item.name: type(getattr(current, item.name)) for item in fields(Settings)}
    if set(body) - set(kinds):
        raise Refusal(400, f"settings are {', '.join(sorted(kinds))}")
    for name, value in body.items():
        # By platform: what is not named stays.
        if name in _BY_PLATFORM:
            numbers = {_platform({"platform": key}): _BY_PLATFORM[name](item) for key, item in dict(value).items()}
            setattr(current, name, {**getattr(current, name), **numbers})
        else:
            setattr(current, name, kinds[name](value))
    return asdict(current)


def _faults(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"clear": true} and/or {"add": [fault, ...]}; answers the faults in force."""
    if body.get("clear"):
        simulator.faults.items.clear()
    for values in body.get("add", []):
        simulator.faults.add(values)
    return {"faults": simulator.faults.dump()}


def _accounts(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """Create or change an account, named by account_id or by its token; answers it with working tokens."""
    ledger, platform = simulator.ledger, _platform(body)
    account = _account(simulator, platform, str(body.get("account_id") or ""), str(body.get("token") or ""))
    account.token = str(body.get("token") or account.token or ledger.new_secret("token"))
    for name in ("webhook_url", "webhook_secret"):
        setattr(account, name, str(body.get(name, getattr(account, name))))
    account.rate_per_s = float(body.get("rate_per_s", account.rate_per_s))
    account.burst = float(body.get("burst", account.burst))
    client_id = str(body.get("client_id") or "seatsync-paper")
    if body.get("client_secret"):
        ledger.clients[client_id] = str(body["client_secret"])
    made: dict[str, Any] = {"account_id": account.id, "platform": platform}
    dialect = simulator.platforms[platform]
    return made | dialect.grant(account, client_id, now, scope=str(body.get("scope", "")))


def _account(simulator: "Simulator", platform: str, account_id: str, token: str) -> Account:
    """The account of that id, else of that token, else a new one. Raises Refusal(409) for another platform's."""
    ledger = simulator.ledger
    held = ledger.accounts.get(account_id)
    if held is None and token and not account_id:
        held = next((one for one in ledger.accounts.values() if (one.platform, one.token) == (platform, token)), None)
    if held is None:
        held = Account(account_id or f"{platform}-{ledger.new_id()}", platform, token)
        ledger.accounts[held.id] = held
    if held.platform != platform:
        raise Refusal(409, f"{held.id} is an account at {held.platform}")
    return held


def _expire(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"platform": "stubhub"}: every access token ends now; answers how many."""
    accounts, ended = simulator.ledger.accounts, 0
    for token in simulator.ledger.tokens.values():
        if token.kind == "access" and accounts[token.account_id].platform == _platform(body):
            token.expires_at = now
            ended += 1
    return {"ended": ended}


def _events(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"events": [{name, venue, starts_at, ...}]}: register, or change by event_id (or id); answers their ids."""
    return {"events": [_event(simulator, item) for item in body["events"]]}


def _event(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    ledger, values = simulator.ledger, dict(body)
    start = _start(values.pop("starts_at"), str(values.pop("timezone", "UTC")))
    starts_at = start.pop("starts_at")
    values = {**start, **values}
    for name in _AMOUNTS:
        if name in values:
            values[f"{name}_cents"] = to_cents(values.pop(name))
    key = values.pop("id", 0)
    event = Event(id=int(values.pop("event_id", key)) or ledger.new_id(), starts_at=starts_at, **values)
    ledger.events[event.id] = event
    return {"event_id": event.id, "name": event.name}


def _start(text: Any, zone: str) -> dict[str, Any]:
    """A start as an event's fields."""
    start = datetime.fromisoformat(str(text))
    moment = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
    day, clock = _local(moment, zone)
    return {"starts_at": moment, "local_date": day, "local_time": clock}


def _local(moment: float, zone: str) -> tuple[str, str]:
    try:
        local = datetime.fromtimestamp(moment, ZoneInfo(zone))
    except ZoneInfoNotFoundError as error:
        raise Refusal(400, f"{zone!r} is no time zone") from error
    return local.date().isoformat(), local.strftime("%H:%M:%S")


def _market(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"event_id", "platform"?, "listings" or "asks": [{section, row, quantity, price, id?}]}."""
    ledger, event_id = simulator.ledger, int(body["event_id"])
    offered = body["asks"] if "asks" in body else body["listings"]
    platform = _platform(body) if body.get("platform") else ""
    for key in [key for key, item in ledger.offers.items() if (item.event_id, item.platform) == (event_id, platform)]:
        del ledger.offers[key]
    for item in offered:
        offer = Offer(
            str(item.get("id") or f"m{ledger.new_id()}"), platform, event_id, str(item["section"]),
            str(item.get("row", "")), int(item["quantity"]), to_cents(item["price"]),
        )  # fmt: skip
        ledger.offers[offer.id] = offer
    return {"listings": len(offered)}


def _sell(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"platform", "external_id" or "listing_id", "quantity"? (all), "seats"?, "provisional"?}: a buyer buys."""
    listing = _listing(simulator, body)
    seats = [int(seat) for seat in body.get("seats") or []]
    quantity = int(body.get("quantity") or len(seats) or listing.quantity)
    sale = sales.sell(
        simulator.ledger, listing, quantity=quantity, seats=seats,
        provisional=bool(body.get("provisional")), now=now, tell=simulator.tell,
    )  # fmt: skip
    return _sale_body(sale)


def _by_hand(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"platform", "account_id" or "token", "event_id", "section", "row", "seats", "price", "external_id"?, "split"?}.

    A listing that the seller made on the platform's own page. Without seats: "quantity", unnumbered. "delivery"?: what
    its tickets are ("mobile_transfer"; "" tells nothing of it).
    """
    ledger, platform = simulator.ledger, _platform(body)
    account = _account(simulator, platform, str(body.get("account_id") or ""), str(body.get("token") or ""))
    event = ledger.events.get(int(body["event_id"]))
    if event is None:
        raise Refusal(404, "no such event")
    seats = sorted(int(seat) for seat in body.get("seats") or [])
    made = Listing(
        id=ledger.new_id(), platform=platform, account_id=account.id, external_id=str(body.get("external_id") or ""),
        event_id=event.id, section=str(body["section"]), row=str(body["row"]), seats=seats,
        quantity=len(seats) or int(body["quantity"]), price_cents=to_cents(body["price"]), currency="USD",
        split=str(body.get("split") or "Any"), created_at=now, updated_at=now,
        ticket_type=_ticket_type(platform, str(body.get("delivery", "mobile_transfer"))),
    )  # fmt: skip
    simulator.platforms[platform].by_hand(made, event, now)
    ledger.showings_note(account.id, now)
    return as_row(made)


def _ticket_type(platform: str, delivery: str) -> str:
    """The platform's word for tickets of this kind; the usual kind has none where it sells no other."""
    words = [word for word, kind in rules_of(platform).delivery_of.items() if kind == delivery]
    if not words and delivery not in {"", "mobile_transfer"}:
        raise Refusal(400, f"{platform} sells no {delivery}")
    return words[0] if words else ""


def _advance(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"sale_id", "to"?: "sold" | "cancelled" | "complete", "cancel"?}: what the platform does to a sale."""
    sale = _sale(simulator, body)
    step = "cancelled" if body.get("cancel") else str(body.get("to", "sold"))
    if step == "sold":
        sales.settle(sale, now, simulator.tell)
    elif step == "cancelled":
        sales.cancel(simulator.ledger, sale, now, simulator.tell)
    elif step == "complete":
        sales.complete(sale, now)
    else:
        raise Refusal(400, "to is sold, cancelled or complete")
    return _sale_body(sale)


def _pay(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"platform"}: pay what was handed over, less what is charged, without waiting for the calendar."""
    made = payments.pay(simulator.ledger, _platform(body), now)
    return {"payments": [asdict(payment) for payment in made]}


def _bounce(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"payment_id", "days"?: 7}: the seller's bank sent it back; it is paid anew no sooner than so many days later."""
    found = simulator.ledger.payments.get(int(body["payment_id"]))
    if found is None:
        raise Refusal(404, "no such payment")
    days = float(body.get("days", 7))
    if days < 0:
        raise Refusal(400, "days must not be negative")
    payments.give_back(simulator.ledger, found, now=now, again_in_s=days * payments.DAY_S)
    return as_row(found)


def _charge(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"sale_id", "amount", "reason"}: the seller owes this, and it is kept back of the next payment."""
    made = payments.charge(
        simulator.ledger, _sale(simulator, body), cents=to_cents(body["amount"]), reason=str(body["reason"]), now=now
    )
    return asdict(made)


def _end(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"sale_id", "how": endings.HOW, "amount"?, "reason"?, "shown"?}."""
    sale = _sale(simulator, body)
    endings.end(
        simulator.ledger, sale, str(body["how"]), cents=to_cents(body.get("amount") or 0),
        reason=str(body.get("reason") or ""), now=now, tell=simulator.tell, shown=bool(body.get("shown")),
    )  # fmt: skip
    return _sale_body(sale)


def _wants(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"sale_id", "delivery"?, "again"?: why}: the platform wants the tickets in this way, or once more."""
    sale = _sale(simulator, body)
    delivery.wants(
        sale, delivery=str(body.get("delivery") or ""), again=str(body.get("again") or ""), now=now, tell=simulator.tell
    )
    return _sale_body(sale)


def _undeliverable(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"platform", "external_id" or "listing_id"}: hidden until its tickets are there."""
    listing = _listing(simulator, body)
    delivery.hide(listing, now)
    simulator.platforms[listing.platform].tell_of_listing(listing, now)
    return as_row(listing)


def _call_off(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"event_id"}: the game will not be played; answers how many sales ended."""
    event = simulator.ledger.events.get(int(body["event_id"]))
    if event is None:
        raise Refusal(404, "no such event")
    ended = endings.call_off(simulator.ledger, event, now=now, tell=simulator.tell)
    for account_id in {item.account_id for item in simulator.ledger.listings.values() if item.event_id == event.id}:
        simulator.ledger.showings_note(account_id, now)
    return {"ended": ended}


def _move(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"event_id", "how": moves.HOW, "platform"? (else everywhere), "starts_at"?, "timezone"?}: the event as told."""
    event = simulator.ledger.events.get(int(body["event_id"]))
    if event is None:
        raise Refusal(404, "no such event")
    platform = _platform(body) if body.get("platform") else ""
    start = _start(body["starts_at"], str(body.get("timezone") or "UTC")) if body.get("starts_at") else {}
    moves.move(event, str(body["how"]), platform=platform, start=start)
    for key, dialect in simulator.platforms.items():
        if platform in {"", key}:
            dialect.tell_event(event.at(key), now)
    return as_row(event)


def _buyers(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"action"?: "start" | "stop" | "tick", "demand"?: {number by name}}; answers the state of the buyers."""
    buyers = simulator.buyers
    buyers.configure(body.get("demand") or {})
    action, sold = body.get("action"), 0
    if action == "start":
        buyers.start(now)
    elif action == "stop":
        buyers.stop()
    elif action == "tick":
        sold = buyers.tick(now)
    elif action is not None:
        raise Refusal(400, "action is start, stop or tick")
    return {"running": buyers.running, "demand": asdict(buyers.demand), "sold": sold}


def _replay(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"prints": [{seq, event_id, section, sections, row, quantity, price, at}]}: recorded buyers, in this order."""
    made = prints.replay(simulator.ledger, body["prints"], now=now, tell=simulator.tell)
    return {"new": len(made), "bought": [item.sale_id for item in made if item.sale_id]}


def _deliver(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """Everything that waits is due now; the background thread, or a test's tick, sends it."""
    waiting = [item for item in simulator.ledger.deliveries.values() if item.state == "pending"]
    for item in waiting:
        item.due_at = min(item.due_at, now)
    return {"due": len(waiting)}


def _prints(simulator: "Simulator", request: Request) -> Any:
    """?after=SEQ&limit=N: recorded purchases in their order; `last` is the newest of all (-1: none)."""
    after, limit = int(request.query.get("after", -1)), int(request.query.get("limit", 1000))
    found = prints.since(simulator.ledger, after, limit)
    rows = [asdict(item) | {"price": format(from_cents(item.price_cents), ".2f")} for item in found]
    return {"prints": rows, "last": max(simulator.ledger.prints, default=-1)}


def _state(simulator: "Simulator", _request: Request) -> Any:
    """The ledger by platform: listings, sales and what is on its way; and all listings and sales side by side."""
    ledger = simulator.ledger
    listings = [
        as_row(item) | {"shown": item.state == "active", "price": format(from_cents(item.price_cents), ".2f")}
        for item in ledger.listings.values()
    ]
    by_platform: dict[str, Any] = {
        platform: {
            name: [as_row(item) for item in getattr(ledger, name).values() if item.platform == platform]
            for name in ("listings", "sales", "subscriptions", "deliveries", "payments", "charges")
        }
        | {"accounts": [item.id for item in ledger.accounts.values() if item.platform == platform]}
        for platform in platforms()
    }
    return by_platform | {
        "listings": listings, "sales": [_sale_body(item) for item in ledger.sales.values()],
        "events": [as_row(item) for item in ledger.events.values()], "seed": ledger.seed,
    }  # fmt: skip


def _showings(simulator: "Simulator", _request: Request) -> Any:
    """What each listing showed, and since when, in the order of time (settings: keep_showings)."""
    return {"showings": [as_row(item) for item in simulator.ledger.showings.values()]}


def _health(simulator: "Simulator", _request: Request) -> Any:
    where = simulator.state_path
    return {"ok": True, "platforms": list(platforms()), "journal": journal_id(where) if where else ""}


def _faults_in_force(simulator: "Simulator", _request: Request) -> Any:
    return {"faults": simulator.faults.dump()}


def _platform(body: dict[str, Any]) -> str:
    platform = str(body["platform"])
    if platform not in platforms():
        raise Refusal(400, f"platform is one of {', '.join(platforms())}")
    return platform


def _listing(simulator: "Simulator", body: dict[str, Any]) -> Listing:
    """The listing that is meant; by external id the newest one of any account."""
    platform = _platform(body)
    if body.get("listing_id"):
        found = simulator.ledger.listings.get(int(body["listing_id"]))
    else:
        key = str(body["external_id"])
        found = next(
            (item for item in reversed(simulator.ledger.listings.values()) if item.external_id == key
             and item.platform == platform), None,
        )  # fmt: skip
    if found is None or found.platform != platform:
        raise Refusal(404, "no such listing")
    return found


def _sale(simulator: "Simulator", body: dict[str, Any]) -> Sale:
    found = simulator.ledger.sales.get(int(body["sale_id"]))
    if found is None:
        raise Refusal(404, "no such sale")
    return found


def _merge(simulator: "Simulator", body: dict[str, Any], now: float) -> Any:
    """{"event_id", "into", "platform"}: a platform puts two events of one game together."""
    events = simulator.ledger.events
    event, into = events.get(int(body["event_id"])), events.get(int(body["into"]))
    if event is None or into is None:
        raise Refusal(404, "no such event")
    moves.merge(event, into, platform=_platform(body))
    return as_row(into)


def _sale_body(sale: Sale) -> dict[str, Any]:
    return asdict(sale) | {"sale_id": str(sale.id), "gross_cents": sale.gross_cents}


_READS: dict[str, Callable[["Simulator", Request], Any]] = {
    "/state": _state, "/showings": _showings, "/faults": _faults_in_force, "/health": _health, "/prints": _prints,
}  # fmt: skip
_ACTIONS: dict[str, Callable[["Simulator", dict[str, Any], float], Any]] = {
    "/reset": _reset, "/seed": _seed, "/settings": _settings, "/faults": _faults, "/accounts": _accounts,
    "/expire": _expire, "/events": _events, "/market": _market, "/sell": _sell,
    "/listings": _by_hand,
    "/advance": _advance, "/pay": _pay, "/bounce": _bounce, "/charge": _charge,
    "/end": _end, "/wants": _wants, "/undeliverable": _undeliverable, "/call-off": _call_off, "/move": _move,
    "/merge": _merge,
    "/buyers": _buyers,
    "/deliver": _deliver, "/prints": _replay,
}  # fmt: skip
