"""What hands make at the marketplaces without the product, and what is to become of it."""

import threading
import uuid
from dataclasses import dataclass
from random import Random

from django.db.models import Q, QuerySet

from listings.models import Listing
from seatsync.chaos.books import key_of
from seatsync.chaos.door import Door
from seatsync.chaos.seats import Group
from seatsync.demo.hand_made import Fate, fate_words


@dataclass(frozen=True, slots=True)
class HandMade:
    """One of them. `key` names it in the ledger (books.key_of), `cents` is its price a ticket, `group` its seats.

    `before`: it was there before its account was connected.
    """

    key: str
    listing_id: int
    platform: str
    account: str
    group: Group
    cents: int
    fate: Fate
    before: bool

    @property
    def ours(self) -> bool:
        """Whether it must become one of our listings."""
        return self.fate in {Fate.CERTAIN, Fate.CHOSEN}


class Hands:
    """They list and remember; safe in several threads."""

    def __init__(self, door: Door, chance: Random) -> None:
        self._door, self._chance = door, chance
        self._lock = threading.Lock()
        self.made: list[HandMade] = []
        # What buyers took before the account was connected, or before its holder had decided: by the sale's id there.
        self.sold: dict[str, HandMade] = {}
        # What names an account at its marketplace.
        self.whose: dict[uuid.UUID, dict[str, str]] = {}

    def list_at(self, platform: str, whose: dict[str, str], group: Group, fate: Fate, *, before: bool) -> HandMade:
        """List a group's seats on a marketplace's own page; `whose` names the account there."""
        with self._lock:
            cents = self._chance.randrange(4000, 16000)
            named = self._chance.random() < 0.5
        words = fate_words(fate, platform=platform, section=group.section, row=group.row, seats=group.numbers)
        number = uuid.UUID(int=self._chance.getrandbits(128)).hex[:12]
        row = self._door.post(
            "listings", platform=platform, event_id=group.event_id, price=f"{cents / 100:.2f}",
            external_id=f"hand-{number}" if named else "", **whose, **words,
        )  # fmt: skip
        made = HandMade(key_of(row), row["id"], platform, row["account_id"], group, cents, fate, before)
        with self._lock:
            self.made.append(made)
        return made

    def sell(self, made: HandMade, quantity: int | None) -> None:
        """A buyer takes so many of it, or all, before anybody here knows of it."""
        sold = self._door.buys(platform=made.platform, listing_id=made.listing_id, quantity=quantity)
        if sold is not None:
            self.sold[str(sold["sale_id"])] = made

    def called(self, platform: str, remote_id: str, remote_key: str) -> HandMade | None:
        """The one that a marketplace calls so: a listing's or a sale's id there, or the seller's key."""
        if remote_id in self.sold:
            return self.sold[remote_id]
        of_platform = [made for made in self.made if made.platform == platform]
        return next(
            (made for made in of_platform if str(made.listing_id) == remote_id or made.key in {remote_id, remote_key}),
            None,
        )

    def of(self, group: Group) -> list[HandMade]:
        """Those that are to become ours, of any seat of a group."""
        seats = set(group.seats)
        with self._lock:
            return [made for made in self.made if made.ours and seats & set(made.group.seats)]


def listings_of(made: HandMade) -> QuerySet[Listing]:
    """The listing of ours that it has become, if it has."""
    names = Q(remote_key=made.key) | Q(listing_id=str(made.listing_id))
    return Listing.objects.filter(names, platform=made.platform, made_there=True)
