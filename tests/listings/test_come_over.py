"""An account that was left and is connected again takes its sales and listings over from the row that it was."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.urls import reverse

from listings.models import (
    CommandKind,
    CommandState,
    FoundListing,
    Listing,
    ListingStatus,
    MarketplaceCommand,
    Sale,
    SaleState,
)  # fmt: skip
from listings.services.by_hand import hand_done, hand_sold
from listings.services.commands import command_write
from listings.services.delist import listings_delist
from listings.services.obstacles import hold_key
from listings.services.sale_saga import sale_apply
from listings.services.sync import account_sync_sales
from marketplaces.contracts import EventWords, RemoteListing, RemoteListingState, RemoteSale, RemoteSaleState
from marketplaces.errors import TemporaryError
from marketplaces.models import MarketplaceAccount, Mode
from marketplaces.services.connect import account_leave
from portfolios.models import OwnerState, Seat
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.errors import Conflict
from seatsync.live.models import Alert
from tests.builders import bearer, browser
from tests.hands import offer, task, told, up
from tests.listings.left import connected, sold_and_left
from tests.market import Market

pytestmark = pytest.mark.django_db


def sweep(market: Market, account: MarketplaceAccount) -> None:
    command_write(account=account, kind=CommandKind.SYNC_ACCOUNT, key=f"sync:{account.pk}:{now().timestamp()}")
    market.work()


@pytest.mark.parametrize("how", ["stock", "webhook", "poll"])
def test_a_sale_of_the_left_row_goes_on_over_the_new_one_however_it_is_told(market: Market, how: str) -> None:
    remote = sold_and_left(market)
    if how == "stock":
        account = connected(market, "alpha", Mode.PAPER, stock_taken_at=None)
        sweep(market, account)
    elif how == "webhook":
        account = connected(market, "alpha", Mode.PAPER)
        market.webhook(remote)
    else:
        account = connected(market, "alpha", Mode.PAPER)
        account_sync_sales(account=account)
    market.work()

    sale = market.sale()
    assert (sale.account, sale.mode, sale.state) == (account, Mode.PAPER, SaleState.FULFILLED)
    assert sale.listing is not None
    assert sale.listing.account == account
    seats = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats[:2]])
    key = hold_key(account.pk, remote.sale_id)
    assert set(seats.values_list("state", "held_by")) == {(OwnerState.SOLD, key)}
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.REJECT_SALE).exists()
    assert not [call for call in market.alpha.calls if call[0] == "reject"]
    assert not FoundListing.objects.exists()


def test_a_cancelled_sale_that_came_over_gives_its_seats_back(market: Market) -> None:
    remote = sold_and_left(market)
    account = connected(market, "alpha", Mode.PAPER, stock_taken_at=None)
    market.alpha.sales[remote.sale_id] = replace(remote, state=RemoteSaleState.CANCELLED, remote_status="Cancelled")
    Sale.objects.update(state=SaleState.CONFIRMED)

    sweep(market, account)

    assert (market.sale().account, market.sale().state) == (account, SaleState.CANCELLED)
    seats = Seat.objects.filter(pk__in=[seat.pk for seat in market.holding.seats[:2]])
    assert set(seats.values_list("state", flat=True)) == {OwnerState.AVAILABLE}


def test_a_sale_comes_over_alone_where_its_listing_was_met_anew_before(market: Market) -> None:
    remote = sold_and_left(market)
    old = market.sale().listing
    assert old is not None
    account = connected(market, "alpha", Mode.PAPER)
    twin = Listing.objects.create(
        **{field.attname: getattr(old, field.attname) for field in Listing._meta.concrete_fields
           if field.name not in {"id", "account", "external_id"}},
        account=account,
    )  # fmt: skip
    for seat in market.holding.seats[:2]:
        twin.listing_seats.create(tenant_id=twin.tenant_id, seat=seat)

    account_sync_sales(account=account)

    assert (market.sale().account, market.sale().state) == (account, SaleState.FULFILLED)
    old.refresh_from_db()
    assert old.account != account
    assert market.alpha.sales[remote.sale_id].state is RemoteSaleState.IN_DELIVERY


def told_and_connected(market: Market, assisted: MarketplaceAccount, order: str) -> tuple[Listing, Sale]:
    """Two seats of beta's listing were told by hand to have sold there; by now an account there tells of itself."""
    _, beta = up(market, assisted)
    sale = told(market, beta, market.holding.seats[:2], order)
    connected(market, "beta", Mode.LIVE)
    return beta, sale


