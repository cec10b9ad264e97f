"""Platforms index late: what is not found a moment after it was sent is judged later, and comes down as it arrives."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import time_machine

from listings.models import CommandState, Listing, MarketplaceCommand
from listings.services.delist import listings_delist
from listings.services.outbox import command_claim
from listings.services.pricing import listing_reprice
from listings.services.settling import SETTLE
from marketplaces.contracts import RemoteListing
from marketplaces.errors import TemporaryError, UnknownOutcome
from seatsync.core.clock import now
from tests.listings.platform import ScriptedPlatform
from tests.market import Market

pytestmark = pytest.mark.django_db


def young(market: Market) -> tuple[Listing, Listing]:
    """Published on alpha and beta this very moment."""
    market.publish()
    market.work()
    alpha, beta = Listing.objects.order_by("platform")
    return alpha, beta


def hidden(platform: ScriptedPlatform) -> dict[str, RemoteListing]:
    """It has them, and shows them to nobody yet."""
    found = dict(platform.listings)
    platform.listings.clear()
    return found


def sold_on_beta(market: Market, beta: Listing, seats: tuple[int, ...]) -> None:
    market.webhook(market.beta.sell(beta.external_id, seats), platform=market.beta)


def last(listing: Listing, kind: str) -> MarketplaceCommand:
    return MarketplaceCommand.objects.filter(listing=listing, kind=kind).latest("created_at")


def asked(market: Market) -> list[str]:
    """What alpha was asked since the last time."""
    told = [call for call, _ in market.alpha.calls]
    market.alpha.calls.clear()
    return told


def test_a_size_that_is_not_found_right_after_publishing_is_sent_again(
    market: Market, travel: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha, beta = young(market)
    late = hidden(market.alpha)
    sold_on_beta(market, beta, (1, 2))
    looked: list[str] = []
    monkeypatch.setattr("listings.services.record.enqueue_on_commit", lambda path, **_: looked.append(path))
    market.work()
    # It may be sold there already: that is asked at once, and once.
    market.hurry()
    market.work(rounds=1)
    assert looked == ["listings.tasks.poll_account_sales"]
    alpha.refresh_from_db()
    resize = last(alpha, "resize")
    assert (alpha.status, resize.state, resize.last_error) == (
        "active", "pending", "its marketplace does not show it yet",
    )  # fmt: skip
    # Soon: four seats may be on offer there from the next moment on, of which two are sold.
    assert resize.not_before - now() < timedelta(seconds=1)
    market.alpha.listings.update(late)
    travel.shift(timedelta(seconds=1))
    market.work()
    alpha.refresh_from_db()
    assert (alpha.status, market.alpha.listings[alpha.external_id].quantity) == ("active", 2)
    assert MarketplaceCommand.objects.filter(state=CommandState.PENDING).count() == 0


def test_what_is_still_not_found_once_it_has_settled_is_gone(market: Market, travel: time_machine.Traveller) -> None:
    alpha, beta = young(market)
    hidden(market.alpha)
    sold_on_beta(market, beta, (1, 2))
    asked(market)
    for _ in range(62):
        market.work()
        travel.shift(timedelta(seconds=0.5))
    alpha.refresh_from_db()
    assert (alpha.status, alpha.status_reason) == ("cancelled", "the marketplace no longer has it")
    # Ever slower, and believed at last.
    assert 5 <= asked(market).count("resize") <= 10
    assert last(alpha, "resize").state == CommandState.DONE


def test_a_price_that_is_not_found_yet_is_sent_once_more(market: Market, travel: time_machine.Traveller) -> None:
    alpha, _ = young(market)
    late = hidden(market.alpha)
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("90.00"), version=None)
    asked(market)
    market.work()
    travel.shift(SETTLE - timedelta(seconds=1))
    market.work()
    assert asked(market).count("reprice") == 1
    market.alpha.listings.update(late)
    travel.shift(timedelta(seconds=1))
    market.work()
    alpha.refresh_from_db()
    assert (alpha.status, alpha.live_price) == ("active", Decimal("90.00"))
    assert market.alpha.listings[alpha.external_id].price == Decimal("90.00")


def test_what_was_changed_a_moment_ago_is_not_judged_either(market: Market, travel: time_machine.Traveller) -> None:
    alpha, _ = market.published()
    reprice = partial(listing_reprice, actor=market.holding.actor, listing_id=alpha.pk, version=None)
    reprice(price=Decimal("90.00"))
    market.work()
    late = hidden(market.alpha)
    reprice(price=Decimal("95.00"))
    market.work()
    alpha.refresh_from_db()
    assert alpha.status == "active"
    market.alpha.listings.update(late)
    travel.shift(SETTLE)
    market.work()
    assert market.alpha.listings[alpha.external_id].price == Decimal("95.00")


def test_an_old_listing_that_is_not_found_is_gone_at_once(market: Market) -> None:
    alpha, _ = market.published()
    hidden(market.alpha)
    listing_reprice(actor=market.holding.actor, listing_id=alpha.pk, price=Decimal("90.00"), version=None)
    market.work()
    alpha.refresh_from_db()
    assert alpha.status == "cancelled"


@pytest.mark.parametrize("lost", [True, False], ids=["never answered", "young"])
def test_what_arrives_after_its_take_down_comes_down(
    market: Market, travel: time_machine.Traveller, lost: bool
) -> None:
    if lost:
        market.alpha.script_applied["create"] = [UnknownOutcome("it gave no answer in time")]
    alpha, beta = young(market)
    late = hidden(market.alpha)
    sold_on_beta(market, beta, (1, 2, 3, 4))
    market.work()
    alpha.refresh_from_db()
    look = last(alpha, "verify_gone")
    assert (alpha.status, look.state, alpha.gone_verified_at) == ("cancelled", "pending", None)
    assert timedelta(seconds=29) < look.not_before - now() <= SETTLE
    if lost:
        create = last(alpha, "create")
        assert (create.state, create.outcome_unknown) == ("superseded", True)
    market.alpha.listings.update(late)
    travel.shift(SETTLE)
    market.work()
    assert market.alpha.shown() == []
    travel.shift(SETTLE)
    market.work()
    alpha.refresh_from_db()
    assert (alpha.status, alpha.gone_verified_at is not None) == ("cancelled", True)
    assert not MarketplaceCommand.objects.filter(state=CommandState.PENDING).exists()


def test_a_part_that_sells_elsewhere_before_its_publication_arrives(
    market: Market, travel: time_machine.Traveller
) -> None:
    market.alpha.script_applied["create"] = [UnknownOutcome("it gave no answer in time")]
    alpha, beta = young(market)
    late = hidden(market.alpha)
    sold_on_beta(market, beta, (1, 2))
    market.work()
    market.alpha.listings.update(late)
    travel.shift(SETTLE)
    market.work()
    alpha.refresh_from_db()
    assert (alpha.status, market.alpha.shown()) == ("cancelled", [])


def test_an_ordinary_take_down_is_verified_at_once_by_one_request(market: Market) -> None:
    alpha, _ = market.published()
    asked(market)
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    market.work()
    alpha.refresh_from_db()
    assert (asked(market), alpha.gone_verified_at is not None) == (["delist", "fetch"], True)


def test_a_late_look_believes_nothing_while_the_account_does_not_answer(
    market: Market, travel: time_machine.Traveller
) -> None:
    alpha, _ = young(market)
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    market.work()
    market.alpha.listings.clear()
    market.alpha.script["list_all"] = [TemporaryError("404: it cannot be found now")]
    travel.shift(SETTLE)
    asked(market)
    market.work()
    alpha.refresh_from_db()
    look = last(alpha, "verify_gone")
    assert (asked(market), look.state, alpha.gone_verified_at) == (["fetch", "list_all"], "pending", None)
    travel.shift(timedelta(seconds=5))
    market.work()
    alpha.refresh_from_db()
    assert (last(alpha, "verify_gone").state, alpha.gone_verified_at) == ("done", now())


def test_a_look_waits_for_its_time_and_takes_down_what_has_come(market: Market, travel: time_machine.Traveller) -> None:
    """Also what was answered to be down comes down once more."""
    alpha, _ = young(market)
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    market.work()
    assert last(alpha, "verify_gone").state == "pending"
    assert command_claim() is None
    market.alpha.listings[alpha.external_id] = replace(
        market.beta.listings[Listing.objects.get(platform="beta").external_id], external_id=alpha.external_id
    )
    travel.shift(SETTLE)
    market.work()
    assert alpha.external_id not in market.alpha.shown()
