"""Repricing and taking down from the pages; the sale page; the brake."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client, TestCase
from django.urls import reverse

from listings.models import Listing, Sale, TradingState
from listings.services.sale_saga import sale_apply
from listings.services.trading import trading_state_set
from marketplaces.contracts import RemoteSaleState
from marketplaces.errors import PermanentError
from portfolios.models import Venue
from seatsync.accounts.models import User
from seatsync.core.actors import Actor
from seatsync.core.clock import now
from seatsync.live.models import LiveEvent
from tests.market import Market

STRUCK = "$151.20</s>"


def enter(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id))
    return client


@pytest.fixture
def listing(market: Market) -> Listing:
    return market.published()[0]


def reprice(client: Client, listing: Listing, price: str, version: int | None = None, *, row: bool = False) -> Any:
    url = reverse("listings:listing_reprice", args=[listing.pk])
    headers = {"HX-Request": "true", "HX-Target": f"listing-row-{listing.pk}"} if row else {}
    return client.post(url, {"price": price, "version": version or listing.version}, headers=headers)


def test_a_new_price_comes_back_as_the_row(market: Market, listing: Listing) -> None:
    answer = reprice(enter(market.holding.actor), listing, "$88", row=True)
    assert answer.status_code == 200
    assert "$88.00" in answer.content.decode()
    listing.refresh_from_db()
    assert listing.price == Decimal("88.00")


def test_a_stale_version_is_said_and_changes_nothing(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    stale = listing.version
    reprice(client, listing, "88")
    answer = reprice(client, listing, "90", stale, row=True)
    assert answer.status_code == 409
    assert "Look at the new price and decide again." in answer.content.decode()
    listing.refresh_from_db()
    assert listing.price == Decimal("88.00")


def test_a_price_under_the_floor_is_refused_beside_the_field(market: Market, listing: Listing) -> None:
    answer = reprice(enter(market.holding.actor), listing, "49")
    assert answer.status_code == 422
    assert "below your floor of $50.00" in answer.content.decode()
    listing.refresh_from_db()
    assert listing.price == Decimal("84.00")


def test_taking_down_twice_is_harmless(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    url = reverse("listings:listing_delist", args=[listing.pk])
    assert client.post(url).status_code == 302
    assert client.post(url).status_code == 302
    market.work()
    listing.refresh_from_db()
    assert listing.status == "cancelled"


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("other", 404), ("outsider", 404)])
def test_others_change_nothing(market: Market, listing: Listing, who: str, status: int) -> None:
    client = enter(getattr(market.holding, who))
    assert reprice(client, listing, "88").status_code == status
    assert client.post(reverse("listings:listing_delist", args=[listing.pk])).status_code == status
    listing.refresh_from_db()
    assert (listing.price, listing.status) == (Decimal("84.00"), "active")


def test_the_board_has_a_row_a_group_and_a_column_a_marketplace(market: Market, listing: Listing) -> None:
    page = enter(market.holding.actor).get(reverse("listings:listing_list")).content.decode()
    assert page.count("data-row") == 1
    assert page.count('class="offer whole"') == 2
    shown = enter(market.holding.actor).get(reverse("listings:listing_list"), {"status": "sold"}).content.decode()
    assert "No listing fits." in shown


def test_the_counts_come_with_the_refetched_rows(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    listings, sales = reverse("listings:listing_list"), reverse("listings:sale_list")
    assert 'id="listing-count">2 shown' in client.get(listings).content.decode()
    assert 'id="sale-count">0 in all' in client.get(sales).content.decode()
    market.webhook(market.alpha.sell(listing.external_id, (1, 2, 3, 4)))
    market.work()
    for url, words in ((listings, 'id="listing-count" hx-swap-oob="true">0 shown'), (sales, "1 in all")):
        fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
        assert words in fragment
        assert 'hx-swap-oob="true"' in fragment


def _sale_page(market: Market, client: Client) -> str:
    return client.get(reverse("listings:sale_detail", args=[market.sale().pk])).content.decode()


def test_the_sale_page_says_confirm_by_only_while_it_waits(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    sale = market.alpha.sell(listing.external_id, (1, 2, 3, 4), state=RemoteSaleState.AWAITING_CONFIRM)
    market.alpha.sales[sale.sale_id] = replace(sale, confirm_by=now() + timedelta(hours=4))
    market.webhook(sale)
    assert "Confirm by" in _sale_page(market, client)
    market.work()
    assert "Confirm by" not in _sale_page(market, client)


def test_only_what_takes_down_is_listed_as_taken_down(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    market.webhook(market.alpha.sell(listing.external_id, (1, 2, 3, 4), state=RemoteSaleState.AWAITING_CONFIRM))
    market.work()
    told, down = _sale_page(market, client).split('id="down-h"')
    assert 'id="told-h"' in told
    assert "confirm sale" in told
    assert "confirm sale" not in down
    assert "delist" in down


def test_floor_and_ceiling_are_shown_to_the_cent(market: Market) -> None:
    listing = market.published(floor=Decimal("64.26"), ceiling=Decimal("150.50"))[0]
    client = enter(market.holding.actor)
    for name in ("listings:listing_detail", "listings:listing_row"):
        page = client.get(reverse(name, args=[listing.pk])).content.decode()
        assert "$64.26 to $150.50" in page


def test_the_story_tells_refused_prices(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    reprice(client, listing, "49")
    page = client.get(reverse("listings:listing_detail", args=[listing.pk])).content.decode()
    assert "Refused" in page
    assert "your floor against it" in page


def test_i33_the_prices_of_a_listing_are_drawn_in_its_venues_time(market: Market, listing: Listing) -> None:
    Venue.objects.update(timezone="Asia/Tokyo")
    client = enter(market.holding.actor)
    reprice(client, listing, "88")
    market.work()
    page = client.get(reverse("listings:listing_detail", args=[listing.pk])).content.decode()
    assert "venue time, JST" in page


def test_the_brake_is_set_at_once_and_with_a_reason_where_there_is_time(market: Market) -> None:
    client = enter(market.holding.actor)
    url = reverse("listings:trading_set")
    assert client.post(url, {"state": "HALTED", "reason": ""}).status_code == 302
    assert TradingState.objects.get().state == "HALTED"
    assert "Selling is halted." in client.get(reverse("listings:trading_detail")).content.decode()
    assert client.post(url, {"state": "HALTED", "reason": "on holiday"}).status_code == 302
    brake = TradingState.objects.get()
    assert (brake.scope, brake.scope_id, brake.state) == ("holder", market.holding.user.pk, "HALTED")
    page = client.get(reverse("listings:trading_detail")).content.decode()
    assert "on holiday" in page
    assert "Selling is halted." in page
    assert client.post(url, {"state": "NO_NEW_LISTINGS", "reason": "enough"}).status_code == 302
    page = client.get(reverse("listings:trading_detail")).content.decode()
    assert "Selling takes no new listings." in page
    # It is set: what is offered now is to resume, for which nobody needs a reason.
    assert '<option value="ACTIVE" selected>' in page
    assert client.post(url, {"state": "ACTIVE", "reason": ""}).status_code == 302
    brake.refresh_from_db()
    assert brake.state == "ACTIVE"
    assert '<option value="HALTED" selected>' in client.get(reverse("listings:trading_detail")).content.decode()


def test_the_page_of_a_sale_whose_game_is_not_known_opens(market: Market) -> None:
    alpha, _ = market.published()
    sold = replace(market.alpha.sell(alpha.external_id, (1, 2)), external_id="", listing_id="not ours")
    market.alpha.sales[sold.sale_id] = sold
    market.webhook(sold)
    sale = Sale.objects.get()
    assert (sale.game_id, sale.state) == (None, "needs_person")
    page = enter(market.holding.actor).get(reverse("listings:sale_detail", args=[sale.pk]))
    assert (page.status_code, "UTC" in page.content.decode()) == (200, True)


def test_who_is_halted_by_support_is_told(market: Market) -> None:
    people, user = market.holding, market.holding.user.pk
    with TestCase.captureOnCommitCallbacks(execute=True):
        trading_state_set(actor=people.staff, scope="holder", scope_id=user, state="HALTED", reason="asked to")
    # The strip that says so listens to the first; games and listings to the second.
    for kind in ("trading.changed", "season.changed"):
        assert LiveEvent.objects.filter(type=kind, user_id=user).exists()


def test_a_brake_that_has_ended_is_not_shown_as_one(market: Market) -> None:
    trading_state_set(
        actor=market.holding.actor, scope="holder", scope_id=market.holding.user.pk, state="HALTED", reason="on holiday"
    )
    TradingState.objects.update(until=now() - timedelta(minutes=1))
    page = enter(market.holding.actor).get(reverse("listings:trading_detail")).content.decode()
    assert "on holiday" not in page


@pytest.mark.parametrize(("status", "prices", "down"), [
    ("active", True, True), ("error", False, True), ("sold", False, False), ("delisting", False, False),
])  # fmt: skip
def test_a_listing_offers_what_can_be_done_with_it(
    market: Market, listing: Listing, status: str, prices: bool, down: bool
) -> None:
    Listing.objects.filter(pk=listing.pk).update(status=status)
    page = enter(market.holding.actor).get(reverse("listings:listing_detail", args=[listing.pk])).content.decode()
    assert ("Set the price" in page, ">Take down</button>" in page) == (prices, down)


@pytest.mark.parametrize("status", ["cancelled", "sold", "expired"])
def test_a_listing_that_is_over_says_so_and_leads_to_its_game(market: Market, listing: Listing, status: str) -> None:
    Listing.objects.filter(pk=listing.pk).update(status=status)
    address = reverse("listings:listing_detail", args=[listing.pk])
    publish = f"{reverse('analytics:game_detail', args=[listing.game_id])}#game-side"
    page = enter(market.holding.actor).get(address).text
    assert ("This listing has ended" in page, publish in page, "You may look at" in page) == (True, True, False)
    seen = enter(market.holding.viewer).get(address).text
    assert ("This listing has ended" in seen, publish in seen) == (True, False)


def test_who_may_change_a_listing_is_not_told_that_he_may_only_look(market: Market, listing: Listing) -> None:
    Listing.objects.filter(pk=listing.pk).update(status="delisting")
    address = reverse("listings:listing_detail", args=[listing.pk])
    assert "It is being taken down: its price is not changed now." in enter(market.holding.actor).get(address).text
    assert "You may look at this listing." in enter(market.holding.viewer).get(address).text


def test_what_was_never_up_is_not_said_to_be_withdrawn(market: Market) -> None:
    market.alpha.script["create"] = [PermanentError("the price is too high")]
    market.publish(account_ids=[market.accounts["alpha"].pk])
    market.work()
    listing, owner = Listing.objects.get(), enter(market.holding.actor)
    for name in ("listing_detail", "listing_row"):
        page = owner.get(reverse(f"listings:{name}", args=[listing.pk])).text
        assert "were not published on Alpha, and will not be sent there again" in page
        assert not re.search("withdrawn|Keep it up|Take down", page)
    owner.post(reverse("listings:listing_delist", args=[listing.pk]))
    market.work()
    listing.refresh_from_db()
    assert (listing.status, listing.never_up) == ("cancelled", False)


def test_money_that_does_not_come_is_not_shown_as_if_it_did(market: Market, listing: Listing) -> None:
    sold = market.alpha.sell(listing.external_id, (1, 2))
    market.webhook(sold)
    sale = Sale.objects.get()
    pages = [reverse("listings:sale_detail", args=[sale.pk]), reverse("listings:sale_list")]
    client = enter(market.holding.actor)
    assert [STRUCK in client.get(page).content.decode() for page in pages] == [False, False]
    sale_apply(account=market.accounts["alpha"], remote=market.alpha.move(sold.sale_id, RemoteSaleState.CANCELLED))
    assert [STRUCK in client.get(page).content.decode() for page in pages] == [True, True]


def test_every_page_says_that_selling_is_stopped(market: Market) -> None:
    def said(who: str) -> list[bool]:
        pages = ("analytics:desk", "listings:listing_list", "live:alert_list")
        client = enter(getattr(market.holding, who))
        return ["on holiday" in client.get(reverse(page)).content.decode() for page in pages]

    mine = partial(trading_state_set, actor=market.holding.actor, scope="holder", scope_id=market.holding.user.pk)
    mine(state="NO_NEW_LISTINGS", reason="on holiday")
    assert (said("actor"), said("other")) == ([True] * 3, [False] * 3)
    TradingState.objects.update(until=now() - timedelta(minutes=1))
    assert said("actor") == [False] * 3
    mine(state="ACTIVE", reason="")
    assert said("actor") == [False] * 3


def test_pages_refuse_other_methods(market: Market, listing: Listing) -> None:
    client = enter(market.holding.actor)
    assert client.get(reverse("listings:listing_reprice", args=[listing.pk])).status_code == 405
    assert client.post(reverse("listings:listing_list")).status_code == 405


def test_who_opens_what_only_a_form_sends_to_is_told_so_on_a_page(market: Market, listing: Listing) -> None:
    """As after signing in again with a form half filled in: the login leads to the form's own address."""
    url = reverse("listings:listing_reprice", args=[listing.pk])
    answer = enter(market.holding.actor).get(url)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Go back to the page with the form, and send it once more." in answer.text
    asked = Client().post(url)
    assert asked.headers["Location"].endswith(f"?next={url}")
    # What machines ask is answered to machines.
    assert "<html" not in Client().get("/webhooks/alpha/00000000-0000-0000-0000-000000000000/").text


def test_a_phone_leads_to_sales_and_payouts_and_shows_their_money_as_cards(market: Market, listing: Listing) -> None:
    """What has no place among the five verbs is under More; no column of money lies beyond the edge."""
    market.webhook(market.alpha.sell(listing.external_id, (1, 2)))
    client = enter(market.holding.actor)
    page = client.get(reverse("listings:sale_list")).text
    bar = page.partition('aria-label="Main, phone"')[2].partition("</nav>")[0]
    more = bar.partition("<summary>")[2]
    for name in ("listings:sale_list", "listings:payout_list", "analytics:inbox", "accounts:settings"):
        assert f'href="{reverse(name)}"' in more
        assert f'href="{reverse(name)}"' not in bar.partition("<summary>")[0]
    shown = {
        "listings:sale_list": ("Gross", "Fees", "To you"), "listings:payout_list": ("To you", "Expected by", "Because"),
    }  # fmt: skip
    for name, columns in shown.items():
        table = client.get(reverse(name) + "?show=awaited").text.partition("<table")[2].partition("</table>")[0]
        assert "cards" in table.partition(">")[0]
        assert [column for column in columns if f'data-label="{column}"' not in table] == []
