"""What the dialects share: finding the handler of an address, the account of a token, events by words, and sales."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from marketplaces.simulator.http import NoRouteError, Refusal, Request, Response
from marketplaces.simulator.rules import Rules
from marketplaces.simulator.state import Account, Event, Ledger, Listing, Sale
from marketplaces.simulator.webhooks import Outbox

# A handler is told what the address names: its groups, parted by slashes.
Handler = Callable[[Any, Request, Account, float, str], Response]
Routes = Sequence[tuple[str, re.Pattern[str], Handler]]


def routes(*rows: tuple[str, str, Handler], under: str = "") -> Routes:
    """Method, pattern of the whole path, handler."""
    return [(method, re.compile(under + pattern), handler) for method, pattern, handler in rows]


class Desk:
    """Base of dialects. The caller holds the simulator's lock."""

    rules: ClassVar[Rules]

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self.ledger = ledger
        self.outbox = outbox

    def pass_time(self, now: float) -> None:
        """Nothing: listings stay until they are sold or taken down."""

    def tell_event(self, event: Event, now: float) -> None:
        """Nobody is told: the seller asks, where that can be asked at all."""

    def by_hand(self, listing: Listing, event: Event, now: float) -> None:
        """Put a listing up as its seller does on the platform's own page, without our product."""
        self.ledger.listing_add(listing)

    def tell_of_listing(self, listing: Listing, now: float) -> None:
        """Nothing: the listing itself says it to who reads it."""

    def _routed(self, found: Routes, request: Request, account: Account | None, now: float) -> Response:
        """The answer of the handler that the request names. Raises NoRouteError where there is none."""
        for method, pattern, handler in found:
            match = pattern.fullmatch(request.path)
            if match and method == request.method and account is not None:
                return handler(self, request, account, now, "/".join(filter(None, match.groups())))
        raise NoRouteError

    def no_route(self) -> Response:
        """What is said where nothing lies at the address: a web server's own page."""
        return Response(404, "<html><head><title>404 Not Found</title></head><body>Not Found</body></html>")

    def _account_with(self, token: str, refusal: Refusal) -> Account:
        """The account here that has this token, else the refusal is raised."""
        for account in self.ledger.accounts.values():
            if account.platform == self.rules.key and token and account.token == token:
                return account
        raise refusal

    def _events(self) -> list[Event]:
        own = [item for item in self.ledger.events.values() if item.platform in {"", self.rules.key}]
        return [here for item in own if not (here := item.at(self.rules.key)).merged_into]

    def _events_like(self, text: str, first: str, last: str) -> list[Event]:
        """Events on these local days whose name or venue shares a word with the text; without one, all of the days."""
        words = set(re.findall(r"\w+", text.lower()))
        return [
            item for item in self._events()
            if first[:10] <= item.local_date <= (last[:10] or "9999")
            and (not words or words & set(re.findall(r"\w+", f"{item.name} {item.venue}".lower())))
        ]  # fmt: skip

    def _event_called(self, name: str, day: str) -> Event | None:
        """The event of this name on this local day; None while nobody has mapped it."""
        return next((i for i in self._events() if i.name.lower() == name.lower() and i.local_date == day), None)

    def _sale_of(self, account: Account, key: str, refusal: Refusal) -> Sale:
        """The account's own sale, else the refusal is raised."""
        found = self.ledger.sales.get(int(key)) if key.isdecimal() else None
        if found is None or found.account_id != account.id:
            raise refusal
        return found


class TokenDesk(Desk):
    """Base of dialects whose accounts have one token that never ends."""

    def grant(self, account: Account, client_id: str, now: float, *, scope: str) -> dict[str, Any]:
        """The account's own token."""
        return {"access_token": account.token}
