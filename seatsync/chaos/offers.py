"""What is on offer just now: groups of seats, each listed everywhere; shared by those who sell and those who buy."""

import random
import threading
import time
from dataclasses import dataclass

from django.db.models import QuerySet

from listings.models import Listing, ListingStatus, SplitType
from listings.states import OPEN
from seatsync.chaos.books import allocates
from seatsync.chaos.hands import Hands
from seatsync.chaos.seats import Group
from seatsync.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Target:
    """A listing as a buyer sees it: by its seller's key, or by its number there where it has none.

    `seats`: the numbers among which he may choose, where its marketplace lets him.
    """

    platform: str
    external_id: str
    listing_id: int
    quantity: int
    split_type: str
    seats: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One group of seats that is listed, whoever listed it."""

    actor: Actor
    group: Group

    def _listings(self) -> QuerySet[Listing]:
        return Listing.objects.filter(listing_seats__seat__in=self.group.seats).distinct()

    def active(self) -> list[Listing]:
        """Its listings that are up, as far as we know."""
        return list(self._listings().filter(status=ListingStatus.ACTIVE).order_by("platform", "pk"))

    def targets(self, hands: Hands) -> list[Target]:
        """What buyers find of it: our listings, and those that a hand made and we do not know yet."""
        listings = self.active()
        known = {key for listing in self._listings() for key in (listing.key_there, f"#{listing.listing_id}")}
        found = [
            Target(
                one.platform, one.key_there, 0 if one.key_there else int(one.listing_id), one.quantity, one.split_type,
                () if allocates(one.platform) else _numbers(one),
            )
            for one in listings
        ]  # fmt: skip
        return found + [
            Target(made.platform, "", made.listing_id, len(made.group.seats), SplitType.ANY)
            for made in hands.of(self.group) if not known & {made.key, f"#{made.listing_id}"}
            # Where the seller says which seats were sold, a sale that comes before we know the listing waits for him.
            and not allocates(made.platform)
        ]  # fmt: skip

    def over(self) -> bool:
        """Whether nothing of it is or will be on sale."""
        return not self._listings().filter(status__in=OPEN).exists()


def _numbers(listing: Listing) -> tuple[int, ...]:
    offered = listing.listing_seats.filter(offered=True).order_by("seat__seat_number")
    return tuple(offered.values_list("seat__seat_number", flat=True))


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
