"""A buyer who was faster than a change of ours: what he took does not stay on sale because the change says so."""

from datetime import timedelta
from decimal import Decimal

import pytest

from listings.models import CommandKind, CommandState, MarketplaceCommand
from listings.services.execute import execute
from listings.services.outbox import command_claim, leases_reap
from listings.services.pricing import listing_reprice
from marketplaces.errors import UnknownOutcome
from seatsync.core.clock import now
from tests.market import Market

pytestmark = pytest.mark.django_db


def resizes(market: Market, key: str) -> int:
    return sum(call == ("resize", key) for call in market.alpha.calls)


@pytest.mark.parametrize("lost", [False, True])
def test_i03_a_size_that_arrives_after_a_buyer_is_sent_anew_when_we_hear_of_him(market: Market, lost: bool) -> None:
    alpha, beta = market.published()
    if lost:
        market.alpha.script_applied["resize"] = [UnknownOutcome("lost")]
    market.webhook(market.beta.sell(beta.external_id, (4,)), platform=market.beta)
    sale = market.alpha.sell(alpha.external_id, (1,))
    market.work()
    assert market.alpha.seats[alpha.external_id] == [1, 2, 3]
    market.webhook(sale)
    market.hurry()
    market.work()
    assert market.alpha.seats[alpha.external_id] == [2, 3]
    assert resizes(market, alpha.external_id) >= 2


def test_i03_a_price_whose_worker_died_may_have_gone_and_is_followed_by_their_size_too(market: Market) -> None:
    """It is sent once more by itself, but with the listing as it is there by then: with the seats that it put back."""
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1,))
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("80.00"), version=alpha.version)
    claimed = command_claim()
    assert claimed is not None
    execute(claimed)
    market.alpha.seats[alpha.external_id] = [1, 2, 3, 4]
    MarketplaceCommand.objects.filter(pk=claimed.pk).update(lease_until=now() - timedelta(seconds=1))
    assert leases_reap() == 1
    market.webhook(sale)
    market.work()
    assert market.alpha.seats[alpha.external_id] == [2, 3, 4]


def test_i03_a_price_that_went_to_a_platform_that_takes_listings_whole_is_followed_by_their_size(
    market: Market,
) -> None:
    alpha, _ = market.published()
    sale = market.alpha.sell(alpha.external_id, (1,))
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("80.00"), version=alpha.version)
    market.work()
    # What it read before the buyer came it has written back.
    market.alpha.seats[alpha.external_id] = [1, 2, 3, 4]
    market.webhook(sale)
    market.work()
    assert market.alpha.seats[alpha.external_id] == [2, 3, 4]


def test_a_partial_sale_that_no_change_overtook_sends_nothing_to_its_own_marketplace(market: Market) -> None:
    alpha, _ = market.published()
    MarketplaceCommand.objects.filter(kind=CommandKind.CREATE).update(state=CommandState.DONE)
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    market.work()
    assert resizes(market, alpha.external_id) == 0
