"""What goes on beside a measurement: a backlog of prices that is kept full, and people who look at their pages."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
from django.conf import settings
from django.db import connection
from django.test import Client

from listings.contracts import PriceChange
from listings.models import CommandKind, CommandState, Listing, ListingStatus, MarketplaceCommand
from listings.services.pricing import price_apply
from seatsync.bench.report import percentile
from seatsync.bench.sellers import PRICE, Seller

# How often the backlog is looked at, and as many of a holder's prices are changed by one call: it holds the locks of
# all of them until it is done, and a sale of any waits for it.
LOOK_S, BATCH = 0.5, 10
# So many look at pages at once.
LOOKERS = 2


def paced(count: int | None, per_second: float, act: Callable[[int], None], stopped: threading.Event) -> None:
    """Begin `act` so often, by the clock and not by how long it takes; `count` None: until stopped.

    What is late is begun at once, and no turn is left out.
    """
    began, number = time.monotonic(), 0
    while (count is None or number < count) and not stopped.wait(
        max(0.0, began + number / per_second - time.monotonic())
    ):
        act(number)
        number += 1


class Beside(ABC):
    """Work of a thread of its own while a `with` lasts. What it raised is raised at the end."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @abstractmethod
    def work(self) -> None:
        """Until `stopped` is set."""

    def _run(self) -> None:
        try:
            self.work()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._thread.join()
        if self.error is not None and error is None:
            raise LookupError(f"The load beside it stopped: {self.error}") from self.error


class Backlog(Beside):
    """Every open listing of these sellers has a price waiting to be sent, again as soon as one was."""

    def __init__(self, sellers: Sequence[Seller]) -> None:
        super().__init__()
        self._sellers = sellers
        # Prices waiting and listings open, each time that it was looked at, before and after it was filled up.
        self.sizes: list[int] = []
        self.open: list[int] = []

    def work(self) -> None:
        """See Beside."""
        while not self.stopped.wait(LOOK_S if self.sizes else 0):
            self.fill()

    def fill(self) -> int:
        """Give every open listing without a waiting price a new one; returns how many were given."""
        given = sum(self._fill(seller) for seller in self._sellers)
        accounts = [account.pk for seller in self._sellers for account in seller.accounts]
        waiting = _waiting().filter(account__in=accounts)
        self.sizes.append(waiting.count())
        self.open.append(Listing.objects.filter(account__in=accounts, status=ListingStatus.ACTIVE).count())
        return given

    def _fill(self, seller: Seller) -> int:
        without = Listing.objects.filter(account__in=seller.accounts, status=ListingStatus.ACTIVE)
        rows = list(without.exclude(pk__in=_waiting().values("listing_id")).values_list("pk", "price"))
        for first in range(0, len(rows), BATCH):
            changes = [
                PriceChange(pk, PRICE if price != PRICE else PRICE + 1, reason="bench", confirmed=True)
                for pk, price in rows[first : first + BATCH]
            ]
            price_apply(actor=seller.actor, changes=changes)
        return len(rows)

    def figures(self) -> dict[str, Any]:
        """Prices that waited: least, median, most, over so many looks; and the open listings that could have one."""
        return _spread("waiting", self.sizes) | _spread("open_listings", self.open) | {"looks": len(self.sizes)}


def _waiting() -> Any:
    return MarketplaceCommand.objects.filter(kind=CommandKind.REPRICE, state=CommandState.PENDING)


def _spread(name: str, values: list[int]) -> dict[str, Any]:
    if not values:
        return {}
    middle = percentile([float(value) for value in values], 0.5)
    return {f"{name}_least": min(values), f"{name}_median": round(middle), f"{name}_most": max(values)}


@dataclass(slots=True)
class Looked:
    """How long a kind of page took to be answered, in ms."""

    path: str
    times: list[float] = field(default_factory=list)


class PageLoad(Beside):
    """Season and game pages of one holder in turns, over HTTP, so many a second, by two who look at once."""

    def __init__(self, seller: Seller, per_second: float) -> None:
        super().__init__()
        game = seller.ticket.seats.filter(listing_seats__listing__status=ListingStatus.ACTIVE).first()
        self._per_second = per_second
        self.pages = {"season": Looked(f"/portfolio/{seller.ticket.pk}/")}
        if game is not None:
            self.pages["game"] = Looked(f"/portfolio/games/{game.game_id}/")
        client = Client()
        client.force_login(seller.user)
        self._cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        self.seconds = 0.0

    def work(self) -> None:
        """See Beside."""
        began = time.monotonic()
        with ThreadPoolExecutor(LOOKERS) as lookers:
            looks = [lookers.submit(self._look, shift, self._per_second / LOOKERS) for shift in range(LOOKERS)]
        for look in looks:
            look.result()
        self.seconds = time.monotonic() - began

    def _look(self, shift: int, per_second: float) -> None:
        """Until it is stopped, or fails: then nobody else looks on, since half a load is another one."""
        try:
            self._turns(shift, per_second)
        finally:
            self.stopped.set()

    def _turns(self, shift: int, per_second: float) -> None:
        pages = list(self.pages.values())
        with httpx.Client(base_url=settings.BASE_URL, cookies=self._cookies, timeout=60) as client:

            def one(number: int) -> None:
                page = pages[(number + shift) % len(pages)]
                began = time.perf_counter()
                answer = client.get(page.path)
                page.times.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200:
                    raise LookupError(f"{page.path} answered {answer.status_code}")

            paced(None, per_second, one, self.stopped)

    def figures(self) -> dict[str, Any]:
        """Pages a second that were really loaded, and p50 and p95 in ms by kind."""
        found: dict[str, Any] = {"wanted_a_second": self._per_second}
        loaded = sum(len(page.times) for page in self.pages.values())
        found["loaded_a_second"] = round(loaded / self.seconds, 2) if self.seconds else 0.0
        for name, page in self.pages.items():
            if page.times:
                found[name] = {
                    "n": len(page.times), "p50_ms": round(percentile(page.times, 0.5), 1),
                    "p95_ms": round(percentile(page.times, 0.95), 1),
                }  # fmt: skip
        return found
