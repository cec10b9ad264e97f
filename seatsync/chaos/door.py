"""The simulator's control API, as the run uses it."""

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

    def buys(self, *, platform: str, external_id: str, quantity: int | None) -> dict[str, Any] | None:
        """A buyer buys so many tickets, or all that are left; None where they are not for sale (any more)."""
        wish: dict[str, Any] = {"platform": platform, "external_id": external_id}
        if quantity is not None:
            wish["quantity"] = quantity
        answer = self._http.post("/sell", json=wish)
        if answer.status_code in {404, 409}:
            return None
        answer.raise_for_status()
        sold: dict[str, Any] = answer.json()
        return sold
