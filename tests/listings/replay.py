"""The model's moves on the real functions, one transaction after the other, and what the tables say in its words."""

from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import pytest
from django.db import transaction

from listings.models import CommandState, Listing, MarketplaceCommand, Sale, SaleSeat
from listings.services import allocation, projections
from listings.services.execute import execute
from listings.services.outbox import command_claim, leases_reap
from listings.services.record import Answer, record
from listings.services.sale_holds import sale_hold
from listings.services.sale_saga import sale_apply
from marketplaces.contracts import RemoteListingState, RemoteSale, RemoteSaleState
from portfolios.models import Seat
from seatsync.chaos.model import Model, Remote
from seatsync.core.clock import now
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

REMOTE = {
    RemoteSaleState.AWAITING_CONFIRM: Remote.WAITS, RemoteSaleState.AWAITING_FULFILMENT: Remote.CONFIRMED,
    RemoteSaleState.CANCELLED: Remote.CANCELLED,
}  # fmt: skip


class Replay:
    """One walk: two seats are published on both platforms inside a savepoint, which is undone in the end."""

    def __init__(self, market: Market, model: Model) -> None:
        self.market, self.model, self.patch = market, model, pytest.MonkeyPatch()
        self.platforms: list[ScriptedPlatform] = [market.alpha, market.beta]
        self.sales: list[tuple[ScriptedPlatform, str]] = []
        # What a worker holds: a notice with what it read, or a command with its answer.
        self.notices: dict[int, tuple[int, RemoteSale | None]] = {}
        self.commands: dict[int, tuple[MarketplaceCommand, Answer | None]] = {}

    def __enter__(self) -> Self:
        self.savepoint = transaction.savepoint()
        # One clock here.
        for module in (allocation, projections):
            self.patch.setattr(module, "CLOCKS_DIFFER", timedelta(0))
        for platform in self.platforms:
            for book in (platform.listings, platform.seats, platform.sales, platform.script, platform.script_applied):
                book.clear()
        self.seats = self.market.holding.seats[:2]
        self.listings = list(self.market.published(self.seats))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.patch.undo()
        transaction.savepoint_rollback(self.savepoint)

    def do(self, move: tuple[Any, ...]) -> None:
        getattr(self, f"_{move[0]}")(*move[1:])

    # The moves.
    def _buy(self, offer: int, seats: int) -> None:
        numbers = tuple(number + 1 for number in range(2) if seats >> number & 1)
        platform = self.platforms[offer]
        sale = platform.sell(self.listings[offer].external_id, numbers, state=RemoteSaleState.AWAITING_CONFIRM)
        self.sales.append((platform, sale.sale_id))

    def _notice(self, hand: int, deal: int) -> None:
        platform, sale_id = self.sales[deal]
        key = platform.sales[sale_id].external_id
        sale_hold(account=self.market.accounts[platform.key], external_id=key, platform_sale_id=sale_id)
        self.notices[hand] = (deal, None)

    def _claim(self, hand: int) -> None:
        command = command_claim()
        assert command is not None
        # However slow the machine: only who is killed here has not answered in time.
        MarketplaceCommand.objects.filter(pk=command.pk).update(lease_until=now() + timedelta(hours=1))
        self.commands[hand] = (command, None)

    def _step(self, hand: int) -> None:
        if hand in self.notices:
            deal, read = self.notices[hand]
            platform, sale_id = self.sales[deal]
            if read is None:
                self.notices[hand] = (deal, platform.sales[sale_id])
                return
            sale_apply(account=self.market.accounts[platform.key], remote=read)
            del self.notices[hand]
            return
        command, answer = self.commands[hand]
        if answer is None:
            self.commands[hand] = (command, execute(command))
            return
        assert record(command, answer)
        del self.commands[hand]

    def _crash(self, hand: int) -> None:
        if hand in self.notices:
            del self.notices[hand]
            return
        command, _ = self.commands.pop(hand)
        MarketplaceCommand.objects.filter(pk=command.pk).update(lease_until=now() - timedelta(seconds=1))
        assert leases_reap() == 1

    # Both sides in the same words.
    def abstract(self) -> dict[str, Any]:
        """What the tables and the platforms say."""
        numbers = {seat.pk: number for number, seat in enumerate(self.seats)}
        keys = {
            f"sale:{self.market.accounts[platform.key].pk.hex}:{sale_id}": number
            for number, (platform, sale_id) in enumerate(self.sales)
        }
        owners = {row.pk: (row.state, keys.get(row.held_by, -1)) for row in Seat.objects.filter(pk__in=numbers)}
        return {
            "owners": [owners[seat.pk] for seat in self.seats],
            "offers": [self._offer(place, numbers) for place in range(2)],
            "deals": [self._deal(platform, sale_id, numbers) for platform, sale_id in self.sales],
            "commands": self._commands(),
        }

    def _offer(self, place: int, numbers: dict[Any, int]) -> tuple[Any, ...]:
        listing, platform = Listing.objects.get(pk=self.listings[place].pk), self.platforms[place]
        offered = listing.listing_seats.filter(offered=True).values_list("seat_id", flat=True)
        there = platform.listings[listing.external_id]
        shown = sum(1 << seat - 1 for seat in platform.seats[listing.external_id])
        up = there.state is RemoteListingState.ACTIVE
        return listing.status, sum(1 << numbers[pk] for pk in offered), shown if up else 0

    def _deal(self, platform: ScriptedPlatform, sale_id: str, numbers: dict[Any, int]) -> tuple[Any, ...]:
        remote = REMOTE[platform.sales[sale_id].state]
        known = Sale.objects.filter(platform=platform.key, platform_sale_id=sale_id).first()
        live = SaleSeat.objects.filter(sale=known, live=True).values_list("seat_id", flat=True) if known else ()
        return remote, known.state if known else "", sum(1 << numbers[pk] for pk in live)

    def _commands(self) -> list[tuple[Any, ...]]:
        listings: dict[Any, int] = {listing.pk: place for place, listing in enumerate(self.listings)}
        sales = {(platform.key, sale_id): number for number, (platform, sale_id) in enumerate(self.sales)}
        found = MarketplaceCommand.objects.filter(state__in=[CommandState.PENDING, CommandState.IN_FLIGHT])
        rows = []
        for command in found.select_related("sale").order_by("priority", "not_before", "pk"):
            of_sale = command.kind in {"reject_sale", "confirm_sale"}
            sale = command.sale
            place = sales[sale.platform, sale.platform_sale_id] if of_sale and sale else listings[command.listing_id]
            rows.append((command.kind, place, command.state == CommandState.IN_FLIGHT))
        return sorted(rows, key=lambda row: row[2])

    def expected(self) -> dict[str, Any]:
        """What the model says."""
        model = self.model
        urgent_first = sorted(model.commands, key=lambda command: command.kind in {"verify_gone", "confirm_sale"})
        rows = [(command.kind, command.target, command.flying) for command in urgent_first]
        return {
            "owners": [(state, number) for state, number in model.owners],
            "offers": [(offer.status, offer.offered, offer.visible) for offer in model.offers],
            "deals": [(deal.remote, deal.state, deal.own if deal.live else 0) for deal in model.deals],
            "commands": sorted(rows, key=lambda row: row[2]),
        }
