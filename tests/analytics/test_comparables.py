"""The comparables on the game's page: which of others' sales the suggestion used, which it left out, and why."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from intelligence.models import AiPrediction
from intelligence.services.suggest import price_suggest
from marketplaces.models import MarketSnapshot
from portfolios.models import VenueSection
from seatsync.core.clock import now
from tests.analytics.conftest import SignIn
from tests.market import Market

pytestmark = pytest.mark.django_db


def sold(market: Market, section: str, price: str, *, hours_ago: float, **other: Any) -> MarketSnapshot:
    return MarketSnapshot.objects.create(
        game_id=market.holding.game.pk, time=now() - timedelta(hours=hours_ago), kind="print", platform="alpha",
        section=section, zone=other.pop("zone", "Field"), price=Decimal(price), price_basis="list", quantity=2, **other,
    )  # fmt: skip


@pytest.fixture
def zones(market: Market) -> None:
    for name in ("131", "132"):
        VenueSection.objects.update_or_create(venue=market.holding.game.venue, name=name, defaults={"zone": "Field"})


def suggest(market: Market) -> AiPrediction:
    group = market.holding.seats[0].group
    assert group is not None
    found = price_suggest(actor=market.holding.actor, seat_group=group)
    assert found is not None
    return found


def told(market: Market, sign_in: SignIn) -> dict[str, str]:
    """Price and verdict of each row of the table, as read."""
    page = sign_in(market.holding.actor).get(reverse("analytics:game_detail", args=[market.holding.game.pk])).text
    table = page.split("Sold by others:")[1].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    return {row[2]: re.sub(r"<[^>]+>", "", row[4]) for row in rows}


def test_each_sale_says_whether_the_price_stands_on_it(market: Market, sign_in: SignIn, zones: None) -> None:
    sold(market, "131", "80.00", hours_ago=5)
    sold(market, "132", "90.00", hours_ago=4)
    sold(market, "131", "70.00", hours_ago=3, currency="CAD")
    suggest(market)
    late = sold(market, "131", "85.00", hours_ago=2)
    sold(market, "131", "95.00", hours_ago=-0.001)
    assert told(market, sign_in) == {
        "$80.00": "used", "$90.00": "no: other section", "C$70.00": "no: not in USD",
        "$85.00": "no: known since", "$95.00": "no: sold since",
    }  # fmt: skip
    late.delete()
    page = sign_in(market.holding.actor).get(reverse("analytics:game_detail", args=[market.holding.game.pk])).text
    assert "131/27 1-4: the price stands on 1 sale of this section, 1 elsewhere is left out." in page


def test_a_price_of_the_zone_uses_its_sections(market: Market, sign_in: SignIn, zones: None) -> None:
    sold(market, "132", "90.00", hours_ago=4)
    suggest(market)
    assert told(market, sign_in) == {"$90.00": "used"}


def test_of_many_sales_the_older_ones_are_known_as_used_too(market: Market, sign_in: SignIn, zones: None) -> None:
    for number in range(9):
        sold(market, "131", f"{60 + number}.00", hours_ago=50 + number)
    prediction = suggest(market)
    features = prediction.features
    features["evidence"]["used"]["newest"] = features["evidence"]["used"]["newest"][:3]
    AiPrediction.objects.create(
        **{f.name: getattr(prediction, f.name) for f in AiPrediction._meta.fields if f.name not in {"id", "created_at"}}
    )
    assert set(told(market, sign_in).values()) == {"used"}


def test_without_a_suggestion_nothing_is_called_used(market: Market, sign_in: SignIn, zones: None) -> None:
    sold(market, "132", "90.00", hours_ago=4)
    assert told(market, sign_in) == {"$90.00": "no price suggested"}


def test_suggestions_that_differ_name_their_seats(market: Market, sign_in: SignIn, zones: None) -> None:
    from portfolios.services.season_tickets import season_ticket_create

    holding = market.holding
    other = season_ticket_create(
        actor=holding.actor, user_id=holding.user.pk, team_id=holding.ticket.team_id, season_year=2026, section="132",
        row="4", seat_from=1, seat_to=1, cost_basis=Decimal("10.00"), order_reference="B",
    )  # fmt: skip
    sold(market, "131", "80.00", hours_ago=5)
    sold(market, "132", "90.00", hours_ago=4)
    suggest(market)
    group = other.seats.get(game=holding.game).group
    assert group is not None
    price_suggest(actor=holding.actor, seat_group=group)
    said = told(market, sign_in)
    assert said["$80.00"] == "used for 131/27 1-4no: other section for 132/4 1"
    assert said["$90.00"] == "no: other section for 131/27 1-4used for 132/4 1"


@pytest.mark.parametrize("part", ["game-facts", "game-market", "game-side"])
def test_a_part_that_is_fetched_alone_says_what_it_says_in_the_page(
    market: Market, sign_in: SignIn, zones: None, part: str
) -> None:
    market.published(market.holding.seats[:2])
    sold(market, "131", "80.00", hours_ago=5)
    sold(market, "131", "82.00", hours_ago=4)
    suggest(market)
    client, url = sign_in(market.holding.actor), reverse("analytics:game_detail", args=[market.holding.game.pk])

    def read(**headers: str) -> str:
        # Each answer masks the form's token anew, and ages go on.
        return re.sub(r'value="\w{64}"|<time.*?</time>|\s+', "", client.get(url, headers=headers).text)

    alone = read(**{"HX-Request": "true", "HX-Target": part}).split('<divclass="head"')[0]
    assert len(alone) > 1000
    assert alone in read()


def test_what_the_price_stands_on_comes_first_however_much_was_sold_elsewhere_since(
    market: Market, sign_in: SignIn, zones: None
) -> None:
    sold(market, "131", "80.00", hours_ago=30)
    for number in range(12):
        sold(market, "132", f"{90 + number}.00", hours_ago=20 - number)
    suggest(market)
    rows = list(told(market, sign_in).items())
    assert len(rows) == 10
    assert rows[:2] == [("$80.00", "used"), ("$101.00", "no: other section")]
