"""A sale that was announced and could not be read before its account was left: its holder says what it took."""

import pytest
from django.test import Client
from django.urls import reverse

from listings.models import Listing, Sale, SaleState
from listings.services.resolve import sale_resolve
from listings.services.unread import ANNOUNCED
from marketplaces.contracts import RemoteSale
from marketplaces.errors import GrantExpired
from marketplaces.services.connect import account_leave
from marketplaces.services.understand import inbound_replay
from portfolios.models import Seat
from seatsync.live.models import Alert
from tests.hands import told
from tests.market import Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def announced(market: Market) -> RemoteSale:
    """Alpha has sold two of four seats, its grant had ended, and its holder works it by hand since."""
    alpha, _ = market.published()
    remote = market.alpha.sell(alpha.external_id, (1, 2))
    market.alpha.script["fetch_sale"] = [GrantExpired("ended"), GrantExpired("ended")]
    market.announce(remote.sale_id, alpha.external_id)
    market.process()
    market.work()
    assert states(market) == ["held"] * 4
    account_leave(actor=market.holding.actor, account_id=market.accounts["alpha"].pk)
    market.accounts["alpha"].refresh_from_db()
    market.process()
    return remote


def states(market: Market) -> list[str]:
    return list(Seat.objects.filter(game=market.holding.game).order_by("seat_number").values_list("state", flat=True))


def test_it_waits_for_its_holders_word_and_its_notice_is_no_failure(market: Market, announced: RemoteSale) -> None:
    sale = market.sale()
    assert (sale.state, sale.state_reason, sale.platform_sale_id) == ("needs_person", ANNOUNCED, announced.sale_id)
    assert states(market) == ["held"] * 4
    assert list(market.accounts["alpha"].inbound.values_list("state", flat=True)) == ["done"]
    assert not Alert.objects.filter(kind="inbound.failed").exists()
    assert "needs you: seats 131 row 27" in Alert.objects.filter(kind="sale.unclear")[0].title
    client = Client()
    client.force_login(market.holding.user)
    page = client.get(reverse("listings:sale_resolve", args=[sale.pk])).text
    assert "how many it took is not told" in page
    # Worked off once more, the notice makes no other sale.
    inbound_replay(actor=market.holding.actor, event_id=market.accounts["alpha"].inbound.get().pk)
    market.process()
    assert Sale.objects.count() == 1


def test_what_it_took_is_said_whatever_its_number(market: Market, announced: RemoteSale) -> None:
    seats = [seat.pk for seat in market.holding.seats[:2]]
    sale = sale_resolve(actor=market.holding.actor, sale_id=market.sale().pk, seat_ids=seats)
    assert (sale.state, sale.quantity, states(market)) == (SaleState.CONFIRMED, 2, ["sold"] * 2 + ["available"] * 2)


def test_that_it_was_none_gives_the_seats_back(market: Market, announced: RemoteSale) -> None:
    sale_resolve(actor=market.holding.actor, sale_id=market.sale().pk, seat_ids=[], reason="there is no such order")
    assert (market.sale().state, states(market)) == (SaleState.CANCELLED, ["available"] * 4)


def test_it_may_be_told_by_its_number_as_any_sale_by_hand(market: Market, announced: RemoteSale) -> None:
    listing = Listing.objects.get(platform="alpha")
    sale = told(market, listing, market.holding.seats[:2], announced.sale_id)
    assert (sale, sale.state, str(sale.gross)) == (market.sale(), SaleState.CONFIRMED, "168.00")
    assert states(market) == ["sold"] * 2 + ["available"] * 2
