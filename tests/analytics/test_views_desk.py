"""The desk and the season table say what the ledger says, at a constant number of queries."""

import re
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analytics.selectors.overview import season_overview
from intelligence.models import AiPrediction
from intelligence.services.suggest import champion_version
from listings.models import Listing, Sale
from marketplaces.contracts import RemoteSaleState
from marketplaces.models import Mode
from portfolios.models import Seat
from portfolios.services.ledger import seats_set_state
from seatsync.core.clock import now
from seatsync.live.alerts import alert_raise
from tests.analytics.conftest import SignIn
from tests.listings.ended import Ended
from tests.listings.platform import ScriptedPlatform
from tests.market import Market, build_market

Platforms = tuple[ScriptedPlatform, ScriptedPlatform]


def test_totals_follow_the_ledger(market: Market) -> None:
    holding = market.holding
    market.published(holding.seats[:2])
    seats_set_state(actor=holding.actor, seat_ids=[holding.seats[2].pk], to_state="attending", reason="we go")
    totals = season_overview(holding.actor, holding.ticket).totals
    assert (totals.games, totals.whole.seats, totals.whole.cost) == (6, 24, Decimal("1000.01"))
    assert (totals.listed.seats, totals.asked) == (2, Decimal("168.00"))
    assert totals.kept.seats == 1
    assert (totals.undecided.seats, totals.undecided_games) == (5 * 4 - 3, 5)
    assert totals.unused.seats == 4
    assert (totals.sold.seats, totals.sold_proceeds, totals.result) == (0, Decimal("0.00"), None)


def test_what_a_game_brought_is_to_the_cent_what_its_sales_brought(market: Market) -> None:
    """A share for every seat would be rounded four times: 65.25 of four seats is 16.3125 each."""
    holding = market.holding
    alpha, _ = market.published(price="65.25", floor=Decimal("50.00"))
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2, 3, 4)))
    market.work()
    Sale.objects.update(gross=Decimal("65.25"), fees=Decimal("0.02"), proceeds=Decimal("65.23"))
    overview = season_overview(holding.actor, holding.ticket)
    (row,) = [row for row in overview.games if row.sold_seats]
    assert row.sold_proceeds == Decimal("65.23")
    assert overview.totals.sold_proceeds == Decimal("65.23")


