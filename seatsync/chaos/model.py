"""A model of the saga and its outbox on the product's own tables: seats, listings and commands as small numbers.

What may be decided is asked of listings/states.py and of the allocation; the model keeps books, and tells workers'
steps apart where the product commits: holding, reading and applying a notice; claiming, sending and recording a
command. tests/listings/test_small_case.py walks every interleaving of the small case, and replays walks on the real
functions; `manage.py chaos --in-process` walks at random (docs/adr/0020).
"""

from dataclasses import dataclass, field
from enum import IntEnum

from listings.models import ListingStatus, SaleState
from listings.services.allocation import seats_chosen, seats_named, together
from listings.states import OFFERED, OPEN, SALE_LIVE, UNSOLD, listing_may_move, sale_may_move
from marketplaces.splits import split_offerable
from portfolios.models import OwnerState, Seat
from portfolios.states import may_move

OVERSOLD, LOST, LEFT, MOVED = (
    "seats_oversold", "sales_lost", "listings_left_active_for_sold_seats", "moves_outside_the_tables",
)  # fmt: skip
PROMISES = (OVERSOLD, LOST, LEFT, MOVED)


class Broken(AssertionError):
    """A promise does not hold; which of PROMISES, and how."""

    def __init__(self, promise: str, how: str) -> None:
        super().__init__(f"{promise}: {how}")
        self.promise = promise


class Remote(IntEnum):
    """A sale as its marketplace has it."""

    WAITS = 0
    CONFIRMED = 1
    DELIVERED = 2
    COMPLETE = 3
    CANCELLED = 4


STATE_OF = {
    Remote.WAITS: SaleState.CONFIRMED, Remote.CONFIRMED: SaleState.CONFIRMED, Remote.DELIVERED: SaleState.FULFILLED,
    Remote.COMPLETE: SaleState.COMPLETE, Remote.CANCELLED: SaleState.CANCELLED,
}  # fmt: skip
RESIZE, DELIST, REJECT, VERIFY, CONFIRM = "resize", "delist", "reject_sale", "verify_gone", "confirm_sale"
NOBODY = -1


@dataclass(slots=True)
class Offer:
    """A listing: ours, and what its marketplace shows (`up`: at all). Seats are bits."""

    status: str
    offered: int
    shown: int
    up: bool = True
    # How often a size was sent.
    resized: int = 0

    @property
    def visible(self) -> int:
        """What a buyer can take."""
        return self.shown if self.up else 0


@dataclass(slots=True)
class Deal:
    """A sale: what its marketplace says (the seats are its own choice), and what we made of it ("" is unknown)."""

    offer: int
    seats: int
    remote: Remote = Remote.WAITS
    state: str = ""
    own: int = 0
    live: bool = False
    # How often we may still be told of it.
    words: int = 1
    confirmed: bool = False
    # How many sizes had been sent when the buyer came.
    resized: int = 0


@dataclass(slots=True)
class Command:
    """Something to send; `target` is a listing, or a sale for what is said of one."""

    kind: str
    target: int
    flying: bool = False
    unknown: bool = False


@dataclass(slots=True)
class Hand:
    """A worker and what it holds: nothing, a notice (with what was read of it), or a command (with its answer)."""

    doing: str = ""
    deal: int = NOBODY
    seen: int = NOBODY
    command: Command | None = None
    answer: str = ""


