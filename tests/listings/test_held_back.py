"""What was decided before a brake or a hold came is not sent after it (I-13, I-19); a delist is, always."""

from datetime import timedelta
from decimal import Decimal

import pytest

from listings.models import Listing, MarketplaceCommand, Sale
from listings.services.delist import listings_delist
from listings.services.fulfil import sale_fulfil
from listings.services.pricing import listing_reprice
from listings.services.reconcile import account_reconcile
from listings.services.sale_holds import sale_hold, sale_hold_release
from listings.services.trading import trading_state_set
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import PermanentError, TemporaryError, UnknownOutcome
from marketplaces.registry import adapter_get
from marketplaces.services.links import link_for
from portfolios.services.ledger import seats_set_state
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput
from seatsync.live.models import Alert, AlertState
from tests.market import Market

pytestmark = pytest.mark.django_db


def brake(market: Market, state: str) -> None:
    trading_state_set(
        actor=market.holding.actor, scope="holder", scope_id=market.holding.user.pk, state=state, reason="stop"
    )


def reprice(market: Market, listing: Listing, price: str) -> None:
    listing.refresh_from_db()
    listing_reprice(actor=market.holding.actor, listing_id=listing.pk, price=Decimal(price), version=listing.version)


@pytest.mark.parametrize("state", ["HALTED", "NO_NEW_LISTINGS"])
def test_i19_a_queued_listing_does_not_go_up_after_the_brake_and_does_when_it_is_lifted(
    market: Market, state: str
) -> None:
    market.publish()
    brake(market, state)
    market.work()
    assert (market.alpha.calls, market.beta.calls) == ([], [])
    assert set(MarketplaceCommand.objects.values_list("state", "attempts")) == {("pending", 0)}
    said = {"HALTED": "waiting: trading is halted", "NO_NEW_LISTINGS": "waiting: trading takes no new listings"}
    assert set(MarketplaceCommand.objects.values_list("last_error", flat=True)) == {said[state]}
    brake(market, "ACTIVE")
    market.work()
    assert set(Listing.objects.values_list("status", flat=True)) == {"active"}


@pytest.mark.parametrize(("state", "price", "sent"), [
    ("HALTED", "90.00", False), ("RAISE_ONLY", "80.00", False), ("RAISE_ONLY", "90.00", True),
])  # fmt: skip
def test_i19_a_queued_price_stops_at_the_brake(market: Market, state: str, price: str, sent: bool) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, price)
    brake(market, state)
    market.work()
    assert (("reprice", alpha.external_id) in market.alpha.calls) is sent


def test_i19_a_delist_goes_out_under_every_brake(market: Market) -> None:
    alpha, _ = market.published()
    brake(market, "HALTED")
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    market.work()
    assert market.alpha.shown() == []


def test_i19_a_sale_is_held_taken_confirmed_and_handed_over_under_every_brake(market: Market) -> None:
    alpha, beta = market.published()
    brake(market, "HALTED")
    account = market.accounts["alpha"]
    sold = market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    assert sale_hold(account=account, external_id=alpha.external_id, platform_sale_id=sold.sale_id) == 4
    market.webhook(sold)
    market.work()
    assert ("confirm", sold.sale_id) in market.alpha.calls
    assert market.beta.seats[beta.external_id] == [3, 4]
    sale_fulfil(
        actor=market.holding.actor, sale_id=Sale.objects.get().pk, method="mobile_transfer", confirmation="TX-77"
    )
    market.work()
    assert ("fulfil", "TX-77") in market.alpha.calls


def test_i13_a_queued_price_waits_while_a_seat_is_held_and_goes_on_after(market: Market) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, "80.00")
    account = market.accounts["alpha"]
    sale_hold(account=account, external_id=alpha.external_id, platform_sale_id="s1")
    market.work()
    assert ("reprice", alpha.external_id) not in market.alpha.calls
    sale_hold_release(account=account, platform_sale_id="s1", reason="it was none")
    market.hurry()
    market.work()
    assert market.alpha.listings[alpha.external_id].price == Decimal("80.00")


