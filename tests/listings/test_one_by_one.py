"""A row that cannot be worked off now, because somebody else has it or for good, keeps no other one back."""

from datetime import timedelta

import pytest

from listings.locks import listings_lock
from listings.models import CommandState, Listing, MarketplaceCommand
from listings.services import expire
from listings.services.delist import listing_take_down
from listings.services.expire import listings_expire
from listings.services.outbox import command_claim, commands_drain, leases_reap
from marketplaces.models import MarketplaceAccount
from marketplaces.services import connect
from marketplaces.services.connect import accounts_close, disconnect
from seatsync.core import locks
from seatsync.core.clock import now
from tests.elsewhere import held_elsewhere
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market


@pytest.fixture
def market(
    transactional_db: None, platforms: tuple[ScriptedPlatform, ScriptedPlatform], monkeypatch: pytest.MonkeyPatch
) -> Market:
    """One that other connections see too, whose workers the tests are."""
    for module in ("commands", "outbox", "record"):
        monkeypatch.setattr(f"listings.services.{module}.outbox_wake", lambda **_: None)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT_MS", 50)
    return build_market(platforms)


def past(market: Market) -> list[Listing]:
    """Two listings on sale of a game that has begun."""
    market.publish(market.holding.seats[:2])
    while commands_drain():
        pass
    game = market.holding.game
    type(game).objects.filter(pk=game.pk).update(starts_at=now() - timedelta(minutes=1))
    return list(Listing.objects.order_by("pk"))


@pytest.mark.django_db(transaction=True)
def test_i08_a_listing_that_somebody_else_is_changing_keeps_no_other_on_sale(market: Market) -> None:
    held, other = past(market)
    with held_elsewhere(lambda: listings_lock([held.pk])):
        assert listings_expire() == 1
    assert Listing.objects.get(pk=other.pk).status == "delisting"
    assert listings_expire() == 1


@pytest.mark.django_db(transaction=True)
def test_i08_a_listing_over_which_we_stumble_keeps_no_other_on_sale(
    market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    odd, other = past(market)

    def stumbles(listing: Listing, *, reason: str) -> bool:
        if listing.pk == odd.pk:
            raise ZeroDivisionError("a fault of our own")
        return listing_take_down(listing, reason=reason)

    monkeypatch.setattr(expire, "listing_take_down", stumbles)
    assert listings_expire() == 1
    assert Listing.objects.get(pk=other.pk).status == "delisting"
    assert "a fault of our own" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_i23_an_exhausted_command_whose_listing_somebody_has_keeps_no_other_command_in_flight(market: Market) -> None:
    market.publish(market.holding.seats[:2])
    first, second = command_claim(), command_claim()
    assert first is not None
    assert second is not None
    held = Listing.objects.get(commands=first).pk
    over = MarketplaceCommand.objects.filter(state=CommandState.IN_FLIGHT)
    over.update(lease_until=now() - timedelta(seconds=1))
    over.filter(pk=first.pk).update(attempts=8)
    with held_elsewhere(lambda: listings_lock([held])):
        assert leases_reap() == 1
    assert MarketplaceCommand.objects.get(pk=second.pk).state == CommandState.PENDING
    assert leases_reap() == 1
    assert MarketplaceCommand.objects.get(pk=first.pk).state == CommandState.NEEDS_PERSON


@pytest.mark.django_db(transaction=True)
def test_an_account_over_which_we_stumble_keeps_no_other_from_being_closed(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = connect._close_if_through
    odd = min(account.pk for account in market.accounts.values())
    for account in market.accounts.values():
        with monkeypatch.context() as patch:
            patch.setattr(connect, "_close_if_through", lambda _: False)
            disconnect(actor=market.holding.actor, account_id=account.pk)

    def stumbles(account: MarketplaceAccount) -> bool:
        if account.pk == odd:
            raise ZeroDivisionError("a fault of our own")
        return close(account)

    monkeypatch.setattr(connect, "_close_if_through", stumbles)
    accounts_close()
    while commands_drain():
        pass
    accounts_close()
    still = MarketplaceAccount.objects.filter(is_active=True).values_list("pk", flat=True)
    assert list(still) == [odd]
