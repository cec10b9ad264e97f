"""Accounts under a limit, and what arrives at the simulated marketplaces.

The buckets' clock is Valkey's, which nobody moves: limits are so slow here that no token comes back by itself, and what
a second brings is put in by hand (`refill`).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import httpx

from listings.health import LimitUse, account_health
from listings.models import CommandState, Listing, MarketplaceCommand
from listings.services.outbox import commands_drain
from listings.services.payouts import accounts_sync_payouts
from listings.services.publish import listing_publish
from listings.services.sync import accounts_sync_due
from marketplaces.contracts import NoAnswers
from marketplaces.models import LimitVersion, MarketplaceAccount
from marketplaces.selectors import limit_bucket
from marketplaces.simulator.app import Simulator
from marketplaces.simulator.transport import SimulatorTransport
from seatsync.core.clock import now
from seatsync.core.limiters import look, valkey
from tests.builders import Holding
from tests.listings.simulated import control

# No token comes back while a test runs.
STANDS = Decimal("0.00100")


def limit_used(account: MarketplaceAccount) -> LimitUse:
    """How an account's own bucket stands."""
    found = account_health(account).limit
    assert found is not None
    return found


@dataclass
class Counted(SimulatorTransport):
    """What arrives at the marketplaces."""

    simulator: Simulator
    arrived: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.simulator)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "/_sim/" not in request.url.path:
            self.arrived.append(f"{request.method} {request.url.path}")
        return super().handle_request(request)


class ToldAt(NoAnswers):
    """A reading that began then."""

    def __init__(self, began: datetime) -> None:
        self._began = began

    @property
    def began(self) -> datetime:
        return self._began


def limit(platform: str, *, burst: int, reserved: int = 2, per_second: Decimal = STANDS, request: str = "") -> None:
    LimitVersion.objects.create(
        platform=platform, request=request, per_second=per_second, burst=burst, reserved=reserved,
        valid_from=date(2024, 1, 1), source="test", checked_on=date(2024, 1, 1),
    )  # fmt: skip


def refill(account: MarketplaceAccount, tokens: int) -> None:
    """So many tokens come in, as they would with time."""
    valkey().hincrbyfloat(f"bucket:{limit_bucket(account.pk)}", "tokens", tokens)


def due_now() -> None:
    MarketplaceCommand.objects.filter(state=CommandState.PENDING).update(not_before=now())
    MarketplaceAccount.objects.update(polled_at=None)


def asked_for(account: MarketplaceAccount) -> int:
    """How many tokens were taken in the last minute."""
    return look(limit_bucket(account.pk), capacity=10_000, per_second=10_000).granted


def publish(holding: Holding, account: MarketplaceAccount, number: int = 4, *, first: int = 0) -> list[Listing]:
    return [
        listing_publish(
            actor=holding.actor, seat_ids=[seat.pk], account_ids=[account.pk], price=Decimal("84.00"),
            floor=Decimal("50.00"), ceiling=Decimal("200.00"),
        )[0]
        for seat in holding.seats[first : first + number]
    ]  # fmt: skip


def everything() -> None:
    """What the workers do: commands, polls, payouts, and a sweep that was ordered."""
    due_now()
    commands_drain()
    accounts_sync_due()
    accounts_sync_payouts()
    commands_drain()


def sold(simulator: Simulator, listings: list[Listing]) -> None:
    for listing in listings:
        control("sell", platform=listing.platform, external_id=listing.external_id, quantity=1)
