"""What only people do: say what was found on their accounts, and what a marketplace wrote them of a sale."""

import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from listings.models import FoundKind, FoundListing, FoundState, ListingStatus, Sale, SaleState
from listings.services.bounds import listing_bounds_set
from listings.services.found import found_adopt, found_not_ours, found_take_down
from listings.services.sale_report import sale_report
from seatsync.chaos.hands import HandMade, Hands, listings_of
from seatsync.chaos.pace import Worker
from seatsync.core.actors import Actor
from seatsync.core.errors import SeatSyncError
from seatsync.demo.hand_made import Fate

# So many words are tried in a turn: a marketplace may have to be asked first.
TRIES_A_TURN = 20


@dataclass(frozen=True, slots=True)
class Word:
    """What is to be reported of a sale (sale_report's words), with what it costs."""

    sale_id: uuid.UUID
    what: str
    charge: Decimal | None = None


class Persons(Worker):
    """All holders, before their mail and their account pages."""

    def __init__(self, actors: dict[uuid.UUID, Actor], hands: Hands) -> None:
        super().__init__("persons", pause_s=1.0)
        self._actors, self._hands = actors, hands
        self._words: list[Word] = []
        self.decided: Counter[str] = Counter()

    @property
    def idle(self) -> bool:
        """Whether nothing waits for anybody."""
        return not self._words and not FoundListing.objects.filter(state=FoundState.WAITING).exists()

    def turn(self) -> None:
        """Decide on what was found, and report what was written."""
        self.decide()
        for word in self._words[:TRIES_A_TURN]:
            self._words.remove(word)
            if not self._said(word):
                self._words.append(word)

    def tell(self, word: Word) -> None:
        """A marketplace wrote this: it is reported at the next turn, and again until it is taken."""
        self._words.append(word)

    def decide(self) -> None:
        """Say of all that waits what it is; what no hand made is left, and judged."""
        for found in FoundListing.objects.filter(state=FoundState.WAITING).select_related("account"):
            made = self._hands.called(found.account.platform, found.remote_id, found.remote_key)
            if made is not None:
                self._decide(found, made)

    def _decide(self, found: FoundListing, made: HandMade) -> None:
        actor, sale = self._actors[found.account.user_id], found.kind == FoundKind.SALE
        try:
            if made.fate == Fate.STRANGE:
                found_not_ours(actor=actor, found_ids=[found.pk])
                self.decided["not_ours"] += 1
            elif made.fate == Fate.UNWANTED:
                found_take_down(actor=actor, found_id=found.pk)
                self.decided["taken_down"] += 1
            else:
                # A buyer takes the lowest seats: of a sale it is these, of a listing what is left.
                seats = made.group.seats[: found.quantity] if sale else made.group.seats[-found.quantity :]
                found_adopt(actor=actor, found_id=found.pk, seat_ids=seats)
                self.decided["adopted"] += 1
        except SeatSyncError:
            # Decided, sold or swept a moment ago: it is looked at again.
            return

    def _said(self, word: Word) -> bool:
        """Whether it was taken, or there is nothing left to say."""
        sale = Sale.objects.select_related("account").get(pk=word.sale_id)
        if sale.state == SaleState.CANCELLED:
            return True
        try:
            sale_report(
                actor=self._actors[sale.account.user_id], sale_id=sale.pk, what=word.what,
                reason=f"Its marketplace wrote: {word.what}.", charge=word.charge,
            )  # fmt: skip
        except SeatSyncError:
            # Its marketplace could not be asked, or something of the sale is on its way: in a moment again.
            return False
        return True

    def bounds_give(self, made: list[HandMade]) -> None:
        """Let the prices of these adopted listings move: until then they keep their own."""
        for one in made:
            for listing in listings_of(one).filter(status=ListingStatus.ACTIVE):
                # One that is sold just now keeps its price.
                with suppress(SeatSyncError):
                    listing_bounds_set(
                        actor=self._actors[one.group.owner_id], listing_id=listing.pk, floor=listing.price / 2,
                        ceiling=listing.price * 2, version=None,
                    )  # fmt: skip