def told_there(market: Market, sale: Sale, number: str) -> RemoteSale:
    """The same sale, as its marketplace tells it."""
    game = market.holding.game
    words = EventWords(f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat())
    return RemoteSale(
        sale_id=number, external_id="", listing_id="TM-77", event_id="", quantity=2, section="131", row="27",
        seats=("1", "2"), gross=Decimal("168.00"), fees=Decimal("16.80"), proceeds=Decimal("151.20"),
        currency="USD", state=RemoteSaleState.AWAITING_FULFILMENT, remote_status="Sold", sold_at=sale.sold_at,
        event=words,
    )  # fmt: skip


def test_a_sale_that_was_told_by_hand_is_the_one_that_the_connected_account_finds(
    market: Market, assisted: MarketplaceAccount
) -> None:
    beta, sale = told_and_connected(market, assisted, "a-1001")
    account = market.accounts["beta"]
    market.beta.sales["A-1001"] = told_there(market, sale, "A-1001")

    account_sync_sales(account=account)

    kept = Sale.objects.get()
    assert (kept.pk, kept.account, kept.platform_sale_id) == (sale.pk, account, "A-1001")
    assert (kept.state, kept.mode) == (SaleState.CONFIRMED, Mode.LIVE)
    beta.refresh_from_db()
    # Our own key names nothing to the place where a hand listed it.
    assert (beta.account, beta.listing_id) == (account, "TM-77")
    assert not MarketplaceCommand.objects.filter(kind=CommandKind.REJECT_SALE).exists()


def test_what_the_connected_account_has_is_not_told_by_hand_once_more(
    market: Market, assisted: MarketplaceAccount
) -> None:
    beta, sale = told_and_connected(market, assisted, "A-1001")
    account = market.accounts["beta"]
    sale_apply(account=account, remote=told_there(market, sale, "A-1001"))
    other = Listing.objects.create(
        **{field.attname: getattr(beta, field.attname) for field in Listing._meta.concrete_fields
           if field.name not in {"id", "account", "external_id", "listing_id"}},
        account=assisted, listing_id="TM-78",
    )  # fmt: skip
    other.listing_seats.create(tenant_id=other.tenant_id, seat=market.holding.seats[3])

    with pytest.raises(Conflict, match="A-1001 is known already"):
        hand_sold(
            actor=market.holding.actor, listing_id=other.pk, seat_ids=[market.holding.seats[3].pk],
            price=Decimal("84.00"), order="a-1001",
        )  # fmt: skip
    # Nor does a mail take it back from the account that tells of it.
    late = replace(told_there(market, sale, "a-1001"), state=RemoteSaleState.CANCELLED)
    assert sale_apply(account=assisted, remote=late) == sale
    sale.refresh_from_db()
    assert (sale.account, sale.state) == (account, SaleState.CONFIRMED)


def test_nothing_of_the_other_market_comes_over(market: Market) -> None:
    remote = sold_and_left(market)
    mine, account = market.sale(), connected(market, "alpha", Mode.LIVE)

    market.webhook(remote)

    assert set(Sale.objects.values_list("account__mode", "mode")) == {
        (Mode.ASSISTED, Mode.PAPER), (Mode.LIVE, Mode.LIVE)
    }  # fmt: skip
    # The real buyer has the seats, and what was sold on paper is over.
    assert Sale.objects.exclude(pk=mine.pk).get().account == account
    mine.refresh_from_db()
    assert mine.state == SaleState.CANCELLED


def test_nothing_of_another_holder_comes_over(market: Market) -> None:
    remote = sold_and_left(market)
    mine = market.sale()
    other = User.objects.create(email="come-over@example.com")
    account = connected(market, "alpha", Mode.PAPER, user=other)

    market.webhook(remote)

    mine.refresh_from_db()
    assert (mine.account.user, mine.state) == (market.holding.user, SaleState.CONFIRMED)
    assert Sale.objects.filter(account=account).count() == 1