def test_i13_a_queued_price_waits_for_a_provisional_partial_sale(market: Market) -> None:
    alpha, _ = market.published()
    reprice(market, alpha, "80.00")
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL))
    market.work()
    assert ("reprice", alpha.external_id) not in market.alpha.calls


def test_i01_a_held_seat_does_not_go_up_on_a_second_marketplace(market: Market) -> None:
    (alpha,) = market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    market.publish(account_ids=[market.accounts["beta"].pk])
    sale_hold(account=market.accounts["alpha"], external_id=alpha.external_id, platform_sale_id="s1")
    market.work()
    assert market.beta.shown() == []


@pytest.mark.parametrize("fault", [TemporaryError("429", retry_after_s=5), UnknownOutcome("timeout")])
def test_a_price_waits_for_its_listing_to_be_up(market: Market, fault: Exception) -> None:
    (listing,) = market.publish(account_ids=[market.accounts["alpha"].pk])
    market.alpha.script["create"] = [fault]
    market.work()
    reprice(market, listing, "80.00")
    market.work()
    market.hurry()
    market.work()
    listing.refresh_from_db()
    assert (listing.status, market.alpha.listings[listing.external_id].price) == ("active", Decimal("80.00"))


@pytest.mark.parametrize("fault", [TemporaryError("503"), PermanentError("403 forbidden"), UnknownOutcome("timeout")])
def test_a_delist_is_never_given_up(market: Market, fault: Exception) -> None:
    alpha, beta = market.published()
    market.beta.script["delist"] = [fault] * 40
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    for _ in range(40):
        market.hurry()
        market.work(rounds=1)
    command = MarketplaceCommand.objects.get(kind="delist", listing=beta)
    assert (command.state, market.beta.shown()) == ("pending", [beta.external_id])
    assert command.not_before < now() + timedelta(seconds=80)
    alert = Alert.objects.get(kind="command.needs_person")
    assert (alert.severity, alert.state) == ("critical", "firing")
    market.hurry()
    market.work()
    assert market.beta.shown() == []
    alert.refresh_from_db()
    assert alert.state == "recovered"


def test_a_listing_whose_create_was_given_up_is_adopted_when_the_sweep_finds_it(market: Market) -> None:
    (listing,) = market.publish(account_ids=[market.accounts["alpha"].pk])
    market.alpha.script_applied["create"] = [UnknownOutcome("500")]
    market.alpha.script["fetch"] = [TemporaryError("500")] * 8
    for _ in range(9):
        market.hurry()
        market.work(rounds=1)
    listing.refresh_from_db()
    assert (listing.status, market.alpha.shown()) == ("error", [listing.external_id])
    # It may be up: its seats are not free for anything else.
    with pytest.raises(Conflict):
        seats_set_state(
            actor=market.holding.actor, seat_ids=[seat.pk for seat in market.holding.seats], to_state="attending",
            reason="we go",
        )  # fmt: skip
    with pytest.raises(Conflict):
        market.publish(account_ids=[market.accounts["alpha"].pk])
    Listing.objects.update(updated_at=now() - timedelta(hours=1))
    account = market.accounts["alpha"]
    account_reconcile(adapter=adapter_get("alpha"), link=link_for(account), account=account)
    listing.refresh_from_db()
    assert listing.status == "active"
    # Its publication is nobody's task any more.
    assert MarketplaceCommand.objects.get(kind="create").state == "superseded"
    assert Alert.objects.get(kind="command.needs_person").state == AlertState.RECOVERED


def test_staff_cannot_offer_one_holders_seats_on_anothers_account(market: Market) -> None:
    from listings.services.publish import listing_publish
    from marketplaces.models import MarketplaceAccount
    from seatsync.accounts.models import User

    stranger = MarketplaceAccount.objects.create(
        tenant_id=market.holding.ticket.tenant_id, user=User.objects.get(email="other@example.com"), platform="alpha",
        access_token="t", webhook_secret="s", sales_synced_until=now(),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        listing_publish(
            actor=market.holding.staff, seat_ids=[seat.pk for seat in market.holding.seats], account_ids=[stranger.pk],
            price=Decimal(84), floor=Decimal(50), ceiling=Decimal(200),
        )  # fmt: skip
    assert caught.value.problems[0].field == "accounts"
