"""What is on offer just now: groups of seats, each listed everywhere; shared by those who sell and those who buy."""

import random
import threading
import time
import uuid
from dataclasses import dataclass

from listings.models import Listing, ListingStatus
from listings.states import OPEN
from seatsync.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Offer:
    """One group of seats and its listings."""

    actor: Actor
    listing_ids: tuple[uuid.UUID, ...]

    def active(self) -> list[Listing]:
        """Its listings that are up, as far as we know."""
        return list(Listing.objects.filter(pk__in=self.listing_ids, status=ListingStatus.ACTIVE).order_by("platform"))

    def over(self) -> bool:
        """Whether nothing of it is or will be on sale."""
        return not Listing.objects.filter(pk__in=self.listing_ids, status__in=OPEN).exists()


class Offers:
    """The groups that are not sold out, as far as anybody has noticed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[Offer] = []
        self._bought: dict[Offer, float] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)

    def add(self, offer: Offer) -> None:
        """A new one."""
        with self._lock:
            self._open.append(offer)

    def any(self, chance: random.Random) -> Offer | None:
        """One of them."""
        with self._lock:
            return chance.choice(self._open) if self._open else None

    def rested(self, chance: random.Random) -> Offer | None:
        """Of three of them the one of which nobody bought for longest."""
        with self._lock:
            drawn = [chance.choice(self._open) for _ in range(3)] if self._open else []
            return min(drawn, key=lambda offer: self._bought.get(offer, 0.0), default=None)

    def bought(self, offer: Offer) -> None:
        """Somebody buys of it now."""
        with self._lock:
            self._bought[offer] = time.monotonic()

    def drop(self, offer: Offer) -> None:
        """It is over."""
        with self._lock:
            self._bought.pop(offer, None)
            if offer in self._open:
                self._open.remove(offer)
