"""The simulator's control API, as the run uses it."""

from collections.abc import Sequence
from typing import Any

import httpx

# The ledger of a long run is read whole.
TIMEOUT_S = 300.0


class Door:
    """Raises httpx.HTTPStatusError for a refusal; safe in several threads."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_sim", timeout=TIMEOUT_S)

    def post(self, name: str, **wish: Any) -> Any:
        """One control call."""
        answer = self._http.post(f"/{name}", json=wish)
        answer.raise_for_status()
        return answer.json()

    def get(self, name: str) -> Any:
        """One reading."""
        answer = self._http.get(f"/{name}")
        answer.raise_for_status()
        return answer.json()

    def buys(
        self, *, platform: str, quantity: int | None, external_id: str = "", listing_id: int = 0,
        provisional: bool = False, seats: Sequence[int] = (),
    ) -> dict[str, Any] | None:  # fmt: skip
        """A buyer buys so many tickets, or all that are left; None where they are not for sale (any more).

        Of a listing by its seller's key, or by its number there. `provisional`: he has not paid yet. `seats`: he has
        chosen these.
        """
        wish: dict[str, Any] = {"platform": platform, "provisional": provisional}
        wish |= {"external_id": external_id} if external_id else {"listing_id": listing_id}
        if quantity is not None:
            wish["quantity"] = quantity
        if seats:
            wish["seats"] = list(seats)
        return self.unless("sell", {404, 409}, **wish)

    def unless(self, name: str, statuses: set[int], **wish: Any) -> dict[str, Any] | None:
        """One control call that may be refused with one of these; None then."""
        answer = self._http.post(f"/{name}", json=wish)
        if answer.status_code in statuses:
            return None
        answer.raise_for_status()
        done: dict[str, Any] = answer.json()
        return done
