"""I-08: a listing comes down at the first of its bounds, says which, and is not published after it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from listings.models import Listing, ListingStatus, ListingTicket, MarketplaceCommand
from listings.services import expire
from listings.services.delivery_terms import delivery_terms_set
from listings.services.expire import listings_expire
from listings.services.list_until import Bound, comes_down, cut_offs, listing_until_set
from listings.services.mend import listing_mend
from listings.services.publish import listing_publish
from listings.services.reconcile import account_reconcile
from marketplaces.delivery import DeliveryType
from marketplaces.errors import PermanentError
from marketplaces.models import ListUntilVersion, TransferCutOffVersion
from marketplaces.registry import adapter_get
from marketplaces.services.figures import figures_load
from marketplaces.services.links import link_for
from marketplaces.simulator.app import Simulator
from portfolios.models import Game
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.audit import audit_read
from seatsync.core.clock import now
from seatsync.core.errors import Conflict, InvalidInput, NotAllowed, StaleVersion
from seatsync.core.models import AuditEntry
from seatsync.core.venue_time import local
from tests.builders import Holding
from tests.listings.selling import connected
from tests.listings.simulated import game_in, work
from tests.market import Market

pytestmark = pytest.mark.django_db
SEATTLE = "America/Los_Angeles"


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


def dated(model: Any, **row: Any) -> Any:
    told = {"valid_from": date(2024, 1, 1), "source": "test", "checked_on": date(2024, 1, 1)}
    return model.objects.create(**told | row)


def until(delivery: str = "", hours: str = "1", platform: str = "alpha", **row: Any) -> None:
    dated(ListUntilVersion, platform=platform, delivery=delivery, hours=Decimal(hours), basis="stops", **row)


def starts_in(market: Market, **ahead: float) -> datetime:
    Game.objects.filter(pk=market.holding.game.pk).update(starts_at=now() + timedelta(**ahead))
    return Game.objects.get(pk=market.holding.game.pk).starts_at


def on_alpha(market: Market) -> Listing:
    return Listing.objects.get(platform="alpha")


# What the platforms publish, end to end.
@pytest.mark.parametrize(
    ("platform", "delivery", "before_h", "says"),
    [
        ("vividseats", DeliveryType.PDF, 48, "Vivid Seats stops PDF sales 48 h before the game"),
        ("vividseats", DeliveryType.MOBILE_TRANSFER, 1, "Vivid Seats publishes no end of mobile transfer sales"),
        ("vividseats", DeliveryType.BARCODE, 1, "Vivid Seats publishes no end of barcode sales"),
        ("seatgeek", DeliveryType.MOBILE_TRANSFER, 2, "SeatGeek wants what it sold handed over by 2 h before the game"),
        ("seatgeek", DeliveryType.BARCODE, 2, "SeatGeek wants what it sold handed over by 2 h before the game"),
        ("seatgeek", DeliveryType.PDF, 2, "SeatGeek wants what it sold handed over by 2 h before the game"),
        ("stubhub", DeliveryType.MOBILE_TRANSFER, 1, "StubHub publishes no end of mobile transfer sales"),
        ("stubhub", DeliveryType.BARCODE, 1, "StubHub publishes no end of barcode sales"),
        ("stubhub", DeliveryType.PDF, 1, "StubHub publishes no end of PDF sales"),
        ("stubhub", DeliveryType.QR_CODE, 1, "StubHub publishes no end of QR code sales"),
        ("ticketmaster", DeliveryType.MOBILE_TRANSFER, 1, "Ticketmaster publishes no end of mobile transfer sales"),
        ("gametime", DeliveryType.MOBILE_TRANSFER, 1, "Gametime publishes no end of mobile transfer sales"),
        ("gametime", DeliveryType.BARCODE, 1, "Gametime publishes no end of barcode sales"),
        ("gametime", DeliveryType.PDF, 1, "Gametime publishes no end of PDF sales"),
    ],
)
def test_i08_each_platforms_listings_come_down_as_it_says_of_such_tickets(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str, delivery: str,
    before_h: int, says: str,
) -> None:  # fmt: skip
    listing = listed(holding, platform, delivery)
    travel.move_to(holding.game.starts_at - timedelta(hours=before_h, minutes=1))
    assert listings_expire() == 0
    travel.move_to(holding.game.starts_at - timedelta(hours=before_h))
    assert listings_expire() == 1
    work()
    listing.refresh_from_db()
    assert listing.status == ListingStatus.CANCELLED
    assert says in listing.status_reason
    with pytest.raises(Conflict, match="too late to list these seats"):
        listed(holding, platform, delivery)


@pytest.mark.parametrize("platform", ["vividseats", "stubhub"])
def test_i08_paper_comes_down_while_it_can_still_be_sent(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller, platform: str
) -> None:
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery="paper")
    with pytest.raises(Conflict, match="5 shipping days before the game"):
        # The game is four days from now.
        listed(holding, platform, "paper")
    game_in(holding.game, 12)
    listing = listed(holding, platform, "paper")
    down = comes_down(listing)
    # Monday to Saturday: of six days in a row one is a Sunday, and the hour is the start's at the venue.
    ahead = local(holding.game.starts_at, SEATTLE).date() - local(down.at, SEATTLE).date()
    assert ahead.days in {5, 6}
    assert local(down.at, SEATTLE).time() == local(holding.game.starts_at, SEATTLE).time()
    travel.move_to(down.at - timedelta(seconds=1))
    assert listings_expire() == 0
    travel.move_to(down.at)
    assert listings_expire() == 1


def listed(holding: Holding, platform: str, delivery: str) -> Listing:
    delivery_terms_set(actor=holding.actor, ticket_id=holding.ticket.pk, delivery=delivery)
    found = holding.user.marketplace_accounts.filter(platform=platform).first()
    (listing,) = listing_publish(
        actor=holding.actor, seat_ids=[seat.pk for seat in holding.seats[:2]],
        account_ids=[(found or connected(holding, platform)).pk], price=Decimal("84.00"), floor=Decimal("50.00"),
        ceiling=Decimal("200.00"),
    )  # fmt: skip
    work()
    return Listing.objects.get(pk=listing.pk)


def test_i08_vivid_seats_sells_uploaded_pdfs_longer(holding: Holding, simulator: Simulator) -> None:
    listing = listed(holding, "vividseats", "pdf")
    assert comes_down(listing).at == holding.game.starts_at - timedelta(hours=48)
    for number, seat in enumerate(holding.seats[:2], start=1):
        ListingTicket.objects.create(
            tenant_id=listing.tenant_id, listing=listing, seat=seat, fingerprint=f"mark {number}"
        )
        expected = 6 if number == 2 else 48
        assert comes_down(listing).at == holding.game.starts_at - timedelta(hours=expected)


def test_i08_what_stubhub_says_of_a_listing_counts(
    holding: Holding, simulator: Simulator, travel: time_machine.Traveller
) -> None:
    listing = listed(holding, "stubhub", "mobile_transfer")
    ends = holding.game.starts_at - timedelta(hours=30)
    simulator.ledger.listings[int(listing.listing_id)].extra["expires_at"] = ends.isoformat()
    travel.shift(timedelta(minutes=1))
    sweep(listing)
    listing.refresh_from_db()
    down = comes_down(listing)
    assert (down.at, down.bound, down.why) == (ends, Bound.TOLD, "StubHub ends this listing then")
    travel.move_to(ends)
    assert listings_expire() == 1


def sweep(listing: Listing) -> None:
    account = listing.account
    account_reconcile(adapter=adapter_get(account.platform), link=link_for(account), account=account)


# The rows.
def test_i26_a_row_counts_from_its_day_on_and_the_nearest_of_them(market: Market) -> None:
    figures_load()
    market.published()
    assert comes_down(on_alpha(market)).at == market.holding.game.starts_at - timedelta(hours=1)
    until(hours="7")
    down = comes_down(on_alpha(market))
    assert (down.at, down.bound) == (market.holding.game.starts_at - timedelta(hours=7), Bound.EXCHANGE)
    assert down.why == "Alpha stops mobile transfer sales 7 h before the game"
    # A row of these tickets is nearer than one of all, and one that begins tomorrow is not in force.
    until("mobile_transfer", "3")
    until("mobile_transfer", "9", valid_from=now().date() + timedelta(days=1))
    assert comes_down(on_alpha(market)).at == market.holding.game.starts_at - timedelta(hours=3)
    assert figures_load() == 0


@pytest.mark.parametrize("whose", ["team", "league"])
def test_i08_a_clubs_or_leagues_transfer_cut_off_counts_for_transfers(market: Market, whose: str) -> None:
    game = Game.objects.select_related("home_team__league").get(pk=market.holding.game.pk)
    name = {"team": game.home_team, "league": game.home_team.league}[whose]
    dated(TransferCutOffVersion, hours=Decimal(3), **{whose: name})
    market.published()
    down = comes_down(on_alpha(market))
    assert (down.at, down.bound) == (game.starts_at - timedelta(hours=3), Bound.TRANSFER)
    assert down.why == f"{name} lets no ticket be transferred from 3 h before the game on"
    starts_in(market, hours=3)
    assert listings_expire() == 2
    Listing.objects.update(delivery="barcode")
    assert comes_down(on_alpha(market)).bound == Bound.EXCHANGE


def test_i08_a_clubs_own_transfer_cut_off_is_nearer_than_its_leagues(market: Market) -> None:
    team = Game.objects.get(pk=market.holding.game.pk).home_team
    dated(TransferCutOffVersion, hours=Decimal(9), league=team.league)
    dated(TransferCutOffVersion, hours=Decimal(3), team=team)
    market.published()
    assert comes_down(on_alpha(market)).at == market.holding.game.starts_at - timedelta(hours=3)


def test_i08_no_listing_outlives_the_start(market: Market) -> None:
    until(hours="0")
    market.published()
    Listing.objects.update(expires_there=market.holding.game.starts_at + timedelta(days=1))
    assert comes_down(on_alpha(market)).at == market.holding.game.starts_at


# The holder's own.
def test_i08_the_holders_own_cut_off_takes_the_listing_down(market: Market, travel: time_machine.Traveller) -> None:
    own = now() + timedelta(hours=5)
    market.published(list_until=own)
    assert (comes_down(on_alpha(market)).at, comes_down(on_alpha(market)).bound) == (own, Bound.OWN)
    travel.move_to(own - timedelta(seconds=1))
    assert listings_expire() == 0
    travel.move_to(own)
    assert listings_expire() == 2
    market.work()
    assert market.alpha.shown() == market.beta.shown() == []
    assert on_alpha(market).status_reason.endswith(": your own cut-off")


def test_i08_an_own_cut_off_lies_ahead_and_before_the_start(market: Market) -> None:
    for wrong in (now() - timedelta(minutes=1), market.holding.game.starts_at):
        with pytest.raises(InvalidInput, match=r"[Yy]our own cut-off") as refused:
            market.publish(list_until=wrong)
        assert refused.value.problems[0].field == "list_until"
    assert not Listing.objects.exists()


def test_i08_an_own_cut_off_is_changed_and_taken_back(market: Market) -> None:
    market.published()
    listing, own = on_alpha(market), now() + timedelta(hours=5)
    changed = listing_until_set(
        actor=market.holding.actor, listing_id=listing.pk, list_until=own, version=listing.version
    )
    assert (changed.list_until, changed.version) == (own, listing.version + 1)
    assert AuditEntry.objects.filter(verb="listing.until", object_id=str(listing.pk)).count() == 1
    with pytest.raises(StaleVersion):
        listing_until_set(actor=market.holding.actor, listing_id=listing.pk, list_until=None, version=listing.version)
    with pytest.raises(InvalidInput):
        listing_until_set(actor=market.holding.actor, listing_id=listing.pk, list_until=now(), version=None)
    with pytest.raises(NotAllowed):
        listing_until_set(actor=market.holding.viewer, listing_id=listing.pk, list_until=None, version=None)
    listing_until_set(actor=market.holding.actor, listing_id=listing.pk, list_until=None, version=None)
    assert comes_down(on_alpha(market)).bound == Bound.EXCHANGE
    Listing.objects.filter(pk=listing.pk).update(status="sold")
    with pytest.raises(Conflict):
        listing_until_set(actor=market.holding.actor, listing_id=listing.pk, list_until=own, version=None)


# Taking down.
def test_i08_of_one_game_some_listings_come_down_and_others_stay(market: Market) -> None:
    until("mobile_transfer", "6")
    market.published()
    starts_in(market, hours=5)
    assert listings_expire() == 1
    market.work()
    assert (market.alpha.shown(), len(market.beta.shown())) == ([], 1)
    listing = on_alpha(market)
    down = local(listing.game.starts_at - timedelta(hours=6), SEATTLE)
    assert listing.status_reason == f"{down:%-d %b %H:%M %Z}: Alpha stops mobile transfer sales 6 h before the game"
    told = AuditEntry.objects.get(verb="listing.expire", object_id=str(listing.pk))
    assert told.reason == listing.status_reason
    assert MarketplaceCommand.objects.get(listing=listing, kind="delist").payload == {"why": listing.status_reason}


def test_i08_of_a_game_that_is_off_no_bound_is_named(market: Market) -> None:
    market.published()
    Game.objects.filter(pk=market.holding.game.pk).update(status="postponed")
    assert listings_expire() == 2
    told = AuditEntry.objects.get(verb="listing.expire", object_id=str(on_alpha(market).pk))
    assert (told.reason, (audit_read(told) or {})["after"]) == (
        "its game is no longer as it was", {"status": ListingStatus.DELISTING},
    )  # fmt: skip


def test_i08_what_may_be_due_and_is_not_keeps_no_other_up(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beta's longer bound makes each of these worth a look; a batch of one is no batch of those alone."""
    until("mobile_transfer", "96", platform="gamma")
    monkeypatch.setattr(expire, "BATCH", 1)
    market.published()
    starts_in(market, hours=3)
    later = market.holding.games[-1]
    market.publish(market.holding.seats_of(later), list_until=now() + timedelta(hours=1))
    market.work()
    Listing.objects.filter(game=later, platform="beta").update(list_until=now())
    assert [listings_expire(), listings_expire()] == [1, 0]
    assert Listing.objects.get(game=later, platform="beta").status == ListingStatus.DELISTING