@dataclass(slots=True)
class Model:
    """One group of seats, offered everywhere. `chooses`: the listings of which the seller says what a sale took."""

    seats: int
    offers: list[Offer]
    hands: list[Hand]
    chooses: int = 0
    owners: list[tuple[str, int]] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    crashes: int = 0
    words: int = 1
    # Whether it is looked once more whether what was taken down is gone: that changes nothing here.
    verifies: bool = True

    @classmethod
    def begin(
        cls, *, seats: int, offers: int, workers: int, chooses: int = 0, crashes: int = 0, words: int = 1,
        verifies: bool = True,
    ) -> "Model":  # fmt: skip
        """All of the seats on sale everywhere."""
        whole = (1 << seats) - 1
        return cls(
            seats, [Offer(ListingStatus.ACTIVE, whole, whole) for _ in range(offers)], [Hand() for _ in range(workers)],
            chooses, [(OwnerState.AVAILABLE, NOBODY)] * seats, [], [], crashes, words,
            verifies,
        )  # fmt: skip

    # What may happen next.
    def buy(self, offer: int, seats: int) -> None:
        """A buyer takes seats that are shown."""
        there = self.offers[offer]
        there.shown &= ~seats
        there.up = there.shown != 0
        self.deals.append(Deal(offer, seats, words=self.words, resized=there.resized))

    def move(self, deal: int, remote: Remote) -> None:
        """Its marketplace takes a sale further, or back; that is told, too."""
        self.deals[deal].remote = remote
        self.deals[deal].words += 1

    def notice(self, hand: int, deal: int) -> None:
        """A worker takes a notice: the seats are held before anything is read."""
        told = self.deals[deal]
        told.words -= 1
        self.hands[hand] = Hand("read", deal)
        if not told.state:
            free = [seat for seat in _bits(self.offers[told.offer].offered) if self.owners[seat][1] == NOBODY]
            self._own(free, OwnerState.HELD, deal)

    def claimable(self) -> Command | None:
        """The next command for a worker, as the outbox picks it."""
        busy = {command.target for command in self.commands if command.flying and command.kind in _OF_LISTING}
        later = None
        for command in self.commands:
            if command.flying or (command.kind in _OF_LISTING and command.target in busy):
                continue
            if command.kind in _URGENT:
                return command
            later = later or command
        return later

    def claim(self, hand: int) -> bool:
        """A worker takes it; whether there was one."""
        command = self.claimable()
        if command is None:
            return False
        command.flying = True
        self.hands[hand] = Hand("send", command=command)
        return True

    def step(self, hand: int) -> None:
        """A worker goes on."""
        held = self.hands[hand]
        if held.doing == "read":
            held.doing, held.seen = "apply", self.deals[held.deal].remote
            return
        command = held.command
        if held.doing == "apply":
            self._apply(held.deal, Remote(held.seen))
        elif held.doing == "send" and command is not None:
            held.doing, held.answer = "record", self._send(command)
            return
        elif command is not None:
            self.commands.remove(command)
            self._record(command, held.answer)
        self.hands[hand] = Hand()

    def crash(self, hand: int) -> None:
        """A worker is killed; what it held is there again."""
        held = self.hands[hand]
        self.crashes -= 1
        if held.command is not None:
            self.commands.remove(held.command)
            held.command.flying, held.command.unknown = False, True
            self.commands.append(held.command)
        else:
            self.deals[held.deal].words += 1
        self.hands[hand] = Hand()

    @property
    def still(self) -> bool:
        """Whether nothing is left to do."""
        told = all(deal.words == 0 for deal in self.deals)
        return told and not self.commands and not any(hand.doing for hand in self.hands)

    # The saga.
    def _apply(self, number: int, remote: Remote) -> None:
        deal, state = self.deals[number], STATE_OF[remote]
        if not deal.state:
            self._first_word(number, state)
            if remote is Remote.WAITS and deal.state in SALE_LIVE:
                self._confirm_once(number)
        elif state == SaleState.CANCELLED:
            self._cancel(number)
        elif deal.state in SALE_LIVE and state != deal.state and sale_may_move(deal.state, state):
            self._deal_to(deal, state)

    def _first_word(self, number: int, state: str) -> None:
        deal = self.deals[number]
        if state == SaleState.CANCELLED:
            deal.state = state
            self._release(number, 0)
            return
        taken = self._allocated(deal)
        if any(self._taken(seat, number) for seat in _bits(taken)):
            deal.state, deal.own = SaleState.CONFLICT, taken
            self._release(number, 0)
            self._write(REJECT, number)
            return
        self._own(list(_bits(taken)), OwnerState.SOLD, number)
        self._release(number, taken)
        deal.state, deal.own, deal.live = state, taken, True
        others = [
            (place, offer) for place, offer in enumerate(self.offers)
            if place != deal.offer and offer.status in OPEN and offer.offered & taken
        ]  # fmt: skip
        self._sold_here(deal.offer, taken, number)
        for place, offer in others:
            offer.offered &= ~taken
            if offer.offered and self._may_resize(offer):
                self._resize(place)
            else:
                self._take_down(place)

    def _allocated(self, deal: Deal) -> int:
        """The seats of a sale: named by its marketplace, or chosen by us."""
        offer, known = self.offers[deal.offer], _SEATS[: self.seats]
        if not self.chooses >> deal.offer & 1:
            names = [str(seat + 1) for seat in _bits(deal.seats)]
            found = seats_named(names, len(names), known)
        else:
            for seat, (state, _) in zip(known, self.owners, strict=True):
                seat.state = state
            found = seats_chosen(deal.seats.bit_count(), [known[seat] for seat in _bits(offer.offered)], known)
        if not found.clear:
            raise Broken(LOST, f"not clear: {found.reason}")
        return sum(1 << seat.seat_number - 1 for seat in found.seats)

    def _taken(self, seat: int, number: int) -> bool:
        """Whether somebody else has the seat: a hold of a sale that was only announced keeps nobody from it."""
        _, owner = self.owners[seat]
        return owner not in {NOBODY, number} and bool(self.deals[owner].state)

    def _sold_here(self, place: int, taken: int, number: int) -> None:
        offer = self.offers[place]
        offer.offered &= ~taken
        if offer.offered:
            if not split_offerable("any", offer.offered.bit_count()):
                self._take_down(place)
            elif self._overtook(place, number):
                if self._may_resize(offer):
                    self._resize(place)
                else:
                    self._take_down(place)
            return
        self._supersede(place, RESIZE)
        if listing_may_move(offer.status, ListingStatus.SOLD):
            offer.status = ListingStatus.SOLD
        own = 0
        for deal in self.deals:
            own |= deal.own if deal.live and deal.offer == place else 0
        if own != (1 << self.seats) - 1:
            self._write(DELIST, place)

    def _overtook(self, place: int, number: int) -> bool:
        """Whether a size was sent that may have known nothing of this buyer."""
        if self.offers[place].status not in OFFERED:
            return False
        sizes = [c for c in self.commands if (c.kind, c.target) == (RESIZE, place)]
        return self.offers[place].resized > self.deals[number].resized or any(c.flying or c.unknown for c in sizes)

    def _may_resize(self, offer: Offer) -> bool:
        rest = [_SEATS[seat] for seat in _bits(offer.offered)]
        able = offer.status in {ListingStatus.ACTIVE, ListingStatus.PAUSED}
        return able and together(rest) and split_offerable("any", len(rest))

    def _resize(self, place: int) -> None:
        self._supersede(place, RESIZE)
        self._write(RESIZE, place)

    def _take_down(self, place: int) -> None:
        offer = self.offers[place]
        self._supersede(place, RESIZE)
        if offer.status != ListingStatus.DELISTING:
            if not listing_may_move(offer.status, ListingStatus.DELISTING):
                return
            offer.status = ListingStatus.DELISTING
        self._write(DELIST, place)

    def _cancel(self, number: int) -> None:
        deal = self.deals[number]
        if deal.state == SaleState.CANCELLED:
            return
        self._release(number, 0)
        self._deal_to(deal, SaleState.CANCELLED)
        if deal.live:
            deal.live = False
            self._offer_no_more(deal.offer)

    def _offer_no_more(self, place: int) -> None:
        offer = self.offers[place]
        if offer.status in OFFERED and offer.offered:
            if self._may_resize(offer):
                self._resize(place)
            else:
                self._take_down(place)
            return
        if offer.status in UNSOLD and not any(d.live and d.offer == place for d in self.deals):
            offer.status = ListingStatus(UNSOLD[offer.status])
        self._write(DELIST, place)

    # The outbox.
    def _write(self, kind: str, target: int) -> None:
        self.commands.append(Command(kind, target))

    def _confirm_once(self, number: int) -> None:
        if not self.deals[number].confirmed:
            self.deals[number].confirmed = True
            self._write(CONFIRM, number)

    def _supersede(self, place: int, kind: str) -> None:
        self.commands = [c for c in self.commands if c.flying or (c.kind, c.target) != (kind, place)]

    def _send(self, command: Command) -> str:
        if command.kind in _OF_SALE:
            return self._say(command)
        offer = self.offers[command.target]
        if command.kind == VERIFY:
            return "done"
        if command.kind == RESIZE and offer.status not in OFFERED:
            return "not_wanted"
        if not offer.up:
            return "gone" if offer.shown or not any(d.offer == command.target for d in self.deals) else "sold_there"
        if command.kind == DELIST:
            offer.up = False
        else:
            # It is taken at its word: what a buyer took a moment ago comes back where we did not know of it.
            offer.shown = offer.offered
            offer.resized += 1
        return "done"

    def _say(self, command: Command) -> str:
        deal = self.deals[command.target]
        if command.kind == CONFIRM:
            if deal.state not in SALE_LIVE:
                return "not_wanted"
            if deal.remote is Remote.WAITS:
                deal.remote = Remote.CONFIRMED
            return "done"
        if deal.remote not in {Remote.WAITS, Remote.CANCELLED}:
            raise Broken(LOST, "a sale is refused that was confirmed")
        deal.remote = Remote.CANCELLED
        return "done"

    def _record(self, command: Command, answer: str) -> None:
        if answer == "not_wanted":
            return
        if command.kind == REJECT:
            self._offer_no_more(self.deals[command.target].offer)
        elif command.kind == CONFIRM:
            self._apply(command.target, self.deals[command.target].remote)
        elif command.kind == DELIST:
            self._offer_to(self.offers[command.target], ListingStatus.CANCELLED)
            if answer != "sold_there" and self.verifies:
                self._write(VERIFY, command.target)
        elif command.kind == RESIZE and answer != "done":
            self._offer_to(self.offers[command.target], ListingStatus.CANCELLED)

    # Moves, each by its table.
    @staticmethod
    def _offer_to(offer: Offer, status: str) -> None:
        if listing_may_move(offer.status, status):
            offer.status = status

    @staticmethod
    def _deal_to(deal: Deal, state: str) -> None:
        if not sale_may_move(deal.state, state):
            raise Broken(MOVED, f"a sale moves from {deal.state} to {state}")
        deal.state = state

    def _own(self, seats: list[int], state: str, number: int) -> None:
        for seat in seats:
            before, owner = self.owners[seat]
            if (before, owner) == (state, number):
                continue
            if not may_move(before, state):
                raise Broken(MOVED, f"a seat moves from {before} to {state}")
            if before == OwnerState.SOLD and state != OwnerState.AVAILABLE:
                raise Broken(OVERSOLD, "a sold seat is given to another sale")
            self.owners[seat] = (state, number)

    def _release(self, number: int, but: int) -> None:
        """What a sale holds beyond its seats is free again; all of it, where it has none."""
        own = [seat for seat in range(self.seats) if self.owners[seat][1] == number and not but >> seat & 1]
        if but:
            own = [seat for seat in own if self.owners[seat][0] == OwnerState.HELD]
        self._own(own, OwnerState.AVAILABLE, NOBODY)

    # The promises.
    def check(self) -> None:
        """What must hold at every moment. Raises Broken."""
        live = confirmed = 0
        for deal in self.deals if len(self.deals) > 1 else ():
            if deal.live:
                if live & deal.own:
                    raise Broken(OVERSOLD, "a seat has two live sales")
                live |= deal.own
            if Remote.CONFIRMED <= deal.remote <= Remote.COMPLETE:
                # Where the seller chooses, the marketplace's own numbers say nothing.
                kept = deal.own if self.chooses >> deal.offer & 1 else deal.seats
                if confirmed & kept:
                    raise Broken(OVERSOLD, "two sales of a seat are confirmed")
                confirmed |= kept

    def check_still(self) -> None:
        """What must hold when nothing is left to do. Raises Broken."""
        sold = 0
        for deal in self.deals:
            sold |= deal.own if deal.live else 0
            if deal.remote is Remote.WAITS or not deal.state:
                raise Broken(LOST, "a sale is neither confirmed nor refused")
            if deal.live != (deal.remote is not Remote.CANCELLED):
                raise Broken(LOST, "a sale stands on one side alone")
            if deal.live and deal.own.bit_count() != deal.seats.bit_count():
                raise Broken(LOST, "a sale has not as many seats as it sold")
        for place, offer in enumerate(self.offers):
            free = ((1 << self.seats) - 1) & ~sold
            too_many = offer.visible.bit_count() > free.bit_count()
            if too_many if self.chooses >> place & 1 else offer.visible & sold:
                raise Broken(LEFT, "a sold seat is still on sale")
        if any(state == OwnerState.HELD for state, _ in self.owners):
            raise Broken(LOST, "a seat is held for nobody")

    # For who looks at every state there is.
    def copy(self) -> "Model":
        """Another one that goes its own way."""
        commands = {id(c): Command(c.kind, c.target, c.flying, c.unknown) for c in self.commands}
        hands = [
            Hand(h.doing, h.deal, h.seen, commands[id(h.command)] if h.command is not None else None, h.answer)
            for h in self.hands
        ]
        deals = [
            Deal(d.offer, d.seats, d.remote, d.state, d.own, d.live, d.words, d.confirmed, d.resized)
            for d in self.deals
        ]
        offers = [Offer(o.status, o.offered, o.shown, o.up, o.resized) for o in self.offers]
        return Model(
            self.seats, offers, hands, self.chooses, list(self.owners), deals, list(commands.values()), self.crashes,
            self.words, self.verifies,
        )  # fmt: skip

    def key(self) -> tuple[object, ...]:
        """The same for states that differ in nothing; workers are alike."""
        places = {id(command): place for place, command in enumerate(self.commands)}
        hands = sorted(
            (h.doing, h.deal, h.seen, places[id(h.command)] if h.command is not None else NOBODY, h.answer)
            for h in self.hands
        )
        return (
            tuple((o.status, o.offered, o.shown, o.up) for o in self.offers),
            tuple(
                # Only whether a size came after the buyer counts.
                (d.offer, d.seats, d.remote, d.state, d.own, d.live, d.words, d.confirmed,
                 self.offers[d.offer].resized > d.resized)
                for d in self.deals
            ),
            tuple((c.kind, c.target, c.flying, c.unknown) for c in self.commands),
            tuple(self.owners), tuple(hands), self.crashes,
        )  # fmt: skip


_OF_LISTING = frozenset({RESIZE, DELIST, VERIFY})
_OF_SALE = frozenset({REJECT, CONFIRM})
_URGENT = frozenset({RESIZE, DELIST, REJECT})
# Unsaved rows for the allocation, by their place.
_SEATS = [Seat(seat_number=number + 1) for number in range(10)]


def _bits(mask: int) -> "list[int]":
    return [place for place in range(mask.bit_length()) if mask >> place & 1]