def test_a_listing_of_the_left_row_is_the_one_that_the_new_row_shows(market: Market) -> None:
    alpha, beta = market.published()
    old = account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    listings_delist(actor=market.holding.actor, listing_ids=[alpha.pk])
    assert MarketplaceCommand.objects.get(account=old, kind=CommandKind.DELIST).by_hand
    account = connected(market, "alpha", Mode.PAPER, stock_taken_at=None)

    sweep(market, account)
    market.work()

    alpha.refresh_from_db()
    assert Listing.objects.count() == 2
    assert (alpha.account, alpha.made_there, alpha.status) == (account, False, ListingStatus.CANCELLED)
    # What waited for a hand its worker has done.
    down = MarketplaceCommand.objects.get(listing=alpha, kind=CommandKind.DELIST)
    assert (down.account, down.by_hand, down.state) == (account, False, CommandState.DONE)
    assert alpha.external_id not in market.alpha.shown()
    beta.refresh_from_db()
    assert beta.status == ListingStatus.ACTIVE


def test_what_a_worker_takes_down_again_is_no_hands_work_and_was_not_offered_nowhere_else(market: Market) -> None:
    alpha, _ = market.published()
    account_leave(actor=market.holding.actor, account_id=market.accounts["beta"].pk)
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    told_of = Alert.objects.get(kind="sale.sold", user_id=market.holding.user.pk)
    assert "Take them down at Beta with your own hands." in told_of.body
    account = connected(market, "beta", Mode.PAPER)
    market.beta.script["resize"] = [TemporaryError("it is away")]
    sweep(market, account)
    sale = market.sale()
    told_of.refresh_from_db()
    assert (sale.last_delist_at, told_of.body.endswith("They are being taken off sale elsewhere.")) == (None, True)
    market.hurry()
    market.work()
    sale.refresh_from_db()
    told_of.refresh_from_db()
    assert (sale.last_delist_at is not None, "They were off sale elsewhere" in told_of.body) == (True, True)


def test_a_listing_that_a_hand_gave_no_name_is_known_by_its_seats(market: Market, assisted: MarketplaceAccount) -> None:
    _, beta = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    game = market.holding.game
    market.beta.listings["there"] = RemoteListing(
        listing_id="B-9", external_id="there", event_id="", section="131", row="27", seat_from="1", seat_to="4",
        quantity=4, price=Decimal("84.00"), currency="USD", state=RemoteListingState.ACTIVE,
        event=EventWords(
            f"{game.opponent.name} at {game.home_team.name}", game.venue.name, game.game_date.isoformat()
        ),
    )  # fmt: skip
    market.beta.seats["there"] = [1, 2, 3, 4]
    account = connected(market, "beta", Mode.LIVE, stock_taken_at=None)

    sweep(market, account)

    beta.refresh_from_db()
    assert Listing.objects.filter(platform="beta").count() == 1
    assert (beta.account, beta.listing_id, beta.key_there) == (account, "B-9", "there")
    assert FoundListing.objects.get().listing == beta


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_listing_whose_seats_a_person_chose_is_the_one_of_the_left_row(
    market: Market, assisted: MarketplaceAccount, door: str
) -> None:
    """Else it has two projections: one would be taken down while the other says that it is still on show."""
    _, beta = offer(market, market.accounts["alpha"], assisted)
    hand_done(actor=market.holding.actor, command_id=task(market, "create").pk)
    market.beta.listings["there"] = RemoteListing(
        listing_id="B-9", external_id="there", event_id="", section="131", row="27", seat_from="", seat_to="",
        quantity=4, price=Decimal("84.00"), currency="USD", state=RemoteListingState.ACTIVE,
    )  # fmt: skip
    market.beta.seats["there"] = [1, 2, 3, 4]
    account = connected(market, "beta", Mode.LIVE, stock_taken_at=None)
    sweep(market, account)
    found = FoundListing.objects.get()
    assert found.state == "waiting"

    seats = [str(seat.pk) for seat in market.holding.seats]
    if door == "page":
        browser().post(reverse("listings:found_adopt", args=[found.pk]), {"seats": seats})
    else:
        path = reverse("api:found_adopt", args=[found.pk])
        bearer().post(path, {"seat_ids": seats}, content_type="application/json")

    beta.refresh_from_db()
    found.refresh_from_db()
    assert Listing.objects.filter(platform="beta").count() == 1
    assert (found.state, found.listing, beta.account, beta.listing_id) == ("adopted", beta, account, "B-9")