def test_i08_who_gave_it_more_time_meanwhile_keeps_it(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    market.published(list_until=now() + timedelta(hours=5))
    Listing.objects.update(list_until=now())
    found = list(expire._over(cut_offs()))
    assert len(found) == 2
    Listing.objects.filter(platform="alpha").update(list_until=None)
    monkeypatch.setattr(expire, "_over", lambda rows: iter(found))
    assert listings_expire() == 1
    assert on_alpha(market).status == ListingStatus.ACTIVE


def test_i08_looking_costs_the_same_however_many_are_offered(market: Market) -> None:
    market.published()
    few = asked(listings_expire)
    for game in market.holding.games[2:]:
        market.publish(market.holding.seats_of(game))
    market.work()
    assert asked(listings_expire) == few
    starts_in(market, hours=1.5)
    until("mobile_transfer", "2", platform="gamma")
    # One more: what may be due is read, and stays.
    assert asked(listings_expire) <= few + 4
    assert Listing.objects.filter(status=ListingStatus.ACTIVE).count() == 10


def asked(job: Callable[[], int]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert job() == 0
    return len(captured)


def test_i08_what_was_refused_is_not_sent_again_when_it_is_too_late(market: Market) -> None:
    market.alpha.script["create"] = [PermanentError("the row is unknown")]
    market.publish()
    market.work()
    listing = on_alpha(market)
    assert listing.status == ListingStatus.ERROR
    starts_in(market, minutes=59)
    with pytest.raises(Conflict, match="too late to list"):
        listing_mend(actor=market.holding.actor, listing_id=listing.pk)
    market.work()
    assert [call for call, _ in market.alpha.calls if call == "create"] == ["create"]
    assert on_alpha(market).status == ListingStatus.ERROR


# Pages and API.
def test_the_listing_page_says_when_it_comes_down_and_why(market: Market) -> None:
    until("mobile_transfer", "48")
    market.published()
    client, listing = browser(market.holding.actor), on_alpha(market)
    url = reverse("listings:listing_detail", args=[listing.pk])
    page = client.get(url).content.decode()
    down = local(market.holding.game.starts_at - timedelta(hours=48), SEATTLE)
    assert "Comes down" in page
    assert f"{down:%-d %b %H:%M %Z}" in page
    assert "Alpha stops mobile transfer sales 48 h before the game" in page
    # By the venue's clock.
    own = local(now() + timedelta(hours=5), SEATTLE).replace(second=0, microsecond=0)
    form = {"list_until": f"{own:%Y-%m-%dT%H:%M}", "version": listing.version}
    until_url = reverse("listings:listing_until", args=[listing.pk])
    assert client.post(until_url, form).status_code == 302
    assert on_alpha(market).list_until == own.astimezone(UTC)
    page = client.get(url).content.decode()
    assert "your own cut-off" in page
    assert f'value="{own:%Y-%m-%dT%H:%M}"' in page
    late = client.post(until_url, {"list_until": "2020-01-01T10:00", "version": on_alpha(market).version})
    assert late.status_code == 422
    assert "Your own cut-off is over already." in late.content.decode()
    for odd in ("0001-01-01T00:00", "9999-12-31T23:59", "soon"):
        assert client.post(until_url, {"list_until": odd, "version": on_alpha(market).version}).status_code == 422
    assert client.post(until_url, {"list_until": "", "version": on_alpha(market).version}).status_code == 302
    assert on_alpha(market).list_until is None
    Game.objects.filter(pk=listing.game_id).update(starts_at=now())
    listings_expire()
    page = client.get(url).content.decode()
    assert page.count("Alpha stops mobile transfer sales 48 h before the game") == 2
    assert "Comes down" not in page


def test_the_publish_panel_takes_an_own_cut_off(market: Market) -> None:
    client, game = browser(market.holding.actor), market.holding.game
    own = local(now() + timedelta(hours=5), SEATTLE).replace(second=0, microsecond=0)
    form = {
        "seats": [str(seat.pk) for seat in market.holding.seats[:2]],
        "accounts": [str(market.accounts["alpha"].pk)], "price": "84", "floor": "50", "ceiling": "200",
        "floor_basis": "list", "split_type": "any", "list_until": "2020-01-01T10:00",
    }  # fmt: skip
    url = reverse("analytics:game_publish", args=[game.pk])
    assert "On sale until" in client.get(reverse("analytics:game_detail", args=[game.pk])).content.decode()
    refused = client.post(url, form)
    assert refused.status_code == 422
    assert "Your own cut-off is over already." in refused.content.decode()
    assert client.post(url, {**form, "list_until": f"{own:%Y-%m-%dT%H:%M}"}).status_code == 302
    assert on_alpha(market).list_until == own.astimezone(UTC)


def test_publishing_too_late_is_refused_with_what_ended_it(market: Market) -> None:
    until("mobile_transfer", "200")
    with pytest.raises(Conflict) as refused:
        market.publish()
    problem = refused.value.problems[0]
    assert problem.field == "accounts"
    assert "too late to list these seats on Alpha. Until" in problem.detail
    assert "Alpha stops mobile transfer sales 200 h before the game" in problem.detail
    assert problem.remedy == "Leave this marketplace out."
    assert not Listing.objects.exists()
    market.publish(account_ids=[market.accounts["beta"].pk])