def test_proceeds_that_are_not_told_are_in_no_sum_until_they_came(market: Market, sign_in: SignIn) -> None:
    """What a person told of the price alone is kept as gross: a fee is still to go off it."""
    holding = market.holding
    alpha, _ = market.published(holding.seats[:2])
    ended = Ended(market, market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(ended.remote)
    Sale.objects.update(fees=Decimal("0.00"), proceeds=Decimal("168.00"), proceeds_told=False)
    client, url = sign_in(holding.actor), reverse("analytics:season_detail", args=[holding.ticket.pk])
    overview = ended.overview()
    (row,) = [row for row in overview.games if row.sold_seats]
    totals = overview.totals
    assert (row.untold, row.untold_sales, row.sold_proceeds, row.sold_cost, row.result) == (2, 1, 0, 0, None)
    assert (totals.sold.seats, totals.counted, totals.sold_proceeds, totals.result) == (2, 0, 0, None)
    page = client.get(url).content.decode()
    assert "after fees; 1 sale whose proceeds are not told left out" in page
    assert ("no proceeds are told" in page, "2 sold, proceeds not told" in page) == (True, True)
    # What came of it is known, charges off, though nobody ever said what it would be.
    ended.pays("P-1", penalty="1.20")
    overview = ended.overview()
    (row,) = [row for row in overview.games if row.sold_seats]
    assert (row.untold, row.sold_proceeds) == (0, Decimal("150.00"))
    assert (overview.totals.untold_sales, overview.totals.sold_proceeds) == (0, Decimal("150.00"))
    assert "proceeds are not told" not in client.get(url).content.decode()


def test_money_that_was_taken_back_is_in_no_sum_until_it_is_paid_anew(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    alpha, _ = market.published(holding.seats[:2])
    ended = Ended(market, market.alpha.sell(alpha.external_id, (1, 2)))
    market.webhook(ended.remote)
    client, url = sign_in(holding.actor), reverse("analytics:season_detail", args=[holding.ticket.pk])
    ended.pays("P-1")
    ended.pays("P-2", gross="-40.00", fee="0.00")
    overview = ended.overview()
    (row,) = [row for row in overview.games if row.sold_seats]
    assert (row.sold_proceeds, overview.totals.sold_proceeds) == (Decimal("111.20"), Decimal("111.20"))
    assert overview.totals.taken_back == Decimal("40.00")
    assert row.result == overview.totals.result == Decimal("111.20") - row.sold_cost
    for page in (client.get(url), client.get(reverse("analytics:desk"))):
        assert "$40.00 taken back left out" in page.content.decode()
    ended.pays("P-3", gross="40.00", fee="0.00")
    totals = ended.overview().totals
    assert (totals.sold_proceeds, totals.taken_back) == (Decimal("151.20"), Decimal("0.00"))
    assert "taken back" not in client.get(url).content.decode()


def test_what_is_only_promised_is_not_sold(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    alpha, _ = market.published(holding.seats[:2])
    ended = Ended(market, market.alpha.sell(alpha.external_id, (1, 2), state=RemoteSaleState.PROVISIONAL))
    market.webhook(ended.remote, kind="provisional_sale")
    overview = ended.overview()
    row, totals = next(row for row in overview.games if row.game == holding.game), overview.totals
    assert (row.sold_seats, row.promised_seats, row.sold_proceeds, row.result) == (0, 2, Decimal("0.00"), None)
    assert (totals.sold.seats, totals.held.seats, totals.sold_proceeds, totals.result) == (0, 2, Decimal("0.00"), None)
    assert totals.promised == Decimal("151.20")
    page = sign_in(holding.actor).get(reverse("analytics:season_detail", args=[holding.ticket.pk])).content.decode()
    assert "$151.20 to you once the buyer has paid" in page
    assert "2 being paid for" in page
    ended.says(RemoteSaleState.AWAITING_FULFILMENT)
    totals = ended.overview().totals
    assert (totals.sold.seats, totals.held.seats, totals.sold_proceeds) == (2, 0, Decimal("151.20"))


def test_money_of_two_currencies_is_not_added_up(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    for seats in (holding.seats[:2], holding.seats[2:]):
        alpha, _ = market.published(seats)
        market.webhook(market.alpha.sell(alpha.external_id, tuple(seat.seat_number for seat in seats)))
        market.work()
    there, here = Sale.objects.order_by("created_at")
    client, url = sign_in(holding.actor), reverse("analytics:season_detail", args=[holding.ticket.pk])
    Sale.objects.filter(pk=there.pk).update(currency="CAD")
    overview = season_overview(holding.actor, holding.ticket)
    (row,) = [row for row in overview.games if row.sold_seats]
    totals, cost = overview.totals, sum(seat.cost for seat in holding.seats[2:])
    assert (row.sold_seats, row.other_currency, row.sold_proceeds) == (4, 2, here.proceeds)
    assert (totals.sold.seats, totals.other_currency, totals.sold_proceeds) == (4, 2, here.proceeds)
    assert totals.result == row.result == here.proceeds - cost
    page = client.get(url).content.decode()
    assert "after fees; 2 in another currency left out" in page
    assert "on the cost of 2 sold seats" in page
    Sale.objects.update(currency="CAD")
    totals = season_overview(holding.actor, holding.ticket).totals
    assert (totals.sold_proceeds, totals.result, totals.result_percent) == (Decimal("0.00"), None, None)
    assert "no seat is sold for USD" in client.get(url).content.decode()


def test_the_parts_of_the_season_add_up_to_the_whole(market: Market, sign_in: SignIn) -> None:
    """Every seat lies in one part and no cent is hidden, on the page as well."""
    holding = market.holding
    alpha, _ = market.published(holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1,)))
    market.work()
    later = holding.seats_of(holding.games[-1])
    for seat, state in zip(later, ("attending", "donated", "transferred"), strict=False):
        seats_set_state(actor=holding.actor, seat_ids=[seat.pk], to_state=state, reason="decided")
    # A seat whose sale is not read back yet is held by it.
    Seat.objects.filter(pk=later[3].pk).update(state="held")
    totals = season_overview(holding.actor, holding.ticket).totals
    assert [part.seats for part in totals.parts] == [1, 1, 1, 1, 2, 14, 4]
    assert sum(part.seats for part in totals.parts) == totals.whole.seats == 24
    assert sum(part.cost for part in totals.parts) == totals.whole.cost == holding.ticket.cost_basis
    client = sign_in(holding.actor)
    page = client.get(reverse("analytics:season_detail", args=[holding.ticket.pk])).content.decode()
    shown = re.findall(r"(\d+) seats?, cost \$([\d,.]+)", page)
    assert sum(int(seats) for seats, _ in shown) == 24
    assert sum(Decimal(cost.replace(",", "")) for _, cost in shown) == Decimal("1000.01")
    assert f"4 games / 14 seats, cost ${totals.undecided.cost}" in page
    assert "4 games / 14 seats</td>" in client.get(reverse("portfolios:season_ticket_list")).content.decode()


def test_a_past_games_free_seats_are_unused_not_free(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    client, past = sign_in(holding.actor), holding.games[0]
    season = client.get(reverse("analytics:season_detail", args=[holding.ticket.pk])).content.decode()
    assert season.count('title="Seat 1: unused"') == 1
    game = client.get(reverse("analytics:game_detail", args=[past.pk])).content.decode()
    assert game.count("These seats went unused") == 1
    assert "Work out a price" not in game


def test_a_game_without_a_sale_has_no_result_and_says_so(market: Market, sign_in: SignIn) -> None:
    url = reverse("analytics:season_detail", args=[market.holding.ticket.pk])
    page = sign_in(market.holding.actor).get(url).content.decode()
    rows = page.split("<tr data-row")[1:]
    assert len(rows) == 6
    # Asks, sold and result.
    assert {row.count('<span class="muted">none</span>') for row in rows} == {3}


def test_the_desk_shows_season_and_listings(market: Market, sign_in: SignIn) -> None:
    market.published()
    page = sign_in(market.holding.actor).get("/").content.decode()
    assert "Nothing needs you right now." in page
    assert "$84.00" in page
    assert "$75.60" in page


def test_each_part_of_the_desk_is_fetched_alone(market: Market, sign_in: SignIn) -> None:
    client, strip = sign_in(market.holding.actor), f'id="strip-{market.holding.ticket.pk}"'
    parts = [
        client.get("/", headers={"HX-Request": "true", "HX-Target": name}).text for name in ("desk-top", "desk-lists")
    ]
    assert [("Next games" in part, strip in part, "<html" in part) for part in parts] == [
        (False, True, False), (True, False, False),
    ]  # fmt: skip
    whole = client.get("/").text
    assert all(f'id="{name}"' in whole for name in ("desk-top", "desk-lists"))
    assert (whole.count(strip), whole.count("Next games")) == (1, 1)


def test_query_count_does_not_grow(db: None, platforms: Platforms, sign_in: SignIn) -> None:
    market = build_market(platforms, games=15)
    coming = [game for game in market.holding.games if game.starts_at > market.holding.moment]
    client = sign_in(market.holding.actor)
    urls = {
        "desk": "/",
        "season": reverse("analytics:season_detail", args=[market.holding.ticket.pk]) + "?show=listed",
        "board": reverse("listings:listing_list"),
        "tickets": reverse("portfolios:season_ticket_list"),
    }
    counts = []
    for games in (coming[:3], coming[3:13]):
        for game in games:
            market.publish(market.holding.seats_of(game)[:2])
        counts.append({name: _queries(client, url) for name, url in urls.items()})
    assert counts[0] == counts[1]
    assert client.get(urls["season"]).content.decode().count("data-row") == 13


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_filters_and_order_lie_in_the_url(market: Market, sign_in: SignIn) -> None:
    client = sign_in(market.holding.actor)
    url = reverse("analytics:season_detail", args=[market.holding.ticket.pk])
    assert client.get(url).content.decode().count("data-row") == 6
    assert client.get(url, {"show": "coming", "sort": "-date"}).content.decode().count("data-row") == 5
    assert "No game fits this filter." in client.get(url, {"opponent": "nobody"}).content.decode()
    assert client.get(url, {"sort": "drop table"}).status_code == 200


def test_search_jumps_to_the_one_game(market: Market, sign_in: SignIn) -> None:
    client = sign_in(market.holding.actor)
    game = market.holding.game
    answer = client.get(reverse("analytics:search"), {"q": f"INL {game.game_date:%m%d} GO"})
    assert answer["Location"] == reverse("analytics:game_detail", args=[game.pk])
    assert client.get(reverse("analytics:search"), {"q": "owls"}).content.decode().count("data-row") == 6
    assert "No game of yours matches." in client.get(reverse("analytics:search"), {"q": "zzz"}).content.decode()
    day, found = game.game_date, reverse("analytics:game_detail", args=[game.pk])
    for date in (
        f"{day:%-d %b}",
        f"{day:%-m/%-d}",
        f"{day:%m/%d/%Y}",
        f"{day:%-m/%-d/%y}",
        f"{day:%b %-d}",
        f"{day:%m%d}",
    ):
        for typed in (date, f"{date} GO", f"inl {date} go", f"HAR {date} Go"):
            answer = client.get(reverse("analytics:search"), {"q": typed})
            assert (answer.status_code, answer.headers.get("Location")) == (302, found), typed
    for none in (f"{day:%-m/%-d}/1999", "13/45", "4/12/2", "0/0"):
        assert "No game of yours matches." in client.get(reverse("analytics:search"), {"q": none}).text, none


def test_a_refetch_moves_the_seasons_totals(market: Market, sign_in: SignIn) -> None:
    client, holding = sign_in(market.holding.actor), market.holding
    url = reverse("analytics:season_detail", args=[holding.ticket.pk])
    strip = f'id="strip-{holding.ticket.pk}"'
    assert client.get(url).text.count(strip) == 1
    alpha, _ = market.published(holding.seats[:2])
    market.webhook(market.alpha.sell(alpha.external_id, (1, 2)))
    totals = client.get(url, headers={"HX-Request": "true", "HX-Target": "season-totals"}).text
    assert totals.count(strip) == 1
    assert (
        f'data-live="sold-{holding.ticket.pk}">$151.20</dd><dd class="note">2 seats, cost $83.34, after fees' in totals
    )
    table = client.get(url, headers={"HX-Request": "true", "HX-Target": "season"}).text
    assert (strip in table, "data-row" in table, "data-row" in totals) == (False, True, False)


def test_what_is_not_shown_of_what_needs_the_person_is_counted(market: Market, sign_in: SignIn) -> None:
    for number in range(9):
        alert_raise(
            tenant_id=market.holding.ticket.tenant_id, user_id=market.holding.user.pk, kind=f"k{number}",
            url="/alerts/", title="Look", severity="action",
        )  # fmt: skip
    page = sign_in(market.holding.actor).get("/").content.decode()
    assert "9 need you" in page
    assert page.count('<li class="action" id="alert-') == 6
    assert "3 more, under Alerts" in page


def test_the_desks_day_is_the_day_at_the_venue(
    market: Market, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = market.holding.game.starts_at.astimezone(UTC).replace(hour=3)
    monkeypatch.setattr("analytics.selectors.desk.now", lambda: day)
    # Early in the morning in UTC it is still the day before at the Pacific.
    words = f"{day - timedelta(days=1):%A %-d %B}"
    assert words in sign_in(market.holding.actor).get("/").content.decode()


def test_a_suggestion_says_how_old_its_sales_are(market: Market, sign_in: SignIn) -> None:
    group = market.holding.game.groups.first()
    assert group is not None
    AiPrediction.objects.create(
        tenant_id=group.tenant_id, seat_group=group, model_type="price", model_version=champion_version(),
        predicted_value=Decimal(84), lower=Decimal(70), upper=Decimal(99), coverage=Decimal("0.8"), sample_size=1,
        level="history", data_as_of=now() - timedelta(days=324), features={}, reasons=[], quantiles={},
    )  # fmt: skip
    client = sign_in(market.holding.actor)
    season = reverse("analytics:season_detail", args=[market.holding.ticket.pk])
    for page in ("/", season):
        assert re.search(r"n 1, <time[^>]*>324 d</time>", client.get(page).content.decode()), page


def test_money_on_paper_and_real_money_are_no_sum(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    for seats in (holding.seats[:2], holding.seats[2:]):
        alpha, _ = market.published(seats)
        market.webhook(market.alpha.sell(alpha.external_id, tuple(seat.seat_number for seat in seats)))
        market.work()
    url = reverse("analytics:season_detail", args=[holding.ticket.pk])
    client = sign_in(holding.actor)
    overview = season_overview(holding.actor, holding.ticket)
    # All of it is practice, and says so.
    assert (overview.totals.on_paper, overview.totals.counted, overview.totals.practised) == (True, 4, 0)
    assert "practice, no money moves" in client.get(url).text
    paper, real = Sale.objects.order_by("created_at")
    Listing.objects.filter(sales=real).update(mode=Mode.LIVE)
    overview = season_overview(holding.actor, holding.ticket)
    totals, row = overview.totals, next(row for row in overview.games if row.game == holding.game)
    assert (totals.on_paper, totals.sold.seats, totals.counted, totals.practised) == (False, 4, 2, 2)
    assert (totals.sold_proceeds, totals.practice_proceeds) == (real.proceeds, paper.proceeds)
    assert (row.sold_proceeds, row.sold_seats, row.practised) == (real.proceeds, 2, 2)
    cost = sum((seat.cost for seat in holding.seats[2:]), Decimal("0.00"))
    assert totals.result == row.result == real.proceeds - cost
    page = client.get(url).text
    assert "2 sold on paper left out, $151.20 in practice" in page
    assert "practice, no money moves" not in page


def test_what_is_asked_on_paper_is_not_asked_for_real(market: Market, sign_in: SignIn) -> None:
    holding = market.holding
    market.published(holding.seats[:2], price="84.00")
    market.published(holding.seats[2:], price="90.00")
    assert season_overview(holding.actor, holding.ticket).totals.asked == Decimal("348.00")
    Listing.objects.filter(price="90.00").update(mode=Mode.LIVE)
    overview = season_overview(holding.actor, holding.ticket)
    assert (overview.totals.asked, overview.totals.practice_asked) == (Decimal("180.00"), Decimal("168.00"))
    row = next(row for row in overview.games if row.game == holding.game)
    assert (row.lowest_ask, len(row.listings), row.practice_listings) == (Decimal("90.00"), 2, 2)
    page = sign_in(holding.actor).get(reverse("analytics:season_detail", args=[holding.ticket.pk])).text
    assert "$168.00 asked on paper left out" in page
    assert "2 on paper" in page
