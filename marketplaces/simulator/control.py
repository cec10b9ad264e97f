"""The control API below /_sim: seeding, faults, buyers, and the ledger to count against."""

from typing import TYPE_CHECKING, Any

from marketplaces.simulator import stubhub
from marketplaces.simulator.state import Event, State
from marketplaces.simulator.web import Answer, Refused, Request

if TYPE_CHECKING:
    from marketplaces.simulator.app import Simulator


def handle(sim: "Simulator", request: Request, path: str) -> Answer:
    """One control request; bad input answers 400 with the reason."""
    name = path.strip("/")
    if request.method == "GET" and name == "state":
        counts = {platform: faults.counts for platform, faults in sim.faults.items()}
        webhooks = {"delivered": sim.deliveries.delivered, "dropped": sim.deliveries.dropped}
        return Answer(body={**sim.state.dump(), "faults": counts, "webhooks": webhooks})
    action = _ACTIONS.get(name)
    if request.method != "POST" or action is None:
        raise Refused(404, {"error": f"no control named {name}"})
    try:
        return Answer(body=action(sim, request.json()))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, {"error": f"{type(error).__name__}: {error}"}) from error


def _reset(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sim.state = State(int(wish.get("seed", 0)))
    for faults in sim.faults.values():
        faults.shares, faults.planned, faults.counts, faults.latency_ms = {}, [], {}, 0.0
    return {"ok": True}


def _seed(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sim.state.random.seed(int(wish["seed"]))
    return {"ok": True}


def _faults(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sim.faults[wish["platform"]].configure(wish)
    return {"ok": True}


def _accounts(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    """An account with a token of one's choice; asking again for the same token changes its webhook only."""
    token = str(wish.get("token") or "")
    account = sim.state.account_by_token(wish["platform"], token) if token else None
    account = account or sim.state.account_make(wish["platform"], token=token, life_s=wish.get("life_s"))
    account.webhook_url = wish.get("webhook_url", account.webhook_url)
    account.webhook_header = wish.get("webhook_secret", account.webhook_header)
    return {"id": account.id, "access_token": account.access_token, "refresh_token": account.refresh_token}


def _expire(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    """Let every access token of a platform end now."""
    for account in sim.state.accounts:
        if account.platform == wish["platform"]:
            account.expires_at = "2000-01-01T00:00:00+00:00"
    return {"ok": True}


def _events(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    for row in wish["events"]:
        event = Event(**{key: str(row[key]) for key in ("id", "name", "venue", "starts_at", "local_date")})
        sim.state.events[event.id] = event
    return {"events": len(sim.state.events)}


def _market(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sim.state.market[str(wish["event_id"])] = list(wish["asks"])
    return {"ok": True}


def _sell(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    """A buyer buys now: `seats` of the listing, or the first `quantity` of those that it offers."""
    platform = wish["platform"]
    listing = sim.state.listing_find(platform, str(wish.get("external_id") or wish.get("listing_id")))
    if listing is None or not listing.shown:
        raise ValueError("no such listing is for sale")
    quantity = int(wish.get("quantity") or len(listing.seats))
    seats = [int(seat) for seat in wish.get("seats") or listing.seats[:quantity]]
    if not seats or not set(seats) <= set(listing.seats):
        raise ValueError(f"seats {seats} are not offered; offered: {listing.seats}")
    return {"sale_id": sim.buy(listing, seats, wish).id, "seats": seats}


def _advance(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sale = sim.state.sale_find("stubhub", str(wish["sale_id"]))
    if sale is None:
        raise ValueError("no such sale")
    stubhub.advance(sim, sale, cancel=bool(wish.get("cancel")))
    return {"status": sale.status}


def _buyers(sim: "Simulator", wish: dict[str, Any]) -> dict[str, Any]:
    sim.buyers.configure(wish)
    return {"running": sim.buyers.running}


_ACTIONS = {
    "reset": _reset, "seed": _seed, "faults": _faults, "accounts": _accounts, "expire": _expire, "events": _events,
    "market": _market, "sell": _sell, "advance": _advance, "buyers": _buyers,
}  # fmt: skip
