"""Leaving in order: everything comes down and is seen to be gone before the keys go; what is sold stays deliverable."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from listings.models import CommandState, Listing, ListingStatus, MarketplaceCommand, PushHalt, Sale, SaleState
from listings.services.drain import Leaving, holder_drain
from listings.services.fulfil import sale_fulfil
from marketplaces.models import MarketplaceAccount
from marketplaces.services.alerts import alert_reconnect
from marketplaces.services.connect import accounts_close
from seatsync.core.actors import Actor, ActorKind
from seatsync.core.clock import now
from seatsync.core.errors import InvalidInput, NotAllowed
from seatsync.live.models import Alert
from seatsync.tenants.services import tenant_resume, tenant_suspend
from tests.market import Market

pytestmark = pytest.mark.django_db


def staff(market: Market) -> Actor:
    return Actor(ActorKind.STAFF, "1", market.holding.ticket.tenant_id, None)


def polled(market: Market) -> None:
    MarketplaceAccount.objects.update(sales_synced_until=now() + timedelta(days=365))


def test_a_suspended_tenant_is_halted_and_drained_and_its_sales_stay_deliverable_and_paid(market: Market) -> None:
    first, _ = market.published(market.holding.seats[:2])
    market.webhook(market.alpha.sell(first.external_id, (1, 2)))
    market.work()
    sale = market.sale()
    market.published(market.holding.seats[2:])
    tenant_id = market.holding.ticket.tenant_id
    with pytest.raises(NotAllowed):
        tenant_suspend(actor=market.holding.actor, tenant_id=tenant_id, reason="unpaid")
    with pytest.raises(InvalidInput):
        tenant_suspend(actor=staff(market), tenant_id=tenant_id, reason=" ")
    tenant = tenant_suspend(actor=staff(market), tenant_id=tenant_id, reason="unpaid")
    assert tenant.suspended_at is not None
    assert PushHalt.objects.in_force().get(tenant_id=tenant_id).state == "HALTED"
    accounts_close()
    assert not any(account.takes_listings for account in MarketplaceAccount.objects.all())
    market.work()
    assert (market.alpha.shown(), market.beta.shown()) == ([], [])
    polled(market)
    accounts_close()
    alpha, beta = (MarketplaceAccount.objects.get(platform=key) for key in ("alpha", "beta"))
    assert (beta.is_active, beta.access_token) == (False, "")
    # The sale is not through: its account keeps its key, and it is handed over and paid.
    assert (alpha.is_active, alpha.access_token) == (True, "token")
    sale_fulfil(actor=market.holding.actor, sale_id=sale.pk, method="mobile_transfer", confirmation="TX-1")
    market.work()
    sale.refresh_from_db()
    assert sale.state == SaleState.FULFILLED
    tenant_resume(actor=staff(market), tenant_id=tenant_id)
    assert not PushHalt.objects.in_force().exists()


def test_a_drain_verifies_that_everything_is_gone_before_the_key_goes(market: Market) -> None:
    market.published()
    assert holder_drain(actor=staff(market), user_id=market.holding.user.pk, why=Leaving.ERASURE) == 2
    assert holder_drain(actor=staff(market), user_id=market.holding.user.pk, why=Leaving.ERASURE) == 0
    accounts_close()
    assert MarketplaceAccount.objects.filter(is_active=True).count() == 2
    market.work(rounds=1)
    polled(market)
    MarketplaceCommand.objects.filter(kind="verify_gone").update(state=CommandState.PENDING, not_before=now())
    accounts_close()
    assert MarketplaceAccount.objects.filter(is_active=True).count() == 2
    market.work()
    accounts_close()
    assert not MarketplaceAccount.objects.filter(is_active=True).exists()
    assert not Listing.objects.exclude(status=ListingStatus.CANCELLED).exists()
    assert not Listing.objects.filter(gone_verified_at=None).exists()


def test_a_revoked_token_alerts_with_what_is_still_up(market: Market) -> None:
    alpha, _ = market.published()
    alert_reconnect(market.accounts["alpha"])
    body = Alert.objects.get(kind="account.reconnect").body
    assert f"4 in 131/27 1-4, {alpha.game.words}" in body


@pytest.mark.parametrize("why", Leaving)
def test_whoever_leaves_is_drained_first_and_what_he_sold_is_handed_over(market: Market, why: Leaving) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    call_command("drain_holder", market.holding.user.email.upper(), "--why", why.value)
    assert not MarketplaceAccount.objects.filter(user=market.holding.user, is_active=True, closing_at=None).exists()
    accounts_close()
    market.work()
    assert not Listing.objects.filter(status=ListingStatus.ACTIVE).exists()
    sale_fulfil(actor=market.holding.actor, sale_id=Sale.objects.get().pk, method="mobile_transfer", confirmation="T-1")
    market.work()
    assert Sale.objects.get().state == SaleState.FULFILLED
    with pytest.raises(CommandError, match="No user has the address"):
        call_command("drain_holder", "nobody@example.com", "--why", why.value)
