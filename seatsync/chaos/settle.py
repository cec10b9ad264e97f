"""The end of a run: everything that is under way comes to its end, while faults go on."""

import sys
import time
import uuid
from collections.abc import Callable

from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services.commands import command_write
from listings.services.payouts import accounts_sync_payouts
from listings.services.sweep_order import MET
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_keys
from seatsync.chaos.books import books_read, lines_booked
from seatsync.chaos.cast import Cast
from seatsync.chaos.pace import wait_until, work_open
from seatsync.chaos.trouble import Trouble
from seatsync.core.clock import now

SETTLED_WITHIN_S = 900.0
_OPEN = (CommandState.PENDING, CommandState.IN_FLIGHT)


class Settling:
    """The main thread's alone. Each step returns how many things were left to do all the same."""

    def __init__(self, cast: Cast, trouble: Trouble, started: float) -> None:
        self._cast, self._trouble, self._started = cast, trouble, started

    def settle(self) -> int:
        """Every ending is played, every delivery leaves, every account is polled once more, and all is done."""
        left = self._until(self._ended, "endings")
        self._cast.door.post("deliver")
        left += self._polled()
        left += self._until(self._said, "words of persons")
        left += self._finished()
        self._tell("settled")
        return left

    def sweep(self) -> int:
        """Every account is swept: what hands have listed last is found, and done with."""
        for account in MarketplaceAccount.objects.filter(is_active=True):
            command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}:chaos:{uuid.uuid4()}")
        mine = MarketplaceCommand.objects.filter(idempotency_key__contains=":chaos:")
        under_way = mine.filter(state__in=_OPEN)
        left = self._until(lambda: not under_way.exists(), "sweeps")
        left += self._until(self._said, "words of persons")
        left += self._polled() + self._finished()
        # What was met by its sale just now is looked at by the product itself, when it has settled there.
        met = MarketplaceCommand.objects.filter(idempotency_key__contains=MET)
        left += self._until(lambda: not met.filter(state__in=_OPEN).exists(), "sweeps of what was met by its sale")
        left += self._until(self._said, "words of persons") + self._finished()
        self._tell("swept")
        return left

    def pay(self) -> int:
        """Every marketplace pays once more, and the payouts are read until faults have spoiled none of them."""
        for platform in adapter_keys():
            self._cast.endings.pay(platform)
        made = books_read(self._cast.door).paid.keys()

        def booked() -> bool:
            accounts_sync_payouts()
            return not made - lines_booked().keys()

        # Each account's limit lets so many of them be read at once.
        self._until(booked, "payouts")
        left = self._finished()
        self._tell("paid")
        return left + len(made - lines_booked().keys())

    def _ended(self) -> bool:
        return self._cast.endings.finish()

    def _said(self) -> bool:
        self._cast.persons.turn()
        return self._cast.persons.idle

    def _polled(self) -> int:
        since = now()
        active = MarketplaceAccount.objects.filter(is_active=True, needs_reconnect=False)
        return self._until(lambda: not active.exclude(sales_synced_until__gt=since).exists(), "polls")

    def _finished(self) -> int:
        return 0 if not self._until(lambda: work_open() == 0, "works") else work_open()

    def _until(self, condition: Callable[[], bool], what: str) -> int:
        def met() -> bool:
            self._trouble.at(self._cast.buyers.sales)
            return condition()

        if wait_until(met, SETTLED_WITHIN_S):
            return 0
        self._tell(f"{what} did not come to an end in time")
        return 1

    def _tell(self, text: str) -> None:
        sys.stderr.write(f"  {text} ({time.monotonic() - self._started:.0f} s)\n")
