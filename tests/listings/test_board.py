"""The board: every connected marketplace beside the others, what listing there would bring, and how sure a state is."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from listings.board import board
from listings.models import Listing, MarketplaceCommand, PriceHistory
from marketplaces.contracts import Capability
from marketplaces.errors import PermanentError
from marketplaces.models import FeeVersion, MarketplaceAccount
from seatsync.accounts.models import User
from seatsync.core.clock import now
from tests.listings.test_health import swept
from tests.market import Market
from tests.queries import queries_of

pytestmark = pytest.mark.django_db


def page(market: Market, **query: str) -> str:
    client = Client()
    client.force_login(User.objects.get(pk=market.holding.actor.id))
    return client.get(reverse("listings:listing_list"), query).content.decode()


def on_alpha(market: Market) -> Listing:
    market.publish(market.holding.seats[:2], account_ids=[market.accounts["alpha"].pk])
    market.work()
    return Listing.objects.get()


def test_where_it_is_not_listed_the_board_says_what_it_would_bring(market: Market) -> None:
    on_alpha(market)
    FeeVersion.objects.filter(platform="beta").update(percent=Decimal("15.000"))
    (row,) = board(market.holding.actor).rows
    assert row.platforms == ["alpha", "beta"]
    assert set(row.previews) == {"beta"}
    assert (row.previews["beta"].price, row.previews["beta"].net) == (Decimal("84.00"), Decimal("71.40"))
    assert "from Beta&#x27;s fee schedule of" in page(market)
    assert "$84.00 would bring $71.40" in page(market)


def test_what_could_not_be_published_is_foreseen_elsewhere_and_not_there(market: Market) -> None:
    market.alpha.script["create"] = [PermanentError("the row is unknown")]
    assert on_alpha(market).status == "error"
    assert set(board(market.holding.actor).rows[0].previews) == {"beta"}


def test_the_cell_of_a_listing_whose_fee_is_unknown_says_so_and_one_that_nobody_could_send_needs_a_person(
    market: Market,
) -> None:
    _, beta = market.published()
    assert "fee unknown" not in page(market)
    Listing.objects.filter(pk=beta.pk).update(proceeds=None)
    assert page(market).count("fee unknown") == 1
    MarketplaceCommand.objects.filter(listing=beta).update(state="needs_person")
    assert "needs a person" in page(market)


def test_an_unknown_fee_is_said_and_not_guessed(market: Market) -> None:
    on_alpha(market)
    FeeVersion.objects.filter(platform="beta").delete()
    assert board(market.holding.actor).rows[0].previews["beta"].net is None
    # It would be asked: what it tells of a listing stands beside this.
    assert "Beta has no fee table: it is asked before seats are listed" in page(market)
    market.beta.lacks = frozenset({Capability.PREVIEW})
    assert "Beta has not told its fee" in page(market)


@pytest.mark.parametrize(
    "why", ["its account is closing", "it is listed there", "the game has begun", "only one is asked for"]
)
def test_nothing_is_foreseen_where_nothing_can_be_listed(market: Market, why: str) -> None:
    if why == "it is listed there":
        market.published(market.holding.seats[:2])
    else:
        on_alpha(market)
    if why == "its account is closing":
        MarketplaceAccount.objects.filter(platform="beta").update(closing_at=now())
    if why == "the game has begun":
        game = market.holding.game
        game.starts_at = now() - timedelta(minutes=1)
        game.save()
    chosen = "alpha" if why == "only one is asked for" else ""
    (row,) = board(market.holding.actor, platform=chosen).rows
    assert row.previews == {}


def test_a_state_says_when_it_was_checked_and_what_waits(market: Market) -> None:
    listing = on_alpha(market)
    assert "not checked yet" in page(market)
    Listing.objects.update(updated_at=now() - timedelta(minutes=5))
    swept(market)
    assert "checked <time" in page(market)
    MarketplaceCommand.objects.create(
        tenant_id=listing.tenant_id, account=listing.account, listing=listing, kind="reprice", state="pending",
        idempotency_key="w1", not_before=now(),
    )  # fmt: skip
    assert "reprice waits <time" in page(market)


def test_views_are_those_told_last_and_nothing_where_none_are(market: Market) -> None:
    listing = on_alpha(market)
    assert " views<" not in page(market).split("<tbody>")[1].split("</table>")[0]
    for minutes, views in ((3, 7), (2, 12), (1, None)):
        PriceHistory.objects.create(
            time=now() - timedelta(minutes=minutes), tenant_id=listing.tenant_id, listing_id=listing.pk,
            price=listing.price, platform="alpha", views=views,
        )  # fmt: skip
    assert "12 views" in page(market)


def test_more_rows_cost_no_more_queries(market: Market) -> None:
    client = Client()
    client.force_login(User.objects.get(pk=market.holding.actor.id))
    counts = []
    for seat in market.holding.seats[:3]:
        market.publish([seat], account_ids=[market.accounts["alpha"].pk])
        market.work()
        client.get(reverse("listings:listing_list"))
        asked, _ = queries_of(client, reverse("listings:listing_list"))
        counts.append(len(asked))
    assert counts[0] == counts[-1]


def test_where_no_marketplace_tells_views_the_board_says_so(market: Market) -> None:
    on_alpha(market)
    assert "None of these marketplaces tells how often buyers looked at a listing." in page(market)
    market.beta.tells_views = True
    assert "How often buyers looked at a listing is told by Beta alone." in page(market)


def test_a_filter_hides_rows_and_never_says_that_seats_on_offer_are_not_listed(market: Market) -> None:
    alpha, _ = market.published(market.holding.seats[:2])
    other = market.published(market.holding.seats[2:])
    Listing.objects.filter(pk=alpha.pk).update(status="error")
    for query in ({"status": "error"}, {"show": "all", "status": "error"}, {"status": "error", "opponent": "a"}):
        shown = board(market.holding.actor, **query)
        (row,) = shown.rows
        assert [[cell.listing.status for cell in cells] for cells in row.cells] == [["error"], ["active"]], query
        assert (row.previews, shown.listings) == ({}, 2), query
    Listing.objects.filter(pk=other[0].pk).update(status="delisted")
    (ended,) = board(market.holding.actor, show="ended", status="delisted").rows
    assert [[cell.listing.status for cell in cells] for cells in ended.cells] == [["delisted"], ["active"]]
    assert "not listed" not in page(market, status="error")
    # One marketplace's column alone is asked for: the others are not shown at all.
    (one,) = board(market.holding.actor, status="error", platform="alpha").rows
    assert one.platforms == ["alpha"]


def test_the_filters_stay_when_one_of_them_is_chosen_in_the_table(market: Market) -> None:
    on_alpha(market)
    text = page(market, show="all", opponent=market.holding.game.opponent.abbreviation)
    assert f'href="?show=all&amp;opponent={market.holding.game.opponent.abbreviation}&amp;platform=alpha"' in text
    text = page(market, show="all", platform="alpha")
    assert 'href="?show=all">Alpha only, show all</a>' in text
    # A state is looked for among all of them, and the choice beside it says so.
    assert '<option value="all" selected>' in page(market, show="ended", status="active")
    none = page(market, opponent="nobody")
    assert "Others may, without what you chose above." in none
    assert 'href="/portfolio/listings/?show=all"' in none
