"""The main job over the product's own API, pages and socket: publish, reprice, sell, and everything else follows."""

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from seatsync.core.clock import now
from seatsync.demo.people import HOLDER_EMAIL, PASSWORD
from seatsync.launch.holder_pages import HolderPages, PageError

PATIENCE_S = 60.0


class MainJobError(Exception):
    """A step did not come about; the text says which."""


class MainJob:
    """One run. `tell` hears of every step with its seconds."""

    def __init__(self, tell: Callable[[str], Any]) -> None:
        self.tell = tell
        self.api = httpx.Client(base_url=f"{settings.BASE_URL}/api/v1", timeout=20)
        self.simulator = httpx.Client(base_url=f"{settings.SIMULATOR_URL}/_sim", timeout=20)
        self.pages = HolderPages()
        self.heard: list[dict[str, Any]] = []
        self._started = time.monotonic()

    def run(self) -> None:
        """Raises MainJobError at the first step that fails."""
        try:
            asyncio.run(self._run())
        except PageError as error:
            raise MainJobError(f"{error}") from error

    async def _run(self) -> None:
        self._sign_in()
        seats, before = self._choose_seats()
        listings = self._publish(seats)
        self._until(lambda: self._looked_at(listings), "buyers looked at both")
        await self._reprice(listings[0])
        ticket = self._post("/live-tickets/", {}, 201)["ticket"]
        async with connect(f"{settings.WS_URL}/ws/live/", origin=Origin(settings.BASE_URL)) as socket:
            await socket.send(json.dumps({"ticket": ticket, "last_seq": None}))
            listener = asyncio.create_task(self._listen(socket))
            await self._sell(listings, seats)
            await self._totals_moved(before, seats)
            listener.cancel()

    async def _listen(self, socket: ClientConnection) -> None:
        async for frame in socket:
            self.heard.append(json.loads(frame))

    # Steps.
    def _sign_in(self) -> None:
        answer = self._post("/auth/token/", {"email": HOLDER_EMAIL, "password": PASSWORD}, 200)
        self.api.headers["Authorization"] = f"Bearer {answer['access']}"
        self.pages.sign_in()
        self._done("signed in at the API and on the pages")

    def _choose_seats(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        ticket = self._get("/season-tickets/")["results"][-1]
        coming = self._get(f"/games/?season_ticket={ticket['id']}&starts_after={now():%Y-%m-%dT%H:%M:%SZ}&limit=200")
        for game in coming["results"][1:]:
            query = f"/seats/?game={game['id']}&season_ticket={ticket['id']}&state=available"
            seats = self._get(query)["results"]
            listed = self._get(f"/listings/?game={game['id']}")["results"]
            if len(seats) >= 2 and not listed:
                self._done(
                    f"{len(coming['results'])} coming games; chose {game['opponent_name']} on {game['game_date']}"
                )
                return seats[-2:], self._sold_total() | {"shown": self.pages.season_figure(ticket["id"], "sold")}
        raise MainJobError("No coming game has two seats that are free and not listed.")

    def _sold_total(self) -> dict[str, Any]:
        sales = self._get("/sales/?limit=200")["results"]
        live = [sale for sale in sales if sale["state"] in {"confirmed", "fulfilled", "complete"}]
        return {"sales": len(live), "proceeds": sum((Decimal(sale["proceeds"]) for sale in live), Decimal(0))}

    def _publish(self, seats: list[dict[str, Any]]) -> list[dict[str, Any]]:
        accounts = [
            a for a in self._get("/marketplace-accounts/")["results"] if a["is_active"] and a["mode"] == "paper"
        ]
        wish = {
            "seat_ids": [seat["id"] for seat in seats], "account_ids": [account["id"] for account in accounts],
            "price": "84.00", "floor": "60.00", "ceiling": "200.00", "split_type": "none",
        }  # fmt: skip
        made: list[dict[str, Any]] = self._post("/listings/", wish, 201)
        keys = {listing["external_id"] for listing in made}
        self._until(lambda: keys <= self._shown(), "both marketplaces show the listings")
        self._until(
            lambda: all(self._get(f"/listings/{listing['id']}/")["status"] == "active" for listing in made),
            f"published on {' and '.join(listing['platform'] for listing in made)}",
        )
        return made

    def _shown(self) -> set[str]:
        return {listing["external_id"] for listing in self._simulated() if listing["shown"]}

    def _simulated(self) -> list[dict[str, Any]]:
        listings: list[dict[str, Any]] = self.simulator.get("/state").json()["listings"]
        return listings

    def _looked_at(self, made: list[dict[str, Any]]) -> bool:
        keys = {listing["external_id"] for listing in made}
        looks = [row["looks"] for row in self._simulated() if row["external_id"] in keys]
        return len(looks) == len(keys) and min(looks) > 0

    async def _reprice(self, listing: dict[str, Any]) -> None:
        current = self._get(f"/listings/{listing['id']}/")
        wish = {"price": "82.00", "version": current["version"], "reason": "check"}
        self._post(f"/listings/{listing['id']}/price/", wish, 200)

        def there() -> bool:
            found = [row for row in self._simulated() if row["external_id"] == listing["external_id"]]
            return bool(found) and Decimal(found[-1]["price"]) == Decimal("82.00")

        self._until(there, f"{listing['platform']} shows the new price")

    async def _sell(self, listings: list[dict[str, Any]], seats: list[dict[str, Any]]) -> None:
        sold, other = listings[0], listings[1:]
        answer = self.simulator.post("/sell", json={"platform": sold["platform"], "external_id": sold["external_id"]})
        if not answer.is_success:
            raise MainJobError(f"The simulator did not sell: {answer.text}")
        started = time.monotonic()
        numbers = {seat["seat_number"] for seat in seats}
        # As in a browser: the socket says that something happened, and the page is read again.
        await self._until_async(
            lambda: any(event.get("type") == "alert.raised" for event in self.heard), "the alert came over the socket"
        )
        await self._until_async(
            lambda: {self.pages.seats(sold["game"]).get(number) for number in numbers} == {"sold"},
            "the page shows the seats sold",
        )
        await self._until_async(
            lambda: not {row["external_id"] for row in other} & self._shown(), "the other listing is gone"
        )
        self.tell(f"  sale to told, sold and gone: {(time.monotonic() - started) * 1000:.0f} ms")

    async def _totals_moved(self, before: dict[str, Any], seats: list[dict[str, Any]]) -> None:
        await self._until_async(
            lambda: all(self._get(f"/seats/{seat['id']}/")["state"] == "sold" for seat in seats),
            "the API shows the seats sold",
        )
        ticket = seats[0]["season_ticket"]
        await self._until_async(
            lambda: (
                self._sold_total()["proceeds"] > before["proceeds"]
                and self.pages.season_figure(ticket, "sold") != before["shown"]
            ),
            "the season's totals moved, at the API and on the page",
        )

    # Small change.
    def _get(self, path: str) -> Any:
        answer = self.api.get(path)
        if answer.status_code != 200:
            raise MainJobError(f"GET {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def _post(self, path: str, body: dict[str, Any], status: int) -> Any:
        answer = self.api.post(path, json=body)
        if answer.status_code != status:
            raise MainJobError(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise MainJobError(f"Not within {PATIENCE_S:.0f} s: {what}.")
            time.sleep(0.05)
        self._done(what)

    async def _until_async(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not await asyncio.to_thread(condition):
            if time.monotonic() > deadline:
                raise MainJobError(f"Not within {PATIENCE_S:.0f} s: {what}.")
            await asyncio.sleep(0.05)
        self._done(what)

    def _done(self, what: str) -> None:
        self.tell(f"  {what} ({time.monotonic() - self._started:.1f} s)")
