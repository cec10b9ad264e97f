"""Offering seats from the game page."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from analytics.selectors.game import game_page
from intelligence.models import AiPrediction
from listings.models import Listing, PushHalt, Sale
from listings.services.trading import trading_state_set
from marketplaces.contracts import Capability
from marketplaces.models import MarketSnapshot, Mode
from marketplaces.services.connect import connect_assisted
from portfolios.models import Game, Seat, Venue
from portfolios.services.season_tickets import season_ticket_create
from seatsync.accounts.models import User
from seatsync.core.clock import now
from seatsync.core.templatetags.ui import age_short
from seatsync.core.venue_time import local
from tests.analytics.conftest import SignIn
from tests.hands import assist
from tests.market import Market


def _data(market: Market, **changes: Any) -> dict[str, Any]:
    return {
        "seats": [str(seat.pk) for seat in market.holding.seats[:2]],
        "accounts": [str(account.pk) for account in market.accounts.values()],
        "price": "$84", "floor": "60", "ceiling": "120.00", "split_type": "any", "floor_basis": "list", **changes,
    }  # fmt: skip


def test_it_lists_the_chosen_seats_everywhere_chosen(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    answer = sign_in(market.holding.actor).post(url, _data(market))
    assert answer["Location"] == reverse("analytics:game_detail", args=[market.holding.game.pk])
    bounds = (Decimal("84.00"), Decimal("60.00"), Decimal("120.00"))
    assert sorted(Listing.objects.values_list("platform", "quantity", "price", "floor", "ceiling")) == [
        ("alpha", 2, *bounds),
        ("beta", 2, *bounds),
    ]


def test_a_second_send_lists_nothing_twice(market: Market, sign_in: SignIn) -> None:
    client = sign_in(market.holding.actor)
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    client.post(url, _data(market))
    answer = client.post(url, _data(market))
    assert answer.status_code == 422
    assert "is listed on Alpha already" in answer.content.decode()
    assert Listing.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": "50"}, "$50.00 is outside $60.00 to $120.00."),
        ({"price": "a lot"}, "is not an amount"),
        ({"seats": []}, "Choose seats."),
        ({"accounts": []}, "Choose at least one marketplace."),
        ({"ceiling": "10"}, "The ceiling is below the floor."),
    ],
)
def test_refusals_stand_beside_the_fields_and_values_are_kept(
    market: Market, sign_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    answer = sign_in(market.holding.actor).post(url, _data(market, **changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "Nothing was listed" in page
    assert f'value="{changes.get("price", "$84")}"' in page
    assert not Listing.objects.exists()


@pytest.mark.parametrize(("zone", "shown"), [
    ("America/Los_Angeles", "7:10 pm"), ("America/New_York", "10:10 pm"), ("Asia/Tokyo", "11:10 am"),
])  # fmt: skip
def test_i33_pages_show_when_a_game_starts_at_its_venue(market: Market, sign_in: SignIn, zone: str, shown: str) -> None:
    game, client = market.holding.game, sign_in(market.holding.actor)
    Game.objects.filter(pk=game.pk).update(starts_at=datetime(2031, 7, 2, 2, 10, tzinfo=UTC))
    Venue.objects.update(timezone=zone)
    own = reverse("analytics:game_detail", args=[game.pk])
    season = reverse("analytics:season_detail", args=[market.holding.ticket.pk])
    assert f", {shown} at {game.venue.name}," in client.get(own).content.decode()
    row = re.search(rf'{own}">[^<]*</a> <span class="sub">([^<]*)</span>', client.get(season).content.decode())
    assert row is not None
    assert row[1] == shown


def test_i33_the_prices_of_a_game_are_drawn_in_its_venues_time(market: Market, sign_in: SignIn) -> None:
    market.published()
    Venue.objects.update(timezone="Asia/Tokyo")
    page = sign_in(market.holding.actor).get(reverse("analytics:game_detail", args=[market.holding.game.pk]))
    assert "venue time, JST" in page.content.decode()


def test_a_viewer_cannot_list(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    answer = sign_in(market.holding.viewer).post(url, _data(market))
    assert answer.status_code == 422
    assert not Listing.objects.exists()


def test_the_net_of_a_typed_price_is_shown(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:game_net", args=[market.holding.game.pk])
    client = sign_in(market.holding.actor)
    page = client.get(url, {"price": "84"}).content.decode()
    assert page.count("$75.60") == 2
    assert "for all" not in page
    assert "type a price" in client.get(url).text
    for bad, why in (("eighty", "is not an amount."), ("0", "a price is more than nothing"), ("84.001", "cent")):
        answer = client.get(url, {"price": bad}).text
        assert (why in answer, "type a price" in answer, "$" in answer) == (True, False, False)
    assert sign_in(market.holding.other).get(url, {"price": "84"}).status_code == 404


def test_the_net_says_that_its_price_is_beyond_the_bounds_beside_it(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:game_net", args=[market.holding.game.pk])
    client, bounds = sign_in(market.holding.actor), {"floor": "80", "ceiling": "120"}
    assert "your" not in client.get(url, {"price": "84", **bounds}).text
    assert client.get(url, {"price": "79", **bounds}).text.count("below your floor of $80.00") == 2
    assert client.get(url, {"price": "121", **bounds}).text.count("above your ceiling of $120.00") == 2
    # Of 84 there reach him 75.60.
    assert (
        client.get(url, {"price": "84", "floor_basis": "net", **bounds}).text.count("below your floor of $80.00") == 2
    )
    # What is still being typed is no bound.
    assert "your" not in client.get(url, {"price": "84", "floor": "x", "ceiling": ""}).text


@pytest.mark.parametrize("scope", ["holder", "account", "season", "game", "staff"])
def test_where_a_brake_stops_it_nothing_can_be_chosen(market: Market, sign_in: SignIn, scope: str) -> None:
    holding, alpha = market.holding, market.accounts["alpha"]
    client, url = sign_in(holding.actor), reverse("analytics:game_detail", args=[holding.game.pk])
    before = client.get(url).text
    assert ("a brake stops" in before, before.count("disabled")) == (False, 0)
    of = {"holder": holding.user.pk, "account": alpha.pk, "season": holding.ticket.pk, "game": holding.game.pk}
    if scope == "staff":
        PushHalt.objects.create(platform="alpha", state="HALTED", reason="we look at it")
    else:
        ticket = holding.ticket.pk if scope == "game" else None
        trading_state_set(
            actor=holding.actor, scope=scope, scope_id=of[scope], state="HALTED", reason="we wait",
            season_ticket_id=ticket,
        )  # fmt: skip
    page = client.get(url).text
    alone = scope in {"account", "staff"}
    picks = re.findall(r'<input type="checkbox" name="accounts"[^>]*>', page)
    assert ["disabled" in pick for pick in picks] == [True, not alone]
    assert ["checked" in pick for pick in picks] == [False, alone]
    assert page.count("a brake stops it") == (1 if alone else 2)
    assert ("Nothing can be listed now: a brake stops every account." in page) is not alone
    assert ('<button class="btn primary wide" disabled>' in page) is not alone


def test_an_account_by_hand_is_not_ticked_alone_where_its_holder_practises(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    User.objects.filter(pk=holding.user.pk).update(kyc_status="approved")
    market.accounts["beta"].is_active = False
    market.accounts["beta"].save()
    by_hand = connect_assisted(actor=holding.actor, platform="beta")
    client, url = sign_in(holding.actor), reverse("analytics:game_detail", args=[holding.game.pk])

    def ticked() -> list[str]:
        return re.findall(r'name="accounts" value="([^"]+)"[^>]*checked', client.get(url).text)

    assert ticked() == [str(market.accounts["alpha"].pk)]
    assert "Accounts by hand, which are for real, are not ticked" in client.get(url).text
    paper, hand = client.get(url).text.split('id="id_accounts"')[1].split('<label class="pick">')[1:3]
    assert ['class="tag">by hand<' in pick for pick in (paper, hand)] == [False, True]
    # Who sells for real offers by hand too, and practises no more.
    market.accounts["alpha"].mode = Mode.LIVE
    market.accounts["alpha"].save()
    assert set(ticked()) == {str(market.accounts["alpha"].pk), str(by_hand.pk)}


def test_what_goes_up_by_hand_is_on_no_way(market: Market, sign_in: SignIn) -> None:
    assisted = assist(market)
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    wish = _data(market, accounts=[str(market.accounts["alpha"].pk), str(assisted.pk)])
    page = sign_in(market.holding.actor).post(url, wish, follow=True).text
    assert "1 listing on its way to Alpha. List it on Beta yourself, then say under By hand that it is done." in page


def test_the_net_says_whether_its_marketplace_was_asked(market: Market, sign_in: SignIn) -> None:
    market.alpha.takes, market.beta.lacks = Decimal(13), frozenset({Capability.PREVIEW})
    url = reverse("analytics:game_net", args=[market.holding.game.pk])
    client, seats = sign_in(market.holding.actor), [str(seat.pk) for seat in market.holding.seats[:2]]
    page = client.get(url, {"price": "84.00", "seats": seats}).content.decode()
    assert '<strong>$73.08</strong> <span class="muted">previewed by Alpha' in page
    assert ("$146.16 for all 2" in page, "$151.20 for all 2" in page) == (True, True)
    assert "after 10 %, from Beta&#x27;s fee schedule of 1 Jan 2024" in page
    # What is no seat is none; the page itself asks nobody.
    assert "previewed" not in client.get(url, {"price": "84.00", "seats": ["x"]}).content.decode()
    asked = len(market.alpha.calls)
    whole = client.get(reverse("analytics:game_detail", args=[market.holding.game.pk])).content.decode()
    assert 'hx-include="#id_price, #id_floor, #id_ceiling, #id_floor_basis, #id_seats" hx-trigger="load,' in whole
    assert len(market.alpha.calls) == asked


def test_seats_are_kept_and_freed(market: Market, sign_in: SignIn) -> None:
    client = sign_in(market.holding.actor)
    url = reverse("portfolios:seats_state", args=[market.holding.game.pk])
    seat = market.holding.seats[0]
    client.post(url, {"seats": [str(seat.pk)], "state": "attending"})
    assert Seat.objects.get(pk=seat.pk).state == "attending"
    client.post(url, {"seats": [str(seat.pk)], "state": "available"})
    assert Seat.objects.get(pk=seat.pk).state == "available"


def test_a_listed_seat_is_not_kept(market: Market, sign_in: SignIn) -> None:
    market.published()
    seat = market.holding.seats[0]
    url = reverse("portfolios:seats_state", args=[market.holding.game.pk])
    answer = sign_in(market.holding.actor).post(url, {"seats": [str(seat.pk)], "state": "attending"}, follow=True)
    assert "Take its listings down first." in answer.content.decode()
    assert Seat.objects.get(pk=seat.pk).state == "available"


def test_anothers_seats_are_not_moved(market: Market, sign_in: SignIn) -> None:
    seat = market.holding.seats[0]
    url = reverse("portfolios:seats_state", args=[market.holding.game.pk])
    assert sign_in(market.holding.other).post(url, {"seats": [str(seat.pk)], "state": "attending"}).status_code == 404
    assert sign_in(market.holding.viewer).post(url, {"seats": [str(seat.pk)], "state": "attending"}).status_code == 403
    assert Seat.objects.get(pk=seat.pk).state == "available"


def test_prices_are_worked_out_from_others_sales(market: Market, sign_in: SignIn) -> None:
    game = market.holding.game
    MarketSnapshot.objects.bulk_create(
        MarketSnapshot(
            time=now() - timedelta(hours=hours), game_id=game.pk, platform="alpha", kind="print", section="131",
            zone="Lower Box", row="20", quantity=2, price=Decimal(80 + hours), price_basis="list",
        )
        for hours in range(1, 13)
    )  # fmt: skip
    url = reverse("analytics:game_suggest", args=[game.pk])
    page = sign_in(market.holding.actor).post(url, follow=True).content.decode()
    (prediction,) = AiPrediction.objects.all()
    assert f"${prediction.predicted_value}" in page
    assert f"n {prediction.sample_size}" in page
    assert sign_in(market.holding.viewer).post(url).status_code == 403
    assert sign_in(market.holding.other).post(url).status_code == 404


def test_a_price_without_a_sale_says_what_it_rests_on(market: Market, sign_in: SignIn) -> None:
    Venue.objects.update(name="T-Mobile Park")  # history is a venue's own, and the shipped one is of this venue
    url = reverse("analytics:game_suggest", args=[market.holding.game.pk])
    page = sign_in(market.holding.actor).post(url, follow=True).content.decode()
    (prediction,) = AiPrediction.objects.all()
    assert f"n {prediction.sample_size} at {prediction.level} level" in page
    assert "No sale of others near your seats is known." in page


def test_sold_seats_say_what_they_brought_and_are_offered_no_more(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    alpha, _ = market.published(holding.seats[:2])
    client, url = sign_in(holding.actor), reverse("analytics:game_detail", args=[holding.game.pk])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    market.work()
    page = client.get(url).content.decode()
    sale = reverse("listings:sale_detail", args=[market.sale().pk])
    assert "Sold on Alpha for $84.00 each, <strong>$151.20</strong> to you." in page
    assert f'<a href="{sale}">Open the sale</a>' in page
    # Only the two seats that are left may still be priced, offered, kept.
    assert page.count("No price worked out for these seats.") == 1
    side = page[page.index('id="game-side"') :]
    assert [str(seat.pk) for seat in holding.seats if f'value="{seat.pk}"' in side] == [
        str(seat.pk) for seat in holding.seats[2:]
    ]
    # Where only what reaches the seller is told, it is not called the price.
    Sale.objects.update(gross_told=False)
    assert "Sold on Alpha: <strong>$151.20</strong> to you, the price is not told." in client.get(url).content.decode()
    Sale.objects.update(proceeds_told=False)
    assert "Sold on Alpha for $84.00 each, less a fee that is not told." in client.get(url).content.decode()
    Sale.objects.update(gross=0, fees=0, proceeds=0, rounding=0)
    assert "Sold on Alpha, the amount is not told." in client.get(url).content.decode()


def test_a_days_median_stands_where_the_day_was_last_seen(market: Market) -> None:
    game, noon = market.holding.game, datetime(2026, 3, 2, 12, 41, tzinfo=UTC)
    seen = [(noon, 54), (noon + timedelta(hours=2), 58), (noon - timedelta(days=1), 50)]
    MarketSnapshot.objects.bulk_create(
        MarketSnapshot(time=at, game_id=game.pk, platform="alpha", kind="ask", price=Decimal(ask), price_basis="list")
        for at, ask in seen
    )
    page = game_page(market.holding.actor, game.pk)
    assert page.lines[0].points == [
        (noon - timedelta(days=1), Decimal("50.00")),
        (noon + timedelta(hours=2), Decimal("56.00")),
    ]


def _side(page: str) -> str:
    return page[page.index('id="game-side"') :]


def _ticked(form: str) -> list[str]:
    return re.findall(r'name="seats" value="([0-9a-f-]+)"[^>]*checked', form)


def test_a_seat_that_is_listed_says_where_and_is_not_ticked(market: Market, sign_in: SignIn) -> None:
    pair, rest = market.holding.seats[:2], market.holding.seats[2:]
    market.published(pair)
    market.publish(rest, account_ids=[market.accounts["alpha"].pk])
    client, url = sign_in(market.holding.actor), reverse("analytics:game_detail", args=[market.holding.game.pk])
    offer = _side(client.get(url).content.decode()).split('id="keep-h"')[0]
    # Nothing is left of the pair to offer; the rest may still be offered on the other marketplace.
    assert [str(seat.pk) for seat in market.holding.seats if str(seat.pk) in offer] == [str(s.pk) for s in rest]
    assert offer.count("listed on Alpha</span>") == 2
    assert "2 more seats are listed on every marketplace that you have connected." in offer
    assert _ticked(offer) == []


def test_without_a_seat_to_offer_there_is_a_sentence_and_no_button(market: Market, sign_in: SignIn) -> None:
    market.published()
    client, url = sign_in(market.holding.actor), reverse("analytics:game_detail", args=[market.holding.game.pk])
    side = _side(client.get(url).content.decode())
    assert "List the chosen seats" not in side
    assert "Every free seat is listed on all marketplaces that you have connected." in side
    assert "Keep for me" not in side
    assert "Take their listings down before you keep them." in side


def test_one_click_offers_seats_of_one_ticket_that_are_side_by_side(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    season_ticket_create(
        actor=holding.actor, user_id=holding.user.pk, team_id=holding.game.home_team_id, season_year=2026,
        section="140", row="3", seat_from=5, seat_to=6, cost_basis=Decimal("300.00"), order_reference="ACC-2",
    )  # fmt: skip
    client, game = sign_in(holding.actor), reverse("analytics:game_detail", args=[holding.game.pk])
    keep = reverse("portfolios:seats_state", args=[holding.game.pk])
    client.post(keep, {"seats": [str(holding.seats[1].pk)], "state": "attending"})
    offer = _side(client.get(game).content.decode()).split('id="keep-h"')[0]
    assert _ticked(offer) == [str(seat.pk) for seat in holding.seats[2:]]
    url = reverse("analytics:game_publish", args=[holding.game.pk])
    assert client.post(url, _data(market, seats=_ticked(offer))).status_code == 302


def test_one_click_keeps_what_is_not_listed(market: Market, sign_in: SignIn) -> None:
    market.published(market.holding.seats[:2])
    client, url = sign_in(market.holding.actor), reverse("analytics:game_detail", args=[market.holding.game.pk])
    keep = _side(client.get(url).content.decode()).split('id="keep-h"')[1]
    assert _ticked(keep) == [str(seat.pk) for seat in market.holding.seats[2:]]
    url = reverse("portfolios:seats_state", args=[market.holding.game.pk])
    client.post(url, {"seats": _ticked(keep), "state": "attending"})
    assert Seat.objects.filter(state="attending").count() == 2


def test_nothing_is_shown_where_no_seat_can_be_moved(market: Market, sign_in: SignIn) -> None:
    alpha, _ = market.published()
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    url = reverse("analytics:game_detail", args=[market.holding.game.pk])
    assert "Keep or free" not in sign_in(market.holding.actor).get(url).content.decode()


@pytest.mark.parametrize(
    ("part", "holds"), [("game-facts", "game-head"), ("game-market", "comps-h"), ("game-side", "sell-h")]
)
def test_each_part_fetches_itself_when_listings_change(market: Market, sign_in: SignIn, part: str, holds: str) -> None:
    url = reverse("analytics:game_detail", args=[market.holding.game.pk])
    client = sign_in(market.holding.actor)
    (tag,) = [line for line in client.get(url).content.decode().split("<") if f'id="{part}"' in line]
    assert f'hx-get="{url}"' in tag
    assert "listing.changed from:body" in tag
    # The part itself stays and its content is swapped: what comes while it is under way is asked for afterwards.
    assert "hx-swap" not in tag
    page = client.get(url, headers={"HX-Request": "true", "HX-Target": part}).content.decode()
    # Each gets itself alone; the facts bring the heading along, where a game's state stands.
    assert [word for word in ("game-head", "comps-h", "sell-h") if f'id="{word}"' in page] == [holds]
    assert ('id="game-head" hx-swap-oob="true"' in page) == (part == "game-facts")
    assert "<html" not in page


def test_a_publication_says_where_it_goes(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:game_publish", args=[market.holding.game.pk])
    page = sign_in(market.holding.actor).post(url, _data(market), follow=True).content.decode()
    assert "2 listings on their way to Alpha and Beta." in page


@pytest.mark.parametrize("name", ["analytics:game_publish", "marketplaces:account_connect", "listings:trading_set"])
def test_an_address_of_a_form_leads_to_its_page(market: Market, sign_in: SignIn, name: str) -> None:
    words = [market.holding.game.pk] if name == "analytics:game_publish" else []
    answer = sign_in(market.holding.actor).get(reverse(name, args=words), follow=True)
    assert (answer.status_code, len(answer.redirect_chain)) == (200, 1)
    assert reverse(name, args=words).startswith(answer.redirect_chain[0][0])


def test_a_suggestion_says_its_n_and_age_in_every_table(market: Market, sign_in: SignIn) -> None:
    Venue.objects.update(name="T-Mobile Park")
    client, holding = sign_in(market.holding.actor), market.holding
    client.post(reverse("analytics:game_suggest", args=[holding.game.pk]))
    (prediction,) = AiPrediction.objects.all()
    for url in ("/", reverse("analytics:season_detail", args=[holding.ticket.pk])):
        page = client.get(url).content.decode()
        assert f"n {prediction.sample_size}, {age_short(prediction.data_as_of)}" in page
        assert "80 % interval</th>" in page


def test_the_panel_says_until_when_the_seats_would_be_on_sale_there(market: Market, sign_in: SignIn) -> None:
    client, game = sign_in(market.holding.actor), market.holding.game
    url = reverse("analytics:game_detail", args=[game.pk])
    last = local(game.starts_at - timedelta(hours=1), game.venue.timezone)
    assert client.get(url).text.count(f">{last:%-d %b %H:%M %Z}</time>") == 2
    Game.objects.filter(pk=game.pk).update(starts_at=now() + timedelta(minutes=30))
    page = client.get(url).text
    assert page.count("Too late: 1 h before the game, our own caution") == 2
