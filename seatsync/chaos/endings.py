"""Marketplaces that end sales badly: each way of listings/states.py, for a small share of the sales."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from queue import Empty

from listings.models import CommandKind, CommandState, Listing, MarketplaceCommand, Sale, SaleEnding, SaleState
from listings.payables import tells_payouts
from listings.states import OPEN, SALE_LIVE
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_list
from portfolios.models import Game, GameStatus
from portfolios.services.games import game_move
from seatsync.chaos.books import SILENT_ON_ENDS, Ended
from seatsync.chaos.buyers import Buyers
from seatsync.chaos.door import Door
from seatsync.chaos.pace import Worker
from seatsync.chaos.persons import Persons, Word
from seatsync.chaos.seats import FIRST_EVENT, GAMES, MAY_BE_OFF
from seatsync.chaos.sellers import Sellers
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Busy

# Of the sales so many are ended by their marketplace; of those that were only promised so many are never paid.
# Half of the complaints come to nothing.
SHARE, UNPAID, SETTLED = 0.08, 0.5, 0.5
# A game is called off for so many sales, and payments are made; a short run has one of each, too.
GAME_EVERY, PAY_EVERY = 1000, 100
KINDS = (SaleEnding.CANCELLED, SaleEnding.CLAIM, SaleEnding.PENALTY, SaleEnding.REPLACEMENT)
# Whose interface has a word for a complaint (docs/adr/0022).
TELLS_CLAIMS = frozenset({"stubhub", "seatgeek"})
_HANDED_OVER = (SaleState.FULFILLED, SaleState.COMPLETE)


class Endings(Worker):
    """All marketplaces. What they end is remembered by sale, the newest word for each."""

    def __init__(
        self, door: Door, buyers: Buyers, sellers: Sellers, persons: Persons, *, wanted: int,
        chance: random.Random,
    ) -> None:  # fmt: skip
        super().__init__("endings", pause_s=0.5)
        self._door, self._buyers, self._sellers, self._persons = door, buyers, sellers, persons
        self._chance, self._kinds = chance, list(KINDS)
        self._games_at = [wanted * share // 100 for share in range(40, 90, max(1, 50 * GAME_EVERY // wanted))]
        self._pay_every, self._paid = max(1, min(PAY_EVERY, wanted // 3)), 0
        # What is done at a moment of time.monotonic().
        self._later: list[tuple[float, Callable[[], None]]] = []
        # The game that is being called off, and since when nothing of it is up.
        self._going_off: tuple[Game, datetime | None] | None = None
        self.ended: dict[str, Ended] = {}
        # By event there: whoever still has a sale of it is to lose it.
        self.games_off: set[int] = set()

    def turn(self) -> None:
        """One sale at most, one step of a game, and the payments that are due."""
        self._promises()
        self._due()
        self._game()
        if self._buyers.sales * SHARE > sum(one.kind in KINDS for one in self.ended.values()):
            self._end(self._kinds[0])
        if self._buyers.sales // self._pay_every > self._paid:
            self._paid += 1
            self.pay(self._chance.choice([adapter.traits.key for adapter in adapter_list()]))

    def finish(self) -> bool:
        """Once the buyers are gone: one of each kind at least, and games to their end; whether nothing is left."""
        kinds = {one.kind for one in self.ended.values()}
        lacking = [kind for kind in KINDS if kind not in kinds]
        for kind in lacking:
            self._end(kind)
        on_their_way = MarketplaceCommand.objects.filter(
            kind=CommandKind.FULFIL, state__in=[CommandState.PENDING, CommandState.IN_FLIGHT]
        )
        if lacking and on_their_way.exists():
            return False
        self._promises()
        self._due()
        self._game()
        if self._going_off is None and self._games_at:
            self._hear_of()
            if self._going_off is None:
                # Nobody has bought of a game that may be called off.
                self._games_at.clear()
        return not self._later and self._going_off is None and not self._games_at

    def pay(self, platform: str) -> None:
        """A marketplace pays for all that was handed over, less what it charges."""
        self._door.post("pay", platform=platform)

    def counts(self) -> Counter[str]:
        """By kind how many sales were ended so."""
        return Counter(one.kind.value for one in self.ended.values())

    # What comes a while later.
    def _due(self) -> None:
        for due, act in list(self._later):
            if due <= time.monotonic():
                self._later.remove((due, act))
                act()

    def _promises(self) -> None:
        """Some of those who have not paid never will."""
        while True:
            try:
                sale_id = self._buyers.promised.get_nowait()
            except Empty:
                return
            if self._chance.random() < UNPAID:
                self._later.append((time.monotonic() + self._chance.uniform(0.0, 15.0), partial(self._unpaid, sale_id)))

    def _unpaid(self, sale_id: str) -> None:
        done = self._door.unless("advance", {409}, sale_id=sale_id, to="cancelled")
        if done is not None:
            self.ended[sale_id] = Ended(sale_id, done["platform"], SaleEnding.PROMISE_CANCELLED)

    # Single sales.
    def _end(self, kind: SaleEnding) -> None:
        """End one sale so, where there is one that can be; the next time it is another kind's turn."""
        self._kinds = [*(one for one in self._kinds if one != kind), kind]
        # Before that, what a marketplace says of the tickets is no complaint: it asks for them (SeatGeek).
        states = SALE_LIVE if kind == SaleEnding.CANCELLED else _HANDED_OVER
        able = Sale.objects.filter(state__in=states, ending="").exclude(state=SaleState.PROVISIONAL)
        able = able.exclude(platform_sale_id__in=self.ended).exclude(game__status=GameStatus.CANCELLED)
        found = list(able.order_by("-sold_at", "pk")[:50])
        if not found:
            return
        sale = self._chance.choice(found)
        cents = self._chance.randrange(1000, 20000) if kind in {SaleEnding.PENALTY, SaleEnding.REPLACEMENT} else 0
        if kind == SaleEnding.CANCELLED:
            done = self._door.unless("advance", {409}, sale_id=sale.platform_sale_id, to="cancelled")
        else:
            done = self._door.unless(
                "end", {409}, sale_id=sale.platform_sale_id, how=kind.value, amount=f"{cents / 100:.2f}"
            )  # fmt: skip
        if done is None:
            return
        self.ended[sale.platform_sale_id] = Ended(sale.platform_sale_id, sale.platform, kind, cents)
        self._mail(sale, kind, cents)
        if kind == SaleEnding.CLAIM and self._chance.random() < SETTLED:
            self._later.append((time.monotonic() + self._chance.uniform(5.0, 40.0), partial(self._settle, sale)))

    def _settle(self, sale: Sale) -> None:
        """A complaint comes to nothing."""
        if self._door.unless("end", {409}, sale_id=sale.platform_sale_id, how="settle") is not None:
            self.ended[sale.platform_sale_id] = Ended(
                sale.platform_sale_id, sale.platform, SaleEnding.CLAIM, settled=True
            )
            if sale.platform not in TELLS_CLAIMS:
                self._persons.tell(Word(sale.pk, "settled"))

    def _mail(self, sale: Sale, kind: SaleEnding, cents: int) -> None:
        """What a marketplace's interface does not tell comes by mail, and its holder reports it."""
        charge = Decimal(cents) / 100 if cents else None
        gone = kind in {SaleEnding.CANCELLED, SaleEnding.REPLACEMENT}
        untold = {
            SaleEnding.CLAIM: sale.platform not in TELLS_CLAIMS,
            SaleEnding.PENALTY: not tells_payouts(sale.platform),
        }.get(kind, gone and sale.platform in SILENT_ON_ENDS)
        if untold:
            self._persons.tell(Word(sale.pk, kind.value, charge))

    # Games.
    def _game(self) -> None:
        """A game is called off: we hear of it, its listings come down, and then its sales are taken back."""
        if self._going_off is None:
            if self._games_at and self._buyers.sales >= self._games_at[0]:
                self._hear_of()
            return
        game, down_at = self._going_off
        if Listing.objects.filter(game=game, status__in=OPEN).exists():
            return
        if down_at is None:
            self._going_off = game, now()
            return
        # Who bought before is known by then, also where nobody tells of him once his order is taken back.
        known = MarketplaceAccount.objects.filter(sales_synced_until__lte=down_at, platform__in=SILENT_ON_ENDS)
        if known.exists():
            return
        event_id = FIRST_EVENT + int(game.source_key)
        of_game = list(Sale.objects.filter(game=game, state__in=SALE_LIVE))
        self._door.post("call-off", event_id=event_id)
        self.games_off.add(event_id)
        self._going_off = None
        for sale in of_game:
            self.ended[sale.platform_sale_id] = Ended(sale.platform_sale_id, sale.platform, SaleEnding.GAME_OFF)
            if sale.platform in SILENT_ON_ENDS:
                self._persons.tell(Word(sale.pk, SaleEnding.CANCELLED.value))

    def _hear_of(self) -> None:
        """One of the games that may be called off and have the most sales."""
        able = [str(number) for number in range(GAMES - MAY_BE_OFF, GAMES)]
        of_game = Counter(
            Sale.objects.filter(state__in=SALE_LIVE, game__source_key__in=able)
            .exclude(game__status=GameStatus.CANCELLED).order_by("pk").values_list("game_id", flat=True)
        )  # fmt: skip
        if not of_game:
            return
        game_id: uuid.UUID = self._chance.choice([pk for pk, _ in of_game.most_common(3)])
        # Nobody offers its seats from now on, neither by us nor with his own hand.
        self._sellers.games_off.add(game_id)
        try:
            game = game_move(actor=Actor.system(), game_id=game_id, status=GameStatus.CANCELLED, reason="called off")
        except Busy:
            # Somebody buys of it just now; whichever game it is, the next turn has one.
            self._sellers.games_off.discard(game_id)
            return
        self._games_at.pop(0)
        self._going_off = game, None
