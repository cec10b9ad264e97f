"""A sale of a listing that nobody here knows, of seats that are not certain: held, taken down and chosen (I-04)."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.test import Client

from listings.models import Listing, ListingStatus, Sale, SaleState
from listings.services.adopt import listing_adopt
from listings.services.resolve import sale_resolve
from listings.services.sale_report import sale_report
from listings.services.sale_saga import sale_apply
from listings.services.sync import sale_read
from marketplaces.contracts import EventWords, RemoteSale, RemoteSaleState
from portfolios.locks import seats_lock
from portfolios.models import Seat
from seatsync.core.errors import InvalidInput
from seatsync.core.venue_time import local
from tests.builders import bearer
from tests.market import Market

pytestmark = pytest.mark.django_db


def states(market: Market) -> list[str]:
    own = Seat.objects.filter(game=market.holding.game).order_by("seat_number")
    return list(own.values_list("state", flat=True))


@pytest.fixture
def stranger(market: Market) -> RemoteSale:
    """Two of the holder's seats sold at Alpha by a listing of somebody's hand; which two it does not say."""
    _, beta = market.published()
    game = market.holding.game
    sold = market.alpha.sell(Listing.objects.get(platform="alpha").external_id, (1, 2), tell_seats=False)
    market.alpha.seats[sold.external_id] = [1, 2, 3, 4]
    day = local(game.starts_at, game.venue.timezone).date().isoformat()
    words = EventWords("Inland Owls at Harbor Gulls", game.venue.name, day, game.starts_at)
    unknown = replace(sold, external_id="hand-1", listing_id="L-77", event=words)
    market.alpha.sales[unknown.sale_id] = unknown
    assert beta.status == ListingStatus.ACTIVE
    return unknown


def told(market: Market, remote: RemoteSale) -> Sale:
    sale = sale_apply(account=market.accounts["alpha"], remote=remote)
    market.work()
    return sale


def test_all_that_it_may_be_of_is_held_and_comes_down_everywhere(market: Market, stranger: RemoteSale) -> None:
    sale = told(market, stranger)
    assert (sale.state, sale.listing) == (SaleState.NEEDS_PERSON, None)
    assert states(market) == ["held"] * 4
    assert market.beta.shown() == []
    # A buyer elsewhere who came in between gets nothing confirmed.
    beta = Listing.objects.get(platform="beta")
    market.beta.seats[beta.external_id] = [1, 2, 3, 4]
    late = market.beta.sell(beta.external_id, (1, 2), state=RemoteSaleState.AWAITING_CONFIRM)
    market.webhook(late, platform=market.beta)
    market.work()
    assert Sale.objects.get(platform="beta").state == SaleState.NEEDS_PERSON
    assert "confirm" not in {call for call, _ in market.beta.calls}


def test_a_person_says_which_of_them_it_took(market: Market, stranger: RemoteSale) -> None:
    sale, seats = told(market, stranger), market.holding.seats
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(f"/portfolio/sales/{sale.pk}/resolve/").text
    assert all(f'value="{seat.pk}"' in page for seat in seats)
    with pytest.raises(InvalidInput, match="took 2, and you chose 1"):
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seats[3].pk])
    other = market.holding.seats_of(market.holding.games[-1])[0]
    with pytest.raises(InvalidInput):
        sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[seats[3].pk, other.pk])
    answer = bearer(market.holding.user).post(
        f"/api/v1/sales/{sale.pk}/resolve/", {"seat_ids": [str(seat.pk) for seat in seats[2:]]},
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    sale.refresh_from_db()
    assert (sale.state, states(market)) == (SaleState.CONFIRMED, ["available", "available", "sold", "sold"])
    assert sale.listing is not None
    assert (sale.listing.made_there, sale.listing.status, sale.game) == (True, "sold", market.holding.game)
    market.work()
    # What its marketplace says next is of that sale.
    assert sale_read(sale=sale)
    sale.refresh_from_db()
    assert (sale.state, states(market)) == (SaleState.CONFIRMED, ["available", "available", "sold", "sold"])
    assert not sale.commands.filter(state="needs_person").exists()


def test_it_is_none_of_his_and_all_is_free_again(market: Market, stranger: RemoteSale) -> None:
    sale = told(market, stranger)
    sale_resolve(actor=market.holding.actor, sale_id=sale.pk, seat_ids=[], reason="a friend's seats")
    assert states(market) == ["available"] * 4
    told(market, stranger)
    assert states(market) == ["available"] * 4


def test_it_is_taken_back_there_and_all_is_free_again(market: Market, stranger: RemoteSale) -> None:
    told(market, stranger)
    told(market, market.alpha.move(stranger.sale_id, RemoteSaleState.CANCELLED))
    assert (Sale.objects.get().state, states(market)) == (SaleState.CANCELLED, ["available"] * 4)


def test_a_sale_of_nothing_that_he_has_holds_nothing(market: Market, stranger: RemoteSale) -> None:
    sale = told(market, replace(stranger, section="900", row="Z"))
    assert (sale.state, states(market)) == (SaleState.NEEDS_PERSON, ["available"] * 4)
    assert len(market.beta.shown()) == 1


def test_once_its_listing_is_known_only_that_ones_seats_are_its_own(market: Market, stranger: RemoteSale) -> None:
    told(market, stranger)
    assert states(market) == ["held"] * 4
    last = market.holding.seats[2:]
    with transaction.atomic():
        listing_adopt(
            actor=market.holding.actor, account=market.accounts["alpha"], seats=seats_lock(seat.pk for seat in last),
            listing_id="L-77", remote_key="hand-1", price=stranger.gross / 2, currency="USD",
        )  # fmt: skip
    sale = told(market, stranger)
    assert (sale.state, states(market)) == (SaleState.CONFIRMED, ["available", "available", "sold", "sold"])


@pytest.mark.parametrize("what", ["cancelled", "replacement"])
def test_its_holder_says_that_it_is_over_and_all_is_free_again(market: Market, stranger: RemoteSale, what: str) -> None:
    sale = told(market, stranger)
    market.alpha.move(stranger.sale_id, RemoteSaleState.CANCELLED)
    sale_report(actor=market.holding.actor, sale_id=sale.pk, what=what, reason="they wrote so")
    sale.refresh_from_db()
    assert (sale.state, sale.ending, states(market)) == (SaleState.CANCELLED, what, ["available"] * 4)
