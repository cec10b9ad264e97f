"""A publication that was refused is changed and sent again: its price, its split, how its tickets are delivered."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import FoundKind, FoundListing, Listing, ListingStatus, MarketplaceCommand, PriceProposal
from listings.services.delivery_terms import delivery_terms_set
from listings.services.mend import command_again, listing_mend
from listings.services.pricing import listing_reprice
from listings.services.publish import listing_publish
from marketplaces.errors import PermanentError, TemporaryError, UnknownOutcome
from portfolios.models import OwnerState, Seat
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from seatsync.live.models import Alert
from tests.market import Market

pytestmark = pytest.mark.django_db


def refused(market: Market, error: Exception | None = None) -> Listing:
    """The listing that alpha did not take."""
    market.alpha.script["create"] = [error or PermanentError("the price is too high")]
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    listing = Listing.objects.get()
    assert listing.status == ListingStatus.ERROR
    return listing


def mend(market: Market, listing: Listing, **changes: Any) -> Listing:
    return listing_mend(actor=market.holding.actor, listing_id=listing.pk, **changes)


def test_it_is_sent_again_at_another_price(market: Market) -> None:
    listing = refused(market)
    mended = mend(market, listing, price=Decimal("80.00"), version=listing.version)
    assert (mended.status, mended.price, mended.proceeds) == ("publishing", Decimal("80.00"), Decimal("72.00"))
    market.work()
    listing.refresh_from_db()
    assert (listing.status, listing.live_price, listing.status_reason) == ("active", Decimal("80.00"), "")
    (there,) = market.alpha.listings.values()
    assert there.price == Decimal("80.00")
    assert [call for call, _ in market.alpha.calls].count("create") == 2
    # Its create took the price along.
    assert not MarketplaceCommand.objects.filter(kind="reprice").exists()
    assert PriceProposal.objects.get(listing=listing).accepted
    assert not Alert.objects.filter(kind="command.needs_person", state="firing").exists()


def test_a_price_of_what_was_refused_is_kept_and_not_sent_until_it_is_tried_again(market: Market) -> None:
    listing = refused(market)
    listing_reprice(actor=market.holding.actor, listing_id=listing.pk, price=Decimal("80.00"), version=listing.version)
    market.work()
    listing.refresh_from_db()
    assert (listing.status, listing.price, listing.live_price) == ("error", Decimal("80.00"), None)
    assert not MarketplaceCommand.objects.exclude(kind="create").exists()
    command_again(actor=market.holding.actor, command_id=MarketplaceCommand.objects.get().pk)
    market.work()
    assert market.alpha.listings[listing.external_id].price == Decimal("80.00")


def test_the_door_guards_a_mended_price_too(market: Market) -> None:
    listing = refused(market)
    with pytest.raises(InvalidInput, match="below your floor"):
        mend(market, listing, price=Decimal("49.00"), version=listing.version)
    with pytest.raises(Conflict):
        mend(market, listing, price=Decimal("80.00"), version=listing.version - 1)
    listing.refresh_from_db()
    assert (listing.status, listing.price) == ("error", Decimal("84.00"))
    assert MarketplaceCommand.objects.get().state == "needs_person"


def test_another_try_promises_what_the_season_ticket_says_by_now(market: Market) -> None:
    listing = refused(market)
    delivery_terms_set(
        actor=market.holding.actor, ticket_id=market.holding.ticket.pk, delivery="mobile_transfer",
        in_hand_on=market.holding.game.game_date - timedelta(days=1), disclosures=["aisle"],
    )  # fmt: skip
    command_again(actor=market.holding.actor, command_id=MarketplaceCommand.objects.get().pk)
    listing.refresh_from_db()
    assert (listing.in_hand_on, listing.disclosures) == (
        market.holding.game.game_date - timedelta(days=1), ["aisle"],
    )  # fmt: skip
    market.work()
    listing.refresh_from_db()
    assert listing.status == "active"


def test_what_its_marketplace_takes_not_is_not_sent_again(market: Market) -> None:
    listing = refused(market)
    delivery_terms_set(actor=market.holding.actor, ticket_id=market.holding.ticket.pk, delivery="paper")
    with pytest.raises(InvalidInput, match="takes no paper"):
        mend(market, listing)
    listing.refresh_from_db()
    assert (listing.status, MarketplaceCommand.objects.get().state) == ("error", "needs_person")


def test_another_split_is_sent(market: Market) -> None:
    listing = refused(market)
    with pytest.raises(InvalidInput, match="unknown"):
        mend(market, listing, split_type="by two")
    assert mend(market, listing, split_type="pairs").split_type == "pairs"
    market.work()
    assert Listing.objects.get().status == "active"


def test_what_may_be_up_there_already_is_read_back_first_and_keeps_what_it_promised(market: Market) -> None:
    market.alpha.script_applied["create"] = [UnknownOutcome("cut off")]
    market.alpha.script["fetch"] = [TemporaryError("away")] * 8
    market.publish(account_ids=[market.accounts["alpha"].pk])
    for _ in range(10):
        market.hurry()
        market.work()
    listing = Listing.objects.get()
    assert listing.status == "error"
    delivery_terms_set(
        actor=market.holding.actor, ticket_id=market.holding.ticket.pk, delivery="mobile_transfer",
        disclosures=["aisle"],
    )  # fmt: skip
    with pytest.raises(Conflict, match="may be up there"):
        mend(market, listing, split_type="pairs")
    mend(market, listing)
    market.alpha.script["fetch"] = []
    market.work()
    listing.refresh_from_db()
    assert (listing.status, listing.disclosures) == ("active", [])
    assert [call for call, _ in market.alpha.calls].count("create") == 1


def test_seats_that_are_gone_or_listed_there_anew_are_not_sent_again(market: Market) -> None:
    listing = refused(market)
    seat = market.holding.seats[0]
    Seat.objects.filter(pk=seat.pk).update(state=OwnerState.ATTENDING)
    with pytest.raises(Conflict, match="attending"):
        mend(market, listing)
    Seat.objects.filter(pk=seat.pk).update(state=OwnerState.AVAILABLE)
    listing_publish(
        actor=market.holding.actor, seat_ids=[seat.pk], account_ids=[market.accounts["alpha"].pk],
        price=Decimal("84.00"), floor=Decimal("50.00"), ceiling=Decimal("200.00"),
    )  # fmt: skip
    with pytest.raises(Conflict, match="already, by another listing"):
        command_again(actor=market.holding.actor, command_id=MarketplaceCommand.objects.get(listing=listing).pk)
    market.work()
    assert len(market.alpha.shown()) == 1


def test_what_was_found_there_and_may_be_of_its_seats_is_decided_on_first(market: Market) -> None:
    listing = refused(market)
    FoundListing.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, kind=FoundKind.LISTING, remote_id="77",
        game=listing.game, section=listing.section, row=listing.row, quantity=2,
        price=Decimal("90.00"), first_seen_at=now(), last_seen_at=now(),
    )  # fmt: skip
    with pytest.raises(Conflict, match="may be of these seats"):
        mend(market, listing)
    listing.refresh_from_db()
    assert listing.status == ListingStatus.ERROR


def test_while_it_is_sent_again_its_seats_are_offered_there_no_second_time(market: Market) -> None:
    listing = refused(market)
    mend(market, listing)
    with pytest.raises(Conflict, match="listed on Alpha already"):
        market.publish(account_ids=[market.accounts["alpha"].pk])


def test_strangers_and_viewers_change_nothing_and_what_is_up_is_not_sent_again(market: Market) -> None:
    listing, holder = refused(market), market.holding
    for actor, refusal in (
        (holder.outsider, NotFound),
        (holder.other, NotFound),
        (holder.viewer, (NotFound, NotAllowed)),
    ):
        with pytest.raises(refusal):
            listing_mend(actor=actor, listing_id=listing.pk, price=Decimal("80.00"))
    listing.refresh_from_db()
    assert (listing.status, listing.price) == ("error", Decimal("84.00"))
    mend(market, listing)
    market.work()
    with pytest.raises(Conflict, match="active"):
        mend(market, listing)


def test_the_page_changes_what_was_refused_and_sends_it(market: Market, client: Client) -> None:
    listing = refused(market)
    client.force_login(market.holding.user)
    url = reverse("listings:listing_mend", args=[listing.pk])
    page = client.get(reverse("listings:listing_detail", args=[listing.pk])).content.decode()
    assert f'action="{url}"' in page
    assert reverse("listings:delivery_terms", args=[listing.season_ticket_id]) in page
    sent = {"price": "49", "version": listing.version, "split_type": "any"}
    answer = client.post(url, sent)
    assert answer.status_code == 422
    assert "It was not sent again" in answer.content.decode()
    assert "below your floor" in answer.content.decode()
    answer = client.post(url, {**sent, "price": "80"})
    assert answer.status_code == 302
    listing.refresh_from_db()
    assert (listing.status, listing.price) == ("publishing", Decimal("80.00"))
    assert f'action="{url}"' not in client.get(reverse("listings:listing_detail", args=[listing.pk])).content.decode()


def test_who_shares_the_tickets_and_not_the_account_is_offered_no_other_try(market: Market, client: Client) -> None:
    listing = refused(market)
    page = reverse("listings:listing_detail", args=[listing.pk])
    again = reverse("listings:command_retry", args=[MarketplaceCommand.objects.get().pk])
    client.force_login(User.objects.get(pk=market.holding.co_owner.id))
    told = client.get(page).content.decode()
    assert "could not publish it" in told
    assert "Try again" not in told
    assert client.post(again).status_code == 404
    client.force_login(market.holding.user)
    assert "Try again" in client.get(page).content.decode()
