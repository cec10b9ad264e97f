"""What the tests with real processes do as a seller, over the API, and what must be true at the end."""

from collections import Counter
from typing import Any

import httpx

from seatsync.core.clock import now
from tests.product import Product

OPEN = {"publishing", "active", "paused", "delisting"}


class Seller:
    """The demo's holder at the API."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.http: httpx.Client = product.api()

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def free_groups(self, size: int = 2) -> list[list[dict[str, Any]]]:
        """Neighbouring seats of coming games that are free and not on sale, at most one group a game."""
        ticket = self.get("/season-tickets/")["results"][-1]["id"]
        games = self.get("/games/", season_ticket=ticket, starts_after=f"{now():%Y-%m-%dT%H:%M:%SZ}", limit=200)
        taken = {row["game"] for row in self.get("/listings/", limit=200)["results"] if row["status"] in OPEN}
        groups = []
        for game in games["results"][1:]:
            if game["id"] in taken:
                continue
            free = self.get("/seats/", game=game["id"], season_ticket=ticket, state="available")["results"]
            if len(free) >= size:
                groups.append(free[-size:])
        return groups

    def publish(self, seats: list[dict[str, Any]], **changes: Any) -> dict[str, dict[str, Any]]:
        """Offer these seats everywhere; returns the listings by platform."""
        accounts = [row["id"] for row in self.get("/marketplace-accounts/")["results"] if row["is_active"]]
        wish = {
            "seat_ids": [seat["id"] for seat in seats], "account_ids": accounts, "price": "84.00", "floor": "60.00",
            "ceiling": "200.00", "split_type": "any",
        }  # fmt: skip
        answer = self.http.post("/listings/", json=wish | changes)
        assert answer.status_code == 201, answer.text
        return {row["platform"]: row for row in answer.json()}

    def wait_active(self, listings: list[dict[str, Any]]) -> None:
        ids = [row["id"] for row in listings]
        self.product.wait(
            lambda: all(self.get(f"/listings/{pk}/")["status"] == "active" for pk in ids), "the listings are active"
        )


def settle(product: Product) -> None:
    """No more faults: everything that waits is sent, polling finds what never was, and nothing is left to do."""
    product.control("faults", clear=True)
    product.control("deliver")
    well_since = now()
    polled = "SELECT count(*) FROM marketplace_accounts WHERE is_active AND sales_synced_until <= %s"
    product.wait(lambda: product.rows(polled, well_since) == [(0,)], "every account was polled once", within_s=240)
    product.wait(lambda: not open_work(product), "the outbox and the inbox run empty", within_s=240)


def open_work(product: Product) -> list[tuple[Any, ...]]:
    """Commands and notices that are not finished, sweeps apart."""
    return product.rows(
        "SELECT kind, state FROM marketplace_commands"
        " WHERE state IN ('pending', 'in_flight') AND kind <> 'sync_account'"
        " UNION ALL SELECT kind, state FROM inbound_events WHERE state = 'received'"
    )


def wrongs(product: Product) -> list[str]:
    """What may never be: seats sold twice, sales lost or doubled, sold seats on show. Empty where all is well."""
    found = []
    twice = product.rows("SELECT seat_id FROM sale_seats WHERE live GROUP BY seat_id HAVING count(*) > 1")
    found += [f"seat {seat} has two live sales" for (seat,) in twice]
    state = product.simulated()
    theirs = Counter(str(row["sale_id"]) for row in state["sales"])
    ours = Counter(key for (key,) in product.rows("SELECT platform_sale_id FROM sales"))
    found += [f"sale {key} was lost" for key in theirs - ours]
    found += [f"sale {key} was made up or stored twice" for key in ours - theirs]
    sold = {
        key
        for (key,) in product.rows(
            "SELECT DISTINCT l.external_id FROM listings l JOIN listing_seats ls ON ls.listing_id = l.id"
            " JOIN seats s ON s.id = ls.seat_id WHERE ls.offered AND s.state IN ('sold', 'held')"
        )
    }
    found += [f"listing {key} shows a sold seat: {_story(product, key)}" for key in sold & product.shown()]
    kept = {
        str(key): (state, reason, seats)
        for key, state, reason, seats in product.rows(
            "SELECT sa.platform_sale_id, sa.state, sa.state_reason,"
            " (SELECT count(*) FROM sale_seats ss WHERE ss.sale_id = sa.id AND ss.live) FROM sales sa"
        )
    }
    for row in state["sales"]:
        ours_state, reason, seats = kept.get(str(row["sale_id"]), ("", "", 0))
        stands = not (row["cancelled"] or row["rejected"])
        # One that nobody could allocate waits for a person, with its seats held and everything down (see above).
        if stands and seats != row["quantity"] and ours_state != "needs_person":
            found.append(
                f"{row['platform']} sale {row['sale_id']} of {row['quantity']} stands there; here it is {ours_state!r}"
                f" with {seats} seats: {reason}"
            )
    return found


def _story(product: Product, key: str) -> str:
    """What our tables know of a listing, for whoever must find out what went wrong."""
    told = {
        "listing": "SELECT l.status, l.status_reason, l.quantity, l.platform FROM listings l WHERE l.external_id = %s",
        "seats": "SELECT s.seat_number, s.state, s.held_by, ls.offered FROM listings l JOIN listing_seats ls"
        " ON ls.listing_id = l.id JOIN seats s ON s.id = ls.seat_id WHERE l.external_id = %s ORDER BY 1",
        "commands": "SELECT c.kind, c.state, c.attempts, c.last_error, c.finished_at FROM listings l"
        " JOIN marketplace_commands c ON c.listing_id = l.id WHERE l.external_id = %s ORDER BY c.created_at",
        "sales": "SELECT sa.platform, sa.platform_sale_id, sa.state, sa.state_reason FROM listings l"
        " JOIN listings o ON o.game_id = l.game_id JOIN sales sa ON sa.listing_id = o.id WHERE l.external_id = %s",
    }
    return "; ".join(f"{name} {product.rows(query, key)}" for name, query in told.items())
