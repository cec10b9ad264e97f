"""Whatever happens in whatever order: a seat is sold once, and nothing sold stays on offer."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from listings.contracts import PriceChange
from listings.models import (
    Listing,
    ListingSeat,
    MarketplaceCommand,
    PayoutLine,
    PriceProposal,
    Sale,
    SaleEnding,
    SaleSeat,
    SaleState,
)
from listings.selectors import may_be_shown
from listings.services.delist import listings_delist
from listings.services.fulfil import sale_fulfil
from listings.services.payouts import account_sync_payouts
from listings.services.pricing import price_apply
from listings.services.sale_report import sale_report
from listings.services.sync import account_sync_sales
from listings.states import OPEN, SALE_LIVE
from marketplaces.contracts import PaymentLine, RemotePayment, RemoteSaleState
from marketplaces.errors import TemporaryError, UnknownOutcome
from portfolios.models import GameStatus, OwnerState, Seat
from portfolios.services.games import game_move
from portfolios.services.ledger import seats_set_state
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

FAULTS = (TemporaryError("busy"), UnknownOutcome("lost"))


def machine(  # noqa: C901 - one rule a move
    platforms: tuple[ScriptedPlatform, ScriptedPlatform],
) -> type[RuleBasedStateMachine]:
    """The rules of play. Each game has a market of its own inside a savepoint, undone when it is over."""

    class Saga(RuleBasedStateMachine):
        market: Market

        def platform(self, name: str) -> ScriptedPlatform:
            return self.market.alpha if name == "alpha" else self.market.beta

        @initialize(first=st.sampled_from([(1,), (1, 2), (3, 4), (2,), (1, 2, 3, 4)]))
        def begin(self, first: tuple[int, ...]) -> None:
            for platform in platforms:
                for book in (
                    platform.listings,
                    platform.seats,
                    platform.sales,
                    platform.script,
                    platform.script_applied,
                ):
                    book.clear()
                platform.paid.clear()
                platform.calls.clear()
            # What each buyer took, told or not.
            self.took: dict[tuple[str, str], tuple[int, ...]] = {}
            self.savepoint = transaction.savepoint()
            self.market = build_market(platforms)
            self.market.publish()
            self.market.work()
            # Every game has a sale to begin with; whether it was told of yet is the game's own affair.
            self.market.alpha.sell(self.market.alpha.shown()[0], first)

        @rule(quantity=st.integers(1, 4))
        def publish(self, quantity: int) -> None:
            free = list(Seat.objects.filter(game=self.market.holding.game, state="available").order_by("seat_number"))
            run = [seat for seat in free if seat.seat_number - free[0].seat_number < quantity]
            try:
                if run:
                    self.market.publish(run)
            except (Conflict, InvalidInput):
                pass  # listed already, or not side by side

        @rule(name=st.sampled_from(["alpha", "beta"]), fault=st.sampled_from(FAULTS), late=st.booleans())
        def break_next(self, name: str, fault: Exception, late: bool) -> None:
            book = self.platform(name).script_applied if late else self.platform(name).script
            for call in ("create", "delist", "resize", "reprice", "confirm", "reject", "fulfil"):
                book[call] = [fault]
            if not late:
                book["fetch_sale"] = [fault]

        @rule(
            name=st.sampled_from(["alpha", "beta"]), pick=st.integers(0, 3), quantity=st.integers(1, 4),
            named=st.booleans(),
        )  # fmt: skip
        @precondition(lambda self: True)
        def buy(self, name: str, pick: int, quantity: int, named: bool) -> None:
            platform = self.platform(name)
            shown = [key for key in platform.shown() if platform.seats.get(key)]
            if not shown:
                return
            key = shown[pick % len(shown)]
            seats = tuple(platform.seats[key][:quantity])
            states = (
                RemoteSaleState.AWAITING_FULFILMENT, RemoteSaleState.AWAITING_CONFIRM, RemoteSaleState.PROVISIONAL,
                RemoteSaleState.UNKNOWN,
            )  # fmt: skip
            sale = platform.sell(key, seats, state=states[pick], tell_seats=named)
            self.took[name, sale.sale_id] = seats

        @rule(name=st.sampled_from(["alpha", "beta"]), paid=st.booleans())
        def decide(self, name: str, paid: bool) -> None:
            """What was provisional or unknown is paid, or called off."""
            platform = self.platform(name)
            for sale in list(platform.sales.values()):
                if sale.state in {RemoteSaleState.PROVISIONAL, RemoteSaleState.UNKNOWN, RemoteSaleState.ISSUE}:
                    state = RemoteSaleState.AWAITING_FULFILMENT if paid else RemoteSaleState.CANCELLED
                    platform.move(sale.sale_id, state)

        @rule(name=st.sampled_from(["alpha", "beta"]), pick=st.integers(0, 3), again=st.booleans())
        def take_back(self, name: str, pick: int, again: bool) -> None:
            """Its marketplace cancels a sale that stood, and may offer its seats by itself."""
            platform = self.platform(name)
            standing = [s for s in platform.sales.values() if s.state is RemoteSaleState.AWAITING_FULFILMENT]
            for sale in standing[pick : pick + 1]:
                if again:
                    platform.relist(sale.sale_id)
                else:
                    platform.move(sale.sale_id, RemoteSaleState.CANCELLED)

        @rule(name=st.sampled_from(["alpha", "beta"]), pick=st.integers(0, 3))
        def complain(self, name: str, pick: int) -> None:
            """A buyer is not content."""
            platform = self.platform(name)
            standing = [s for s in platform.sales.values() if s.state is RemoteSaleState.AWAITING_FULFILMENT]
            for sale in standing[pick : pick + 1]:
                platform.move(sale.sale_id, RemoteSaleState.ISSUE)

        @rule(name=st.sampled_from(["alpha", "beta"]), pick=st.integers(0, 3), paid=st.booleans())
        def charge(self, name: str, pick: int, paid: bool) -> None:
            """A payout has a penalty for a sale, with what it brought or alone."""
            platform = self.platform(name)
            for sale in list(platform.sales.values())[pick : pick + 1]:
                gross, fee = (sale.gross, sale.fees) if paid else (Decimal("0.00"), Decimal("0.00"))
                line = PaymentLine(sale.sale_id, gross, fee, Decimal("9.00"), gross - fee - 9, "late")
                platform.paid.append(RemotePayment(f"P-{len(platform.paid)}", now(), line.net, "USD", (line,)))
            account_sync_payouts(account=self.market.accounts[name])

        @rule(off=st.booleans())
        def call_off(self, off: bool) -> None:
            """The game will not be played, or will be after all."""
            status = GameStatus.CANCELLED if off else GameStatus.SCHEDULED
            game_move(actor=Actor.system(), game_id=self.market.holding.game.pk, status=status)

        @rule(what=st.sampled_from(["replacement", "cancelled", "claim", "settled"]), pick=st.integers(0, 3))
        def report(self, what: str, pick: int) -> None:
            """Its holder says what a marketplace wrote; true or not."""
            for sale in Sale.objects.order_by("pk")[pick : pick + 1]:
                if what == "replacement":
                    # That the buyer has other tickets, its marketplace says as well.
                    self.platform(sale.platform).move(sale.platform_sale_id, RemoteSaleState.CANCELLED)
                with suppress(Conflict):
                    sale_report(actor=self.market.holding.actor, sale_id=sale.pk, what=what, reason="by mail")

        @rule(pick=st.integers(0, 3))
        def hand_over(self, pick: int) -> None:
            sales = list(Sale.objects.filter(state=SaleState.CONFIRMED).order_by("pk"))
            if pick < len(sales):
                with suppress(Conflict):  # it is on its way
                    sale_fulfil(
                        actor=self.market.holding.actor, sale_id=sales[pick].pk, method="mobile_transfer",
                        confirmation=f"C-{sales[pick].pk}",
                    )  # fmt: skip

        @rule(pick=st.integers(0, 3), goes=st.booleans())
        def go_there(self, pick: int, goes: bool) -> None:
            """The holder keeps a seat for himself, or gives it up again; what is on offer he cannot keep."""
            seat = self.market.holding.seats_of(self.market.holding.game)[pick]
            state = OwnerState.ATTENDING if goes else OwnerState.AVAILABLE
            if seat.state in {OwnerState.AVAILABLE, OwnerState.ATTENDING}:
                with suppress(Conflict, InvalidInput):
                    seats_set_state(
                        actor=self.market.holding.actor, seat_ids=[seat.pk], to_state=state, reason="plans changed"
                    )

        @rule(pick=st.integers(0, 9), price=st.integers(60, 120))
        def reprice(self, pick: int, price: int) -> None:
            listings = list(Listing.objects.filter(status__in=OPEN).order_by("pk"))
            if pick < len(listings):
                price_apply(
                    actor=self.market.holding.actor, changes=[PriceChange(listings[pick].pk, Decimal(price), None)]
                )

        @rule(name=st.sampled_from(["alpha", "beta"]))
        def tell(self, name: str) -> None:
            platform = self.platform(name)
            for sale in list(platform.sales.values()):
                self.market.webhook(sale, platform=platform)

        @rule(name=st.sampled_from(["alpha", "beta"]))
        def poll(self, name: str) -> None:
            account_sync_sales(account=self.market.accounts[name])

        @rule()
        def work(self) -> None:
            MarketplaceCommand.objects.filter(state="pending").update(not_before=now())
            self.market.work(rounds=2)

        @rule(pick=st.integers(0, 9))
        def take_one_down(self, pick: int) -> None:
            ids = list(Listing.objects.filter(status__in=OPEN).order_by("pk").values_list("pk", flat=True))
            if pick < len(ids):
                listings_delist(actor=self.market.holding.actor, listing_ids=[ids[pick]])

        @invariant()
        def what_was_charged_is_what_the_lines_say(self) -> None:
            for sale in Sale.objects.all():
                lines = PayoutLine.objects.filter(sale=sale).values_list("penalty", flat=True)
                assert sale.charged == sum(lines, Decimal("0.00"))

        @invariant()
        def a_game_that_is_off_is_off_for_each_of_its_sales(self) -> None:
            self.market.holding.game.refresh_from_db()
            off = self.market.holding.game.status == GameStatus.CANCELLED
            for sale in Sale.objects.filter(state__in=SALE_LIVE):
                assert (sale.ending == SaleEnding.GAME_OFF) == off, (sale, sale.ending)

        @invariant()
        def a_seat_is_sold_once(self) -> None:
            live = list(SaleSeat.objects.filter(live=True).values_list("seat_id", flat=True))
            assert len(live) == len(set(live))
            sold = Seat.objects.filter(state__in=[OwnerState.SOLD], game=self.market.holding.game)
            assert set(sold.values_list("pk", flat=True)) <= set(live)
            for seat in Seat.objects.filter(pk__in=live):
                assert seat.state in {OwnerState.SOLD, OwnerState.HELD}

        @invariant()
        def a_sale_and_the_ledger_say_the_same(self) -> None:
            """Whoever has a seat sold has it live, and no seat that its holder keeps is anybody's."""
            live = dict(SaleSeat.objects.filter(live=True).values_list("seat_id", "sale__state"))
            assert set(live.values()) <= SALE_LIVE
            kept = Seat.objects.filter(state=OwnerState.ATTENDING).values_list("pk", flat=True)
            assert not live.keys() & set(kept)

        @invariant()
        def what_an_unclear_sale_may_have_is_free_for_nobody(self) -> None:
            """But what its holder says he has himself; and what he gives up again is not offered either."""
            for sale in Sale.objects.filter(state=SaleState.NEEDS_PERSON, missing=False):
                for seat in Seat.objects.filter(pk__in=sale.may_be_of, state=OwnerState.AVAILABLE):
                    assert seat.changes.order_by("-at", "-pk")[0].reason == "plans changed", (sale, seat)
                    assert not ListingSeat.objects.filter(may_be_shown(), seat=seat, offered=True).exists()

        @invariant()
        def no_price_is_shown_that_nobody_decided(self) -> None:
            for platform in (self.market.alpha, self.market.beta):
                for key, shown in platform.listings.items():
                    listing = Listing.objects.get(external_id=key)
                    decided = {listing.original_price, listing.price}
                    accepted = PriceProposal.objects.filter(listing=listing, accepted=True)
                    assert shown.price in decided | set(accepted.values_list("proposed_price", flat=True))

        def teardown(self) -> None:
            if hasattr(self, "market"):
                try:
                    self.settle()
                finally:
                    transaction.savepoint_rollback(self.savepoint)

        def settle(self) -> None:
            """Let everything arrive: then nothing that is sold may still be shown anywhere."""
            for platform in (self.market.alpha, self.market.beta):
                platform.script.clear()
                platform.script_applied.clear()
            self.call_off(off=False)
            for (name, sale_id), seats in self.took.items():
                # Sooner or later each marketplace says which seats it sold.
                sales = self.platform(name).sales
                sales[sale_id] = replace(sales[sale_id], seats=tuple(map(str, seats)))
            self.decide("alpha", paid=True)
            self.decide("beta", paid=True)
            for _ in range(8):
                for name in ("alpha", "beta"):
                    self.tell(name)
                    self.poll(name)
                self.work()
            self.nothing_sold_is_on_offer()
            self.a_seat_is_sold_once()
            self.both_sides_agree()

        def nothing_sold_is_on_offer(self) -> None:
            numbers = set(
                Seat.objects.filter(game=self.market.holding.game, state=OwnerState.SOLD).values_list(
                    "seat_number", flat=True
                )
            )
            for platform in (self.market.alpha, self.market.beta):
                for key in platform.shown():
                    assert not numbers & set(platform.seats.get(key, [])), "a sold seat is still on offer"

        def both_sides_agree(self) -> None:
            assert not MarketplaceCommand.objects.filter(state__in=["pending", "in_flight", "needs_person"]).exists()
            for listing in Listing.objects.filter(status="active"):
                there = self.platform(listing.platform).listings[listing.external_id]
                assert (there.price, there.quantity) == (listing.price, listing.quantity), "not as we want it"
            # What is in conflict was refused, and what was refused is in conflict or was taken back.
            for sale in Sale.objects.filter(state__in=["conflict", "cancelled"]):
                remote = self.platform(sale.platform).sales[sale.platform_sale_id]
                assert remote.state is RemoteSaleState.CANCELLED, (sale, remote.state)
            # Every sale that stands at its marketplace has its seats here, or waits for a person who was told why.
            for platform in (self.market.alpha, self.market.beta):
                for remote in platform.sales.values():
                    if remote.state is not RemoteSaleState.CANCELLED:
                        sale = Sale.objects.get(platform=platform.key, platform_sale_id=remote.sale_id)
                        assert sale.sale_seats.filter(live=True).count() == remote.quantity, (sale, sale.state_reason)

    return Saga


@pytest.mark.django_db
def test_i01_no_order_of_events_sells_a_seat_twice_or_leaves_it_listed(
    platforms: tuple[ScriptedPlatform, ScriptedPlatform],
) -> None:
    run_state_machine_as_test(
        machine(platforms),
        settings=settings(
            max_examples=20, stateful_step_count=12, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
