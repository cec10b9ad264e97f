"""A holding with accounts on two scripted platforms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from listings.models import Listing, MarketplaceCommand, Sale
from listings.services.outbox import commands_drain
from listings.services.publish import listing_publish
from marketplaces import registry
from marketplaces.contracts import RemoteSale
from marketplaces.models import FeeVersion, MarketplaceAccount
from marketplaces.services.inbox import inbox_receive
from marketplaces.services.understand import inbound_due, inbound_process
from portfolios.models import Seat
from seatsync.core.clock import now
from tests.builders import GAMES, Holding, build_holding
from tests.listings.platform import ScriptedPlatform
from tests.listings.simulated import settled


@dataclass
class Market:
    """Two platforms, the holder's accounts there, and the worker's moves."""

    holding: Holding
    alpha: ScriptedPlatform
    beta: ScriptedPlatform
    accounts: dict[str, MarketplaceAccount]

    def publish(self, seats: list[Seat] | None = None, *, price: str = "84.00", **changes: Any) -> list[Listing]:
        arguments: dict[str, Any] = {
            "seat_ids": [seat.pk for seat in (seats or self.holding.seats)],
            "account_ids": [account.pk for account in self.accounts.values()],
            "price": Decimal(price), "floor": Decimal("50.00"), "ceiling": Decimal("200.00"),
        }  # fmt: skip
        return listing_publish(actor=self.holding.actor, **{**arguments, **changes})

    def published(self, seats: list[Seat] | None = None, **changes: Any) -> tuple[Listing, Listing]:
        """Publish, let the worker run, and return the listings on alpha and beta, which have been up for a while."""
        self.publish(seats, **changes)
        self.work()
        settled()
        alpha, beta = Listing.objects.order_by("-created_at")[:2][::-1]
        return (alpha, beta) if alpha.platform == "alpha" else (beta, alpha)

    def work(self, rounds: int = 6) -> None:
        """The worker drains what is due, as often as it takes."""
        for _ in range(rounds):
            if not commands_drain():
                return

    def webhook(self, sale: RemoteSale, *, kind: str = "sale", platform: ScriptedPlatform | None = None) -> int:
        """The platform tells us of a sale; the inbox is worked off at once."""
        key = (platform or self.alpha).key
        fresh = self.announce(sale.sale_id, sale.external_id, kind=kind, key=key)
        self.process(key)
        return fresh

    def announce(self, sale_id: str, external_id: str, *, kind: str = "sale", key: str = "alpha") -> int:
        """A notice is stored, and not understood yet."""
        account = self.accounts[key]
        return inbox_receive(
            platform=key, account_id=account.pk, headers={"Authorization": account.webhook_secret},
            body=f"{kind}|{sale_id}|{external_id}".encode(),
        )  # fmt: skip

    def process(self, key: str = "alpha") -> None:
        """The worker looks at every notice that waits, due or not."""
        for event in self.accounts[key].inbound.filter(state="received").order_by("received_at"):
            inbound_process(event_id=event.pk)

    @staticmethod
    def hurry() -> None:
        """Every waiting command is due now."""
        MarketplaceCommand.objects.filter(state="pending").update(not_before=now())

    def sale(self) -> Sale:
        return Sale.objects.get()

    @staticmethod
    def due() -> list[object]:
        return list(inbound_due())


def scripted(patch: pytest.MonkeyPatch, platforms: tuple[ScriptedPlatform, ScriptedPlatform]) -> None:
    """These are the registry's platforms."""
    patch.setattr(registry, "_found", lambda: {platform.key: platform for platform in platforms})


def build_market(platforms: tuple[ScriptedPlatform, ScriptedPlatform], games: int = GAMES) -> Market:
    holding = build_holding(games)
    accounts = {
        platform.key: MarketplaceAccount.objects.create(
            stock_taken_at=now(),
            tenant_id=holding.ticket.tenant_id, user=holding.user, platform=platform.key, access_token="token",
            webhook_secret=f"secret-{platform.key}", sales_synced_until=now(),
        )
        for platform in platforms
    }  # fmt: skip
    for key in accounts:
        FeeVersion.objects.create(
            platform=key, side="seller", percent=Decimal("10.000"), valid_from=date(2024, 1, 1), source="test",
            checked_on=date(2024, 1, 1),
        )  # fmt: skip
    return Market(holding, *platforms, accounts)
