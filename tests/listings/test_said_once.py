"""What a marketplace was told of a sale is not told it again because its answer was lost (I-23)."""

import pytest

from listings.models import CommandState, MarketplaceCommand, Sale, SaleState
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import TemporaryError, UnknownOutcome
from tests.market import Market

pytestmark = pytest.mark.django_db


def said(market: Market, what: str) -> int:
    return sum(call == what for platform in (market.alpha, market.beta) for call, _ in platform.calls)


def test_a_confirmation_whose_answer_was_lost_is_read_back_first(market: Market) -> None:
    alpha, _ = market.published()
    market.alpha.script_applied["confirm"] = [UnknownOutcome("lost")]
    sale = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(sale)
    market.work()
    market.hurry()
    market.work()
    assert said(market, "confirm") == 1
    assert MarketplaceCommand.objects.get(kind="confirm_sale").state == CommandState.DONE
    assert market.sale().state == SaleState.CONFIRMED


def test_a_confirmation_that_did_not_arrive_is_said_again(market: Market) -> None:
    alpha, _ = market.published()
    market.alpha.script["confirm"] = [UnknownOutcome("lost")]
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM))
    market.work()
    market.hurry()
    market.work()
    assert said(market, "confirm") == 2
    assert MarketplaceCommand.objects.get(kind="confirm_sale").state == CommandState.DONE


@pytest.mark.parametrize("hidden", [True, False])
def test_a_rejection_whose_answer_was_lost_is_read_back_first(market: Market, hidden: bool) -> None:
    alpha, beta = market.published()
    market.beta.script_applied["reject"] = [UnknownOutcome("lost")]
    late = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(late, platform=market.beta)
    market.work()
    if hidden:
        # Some tell nothing any more of what was refused.
        del market.beta.sales[late.sale_id]
    market.hurry()
    market.work()
    assert said(market, "reject") == 1
    assert MarketplaceCommand.objects.get(kind="reject_sale").state == CommandState.DONE
    assert Sale.objects.get(platform="beta").state in {SaleState.CONFLICT, SaleState.CANCELLED}


def test_a_rejection_that_cannot_be_read_back_waits(market: Market) -> None:
    alpha, beta = market.published()
    market.beta.script["reject"] = [UnknownOutcome("lost")]
    late = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(late, platform=market.beta)
    market.work()
    market.beta.script["fetch_sale"] = [TemporaryError("busy")]
    market.hurry()
    market.work()
    assert MarketplaceCommand.objects.get(kind="reject_sale").state == CommandState.PENDING
    market.hurry()
    market.work()
    assert said(market, "reject") == 2
    assert market.beta.sales[late.sale_id].state is RemoteSaleState.CANCELLED
