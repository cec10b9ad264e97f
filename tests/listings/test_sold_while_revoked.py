"""Seats that sell elsewhere while a marketplace's grant has ended: they stay on show there, and that is said."""

import pytest

from listings.models import CommandState, Listing, MarketplaceCommand
from listings.services.delist import listings_delist
from marketplaces.contracts import Grant
from marketplaces.services.connect import account_keep
from marketplaces.services.links import reconnect_ask
from seatsync.live.models import Alert, AlertState
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def revoked(market: Market) -> tuple[Listing, Listing]:
    """All seats are up at both, and alpha takes nothing from us any more; its holder was asked to connect it again."""
    alpha, beta = market.published()
    account = market.accounts["alpha"]
    reconnect_ask(account.pk, "revoked there", seen_token=account.access_token)
    account.refresh_from_db()
    return alpha, beta


def stuck() -> Alert:
    return Alert.objects.get(kind="command.needs_person")


@pytest.mark.parametrize("taken", [(1, 2), (1, 2, 3, 4)])
def test_it_is_said_at_once_that_what_was_sold_cannot_be_taken_down(
    market: Market, revoked: tuple[Listing, Listing], taken: tuple[int, ...]
) -> None:
    alpha, beta = revoked
    market.webhook(market.beta.sell(beta.external_id, taken), platform=market.beta)
    market.work()
    (command,) = MarketplaceCommand.objects.filter(listing=alpha, sale__isnull=False)
    assert command.state == CommandState.PENDING
    told = stuck()
    assert (told.severity, told.object_id) == ("critical", str(command.pk))
    assert "Alpha could not" in told.title
    assert "They were sold elsewhere, and are on show there still" in told.body
    assert "connect Alpha again, or take them down there yourself: they may be sold twice" in told.body
    # A try more says it no second time.
    market.hurry()
    market.work()
    assert stuck().pk == told.pk
    grant = Grant("anew", account_id=market.accounts["alpha"].account_id)
    account_keep(actor=market.holding.actor, platform="alpha", mode="paper", grant=grant)
    market.hurry()
    market.work()
    assert stuck().state == AlertState.RECOVERED
    rest = [seat for seat in (1, 2, 3, 4) if seat not in taken]
    assert (market.alpha.seats[alpha.external_id] if market.alpha.shown() else []) == rest


def test_what_merely_comes_down_there_is_said_with_the_grant_alone(
    market: Market, revoked: tuple[Listing, Listing]
) -> None:
    listings_delist(actor=market.holding.actor, listing_ids=[revoked[0].pk])
    market.work()
    assert not Alert.objects.filter(kind="command.needs_person").exists()
    assert "Still up there: 4 in 131/27 1-4" in Alert.objects.get(kind="account.reconnect").body
