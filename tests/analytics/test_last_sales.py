"""A game that has sales but no offers says what its last sales were, with how many and how old."""

from datetime import timedelta
from decimal import Decimal

from django.urls import reverse

from marketplaces.market import last_sales_of_games
from marketplaces.models import MarketSnapshot
from seatsync.core.clock import now
from tests.analytics.conftest import SignIn
from tests.market import Market


def sold(market: Market, *sales: tuple[str, timedelta], kind: str = "print") -> None:
    for price, ago in sales:
        MarketSnapshot.objects.create(
            time=now() - ago, game_id=market.holding.game.pk, platform="recorded", kind=kind, price=Decimal(price),
            price_basis="list",
        )  # fmt: skip


def test_the_sales_of_the_newest_week_count(market: Market) -> None:
    day = timedelta(days=1)
    sold(market, ("10.00", 12 * day), ("60.00", 8 * day), ("70.00", 4 * day), ("90.00", 2 * day))
    found = last_sales_of_games([market.holding.game.pk])[market.holding.game.pk]
    assert (found.median, found.n) == (Decimal("70.00"), 3)
    assert now() - found.as_of < 3 * day
    assert last_sales_of_games([game.pk for game in market.holding.games if game != market.holding.game]) == {}


def test_every_page_with_the_market_says_so(market: Market, sign_in: SignIn) -> None:
    sold(market, ("70.00", timedelta(hours=2)), ("74.00", timedelta(hours=3)))
    client = sign_in(market.holding.actor)
    for url in ("/", reverse("analytics:season_detail", args=[market.holding.ticket.pk])):
        page = client.get(url).content.decode()
        assert "sold in its newest week: median $72.00" in page
        assert "n 2, newest" in page
    page = client.get(reverse("analytics:game_detail", args=[market.holding.game.pk])).content.decode()
    assert "$72.00" in page
    assert "median, n 2, newest" in page


def test_offers_go_before_sales(market: Market, sign_in: SignIn) -> None:
    sold(market, ("70.00", timedelta(hours=2)))
    sold(market, ("99.00", timedelta(minutes=1)), kind="ask")
    page = sign_in(market.holding.actor).get("/").content.decode()
    assert "last sales" not in page
    assert "$99.00" in page
