"""A holder who sells at one simulated platform, through its real adapter, on a clock that is moved by hand."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import time_machine

from listings.models import Listing, Sale
from listings.services.delivery_terms import delivery_terms_set
from listings.services.fulfil import sale_fulfil
from listings.services.payout_checks import payouts_check
from listings.services.payouts import accounts_sync_payouts
from listings.services.publish import listing_publish
from listings.services.sync import account_sync_sales
from marketplaces.delivery import DeliveryType, HandOver
from marketplaces.models import MarketplaceAccount
from marketplaces.registry import adapter_get, hand_overs_of
from marketplaces.services.files import file_declare
from marketplaces.simulator.app import Simulator
from seatsync.core.clock import now
from seatsync.live.models import Alert
from tests.builders import Holding
from tests.listings.simulated import control, game_in, work

PROOF: dict[HandOver, dict[str, Any]] = {
    HandOver.MOBILE_TRANSFER: {"confirmation": "CONF-1"},
    HandOver.TRANSFER_URL: {"transfer_urls": ["https://transfer.example/1", "https://transfer.example/2"]},
}


@dataclass
class Seller:
    """A holder who has sold two seats of the coming game at one simulated platform and handed them over."""

    holding: Holding
    simulator: Simulator
    travel: time_machine.Traveller
    account: MarketplaceAccount

    @property
    def sale(self) -> Sale:
        return Sale.objects.select_related("payout_calendar", "game").get()

    def go(self, moment: datetime) -> None:
        """Time passes for us and for them, and what is told is read."""
        self.travel.move_to(moment)
        self.simulator.tick()
        accounts_sync_payouts()
        payouts_check()

    def alert(self, kind: str) -> Alert:
        return Alert.objects.get(kind=kind, user_id=self.holding.user.pk)


def sell_and_hand_over(holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str) -> Seller:
    """Two seats of the coming game, sold and handed over."""
    seller = sell(holding, simulator, travel, platform)
    way = hand_overs_of(platform)[0]
    sale_fulfil(actor=holding.actor, sale_id=seller.sale.pk, method=way, **PROOF[way])
    work()
    return seller


def sell(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str,
    delivery: str = DeliveryType.MOBILE_TRANSFER,
) -> Seller:  # fmt: skip
    """Two seats of the coming game, sold; their tickets are of this kind."""
    account, listing = listed(holding, platform, delivery)
    control("sell", platform=platform, external_id=listing.external_id, quantity=2)
    account_sync_sales(account=account)
    work()
    return Seller(holding, simulator, travel, account)


def listed(
    holding: Holding, platform: str, delivery: str = DeliveryType.MOBILE_TRANSFER
) -> tuple[MarketplaceAccount, Listing]:
    """Two seats of the coming game, on offer at a new account; their tickets are of this kind."""
    if delivery == DeliveryType.PAPER:
        # What is to be sent as a parcel is on sale until days before its game.
        game_in(holding.game, 12)
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery=delivery)
    account = connected(holding, platform)
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]], account_ids=[account.pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return account, Listing.objects.get(pk=listing.pk)


def connected(holding: Holding, platform: str) -> MarketplaceAccount:
    """The holder's new account at a simulated platform, with nothing listed on it."""
    made = control("accounts", platform=platform)
    account = MarketplaceAccount.objects.create(
        tenant_id=holding.ticket.tenant_id, user=holding.user, platform=platform, access_token=made["access_token"],
        refresh_token=made.get("refresh_token", ""), account_id=made["account_id"], sales_synced_until=now(),
        stock_taken_at=now(),
    )  # fmt: skip
    if adapter_get(platform).traits.whole_account:
        file_declare(account, b"")
    return account


def another(sale: Sale) -> Sale:
    """A second sale of the same account, made by nobody's listing here."""
    return Sale.objects.create(
        tenant_id=sale.tenant_id, account=sale.account, mode=sale.mode, platform=sale.platform,
        platform_sale_id="other", quantity=2, state="confirmed", sold_at=now(), noticed_at=now(),
    )  # fmt: skip
