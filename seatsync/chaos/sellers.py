"""What holders do meanwhile: they offer seats everywhere, change prices, and hand some tickets over."""

import random
import uuid
from decimal import Decimal

from listings.models import CommandKind, Sale, SaleState
from listings.services.fulfil import sale_fulfil
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from marketplaces.delivery import HandOver
from marketplaces.registry import hand_overs_of
from portfolios.models import OwnerState, Seat
from seatsync.chaos.hands import HandMade
from seatsync.chaos.offers import Offer, Offers
from seatsync.chaos.pace import Worker
from seatsync.chaos.people import Holder
from seatsync.chaos.seats import Group
from seatsync.core.errors import Conflict, SeatSyncError
from seatsync.core.money import round_money

# Groups on offer at a time: enough that buyers meet each other at one of them now and then, and not all the time.
STANDING = 60
SPLITS = ("any",) * 7 + ("pairs", "avoid_one", "none")
# Seats that were free and could not be offered: more of them, and the run is planned wrongly.
MOST_REFUSED = 20
REPRICES_A_ROUND, HANDED_OVER_SHARE = 4, 0.3


class Sellers(Worker):
    """All holders, one after the other."""

    def __init__(self, holders: list[Holder], offers: Offers, chance: random.Random) -> None:
        super().__init__("sellers", pause_s=0.4)
        self._holders, self._offers, self._chance = holders, offers, chance
        self._seen: set[object] = set()
        # Games that will not be played, as their holders heard.
        self.games_off: set[uuid.UUID] = set()
        self.refused = 0

    def fill(self, count: int) -> None:
        """Offer so many groups now."""
        for _ in range(count):
            self._publish()

    def turn(self) -> None:
        """One round."""
        if len(self._offers) < STANDING:
            self.fill(4)
        for _ in range(REPRICES_A_ROUND):
            self._reprice()
        self._hand_over()

    def _publish(self) -> None:
        able = [holder for holder in self._holders if holder.groups]
        if not able:
            raise RuntimeError("The holders have no seats left to offer: the run is planned wrongly.")
        holder = self._chance.choice(able)
        try:
            group = holder.groups.pop()
        except IndexError:
            # Another thread has taken his last one meanwhile.
            return
        self.publish(holder, group)

    def publish(self, holder: Holder, group: Group, *, but: str = "") -> None:
        """Offer a group at all marketplaces, or all but one; nothing of a game that was called off."""
        if group.game_id in self.games_off:
            return
        accounts = [account for account in holder.accounts if account.platform != but]
        price = round_money(Decimal(self._chance.randrange(4000, 16000)) / 100)
        split = self._chance.choice(SPLITS)
        try:
            listing_publish(
                actor=holder.actor, seat_ids=group.seats, account_ids=[account.pk for account in accounts],
                price=price, floor=price / 2, ceiling=price * 2,
                split_type="any" if len(group.seats) % 2 and split == "pairs" else split,
            )  # fmt: skip
        except Conflict:
            # Called off a moment ago, or bought of somebody's hand; nobody is to be refused much else.
            if group.game_id in self.games_off:
                return
            self.refused += not but
            if self.refused > MOST_REFUSED:
                raise
        self._offers.add(Offer(holder.actor, group))

    def adopted_offer(self, made: list[HandMade]) -> None:
        """Offer what a hand listed at one marketplace at the others too, as far as nobody has bought it."""
        by_user = {holder.actor.user_id: holder for holder in self._holders}
        for one in made:
            free = Seat.objects.filter(pk__in=one.group.seats, state=OwnerState.AVAILABLE)
            left = one.group.only(set(free.values_list("pk", flat=True)))
            if left.seats:
                self.publish(by_user[one.group.owner_id], left, but=one.platform)

    def _reprice(self) -> None:
        offer = self._offers.any(self._chance)
        listings = offer.active() if offer else []
        if offer is None or not listings:
            return
        listing = self._chance.choice(listings)
        wanted = round_money(listing.price * Decimal(self._chance.randrange(85, 116)) / 100)
        try:
            listing_reprice(
                actor=offer.actor, listing_id=listing.pk, price=min(max(wanted, listing.floor), listing.ceiling),
                version=listing.version, reason="chaos",
            )  # fmt: skip
        except SeatSyncError:
            # Sold, held or changed a moment ago: the holder is told so, and that is all.
            return

    def _hand_over(self) -> None:
        """Of what was confirmed lately some goes to its buyers at once."""
        waiting = Sale.objects.filter(
            state=SaleState.CONFIRMED, commands__kind=CommandKind.CONFIRM_SALE, commands__state="done"
        )
        for sale in waiting.select_related("account").order_by("-sold_at")[:10]:
            if sale.pk in self._seen:
                continue
            self._seen.add(sale.pk)
            if self._chance.random() < HANDED_OVER_SHARE:
                self._prove(sale)

    def _prove(self, sale: Sale) -> None:
        method = hand_overs_of(sale.platform)[0]
        owner = next(h.actor for h in self._holders if h.actor.user_id == sale.account.user_id)
        by_url = method == HandOver.TRANSFER_URL
        urls = [f"https://tickets.example/{sale.pk}/{number}" for number in range(sale.quantity if by_url else 0)]
        number = "" if by_url else f"C-{sale.pk}"
        try:
            sale_fulfil(actor=owner, sale_id=sale.pk, method=method, transfer_urls=urls, confirmation=number)
        except SeatSyncError:
            return
