"""A holder who works an account at beta with his own hands."""

from decimal import Decimal

from listings.models import Listing, MarketplaceCommand, Sale
from listings.selectors import hand_tasks
from listings.services.by_hand import hand_done, hand_sold
from listings.services.publish import listing_publish
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import connect_assisted
from portfolios.models import Seat
from seatsync.accounts.models import User
from tests.market import Market


def assist(market: Market) -> MarketplaceAccount:
    """An account at beta that gives its holder no interface; the one that has is gone."""
    market.accounts["beta"].is_active = False
    market.accounts["beta"].save()
    # What a person lists with his hands is no practice, nor is what is listed beside it.
    market.accounts["alpha"].mode = Mode.LIVE
    market.accounts["alpha"].save()
    User.objects.filter(pk=market.holding.user.pk).update(kyc_status="approved")
    return connect_assisted(actor=market.holding.actor, platform="beta")


def offer(market: Market, *accounts: MarketplaceAccount) -> list[Listing]:
    made = listing_publish(
        actor=market.holding.actor, seat_ids=[seat.pk for seat in market.holding.seats],
        account_ids=[account.pk for account in accounts], price=Decimal("84.00"), floor=Decimal("50.00"),
        ceiling=Decimal("200.00"),
    )  # fmt: skip
    market.work()
    return sorted(made, key=lambda listing: listing.platform)


def task(market: Market, kind: str) -> MarketplaceCommand:
    return hand_tasks(market.holding.actor).get(kind=kind)


def told(market: Market, listing: Listing, seats: list[Seat], order: str) -> Sale:
    return hand_sold(
        actor=market.holding.actor, listing_id=listing.pk, seat_ids=[seat.pk for seat in seats],
        price=Decimal("84.00"), order=order,
    )  # fmt: skip


def up(market: Market, account: MarketplaceAccount) -> tuple[Listing, Listing]:
    """All seats are on offer at alpha, and at beta by hand."""
    alpha, beta = offer(market, market.accounts["alpha"], account)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk, listing_id="TM-77")
    return alpha, beta
